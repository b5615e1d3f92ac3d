"""The one limit of waits in tests."""

DEADLINE_SECONDS = 120.0
"""How long a test waits for a signal, an answer, or a process before it fails. It measures nothing: it only ends
a test that would hang, so it is generous enough for a machine that runs many other programs beside the tests."""
