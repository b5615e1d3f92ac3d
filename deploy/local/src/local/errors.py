"""The error that ends the stack, with one line that says what to do."""


class CannotRun(Exception):
    """Ends the stack with exit code 1; only its text is printed."""
