"""The `etude` command: use and operate Etude from a shell. Everything but `etude dead` goes through the public API."""
