"""Why the stack cannot run, in one line that says what to do."""


class CannotRun(Exception):
    """Ends the stack: its text is the only thing printed, and the exit code is 1."""
