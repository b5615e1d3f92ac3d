"""The `etude` command. Everything but `etude dead` and `etude models` goes through the client."""
