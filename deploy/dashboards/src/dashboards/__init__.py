"""Etude's dashboards: each answers one question, and its modules read as the list of questions behind it."""
