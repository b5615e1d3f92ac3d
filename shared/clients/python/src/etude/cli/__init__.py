"""The `etude` command. Everything but `etude dead` goes through the client."""
