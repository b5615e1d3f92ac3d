"""The gateway's desk and the workers' life: an old fault is seen from both sides of the door."""

from tests.gateway.conftest import desk, life, parts

__all__ = ["desk", "life", "parts"]
