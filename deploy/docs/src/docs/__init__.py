"""Generates the tables of the pages in `shared/docs` from the code they describe."""
