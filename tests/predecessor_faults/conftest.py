"""A gateway and the workers on the same stores: a fault of the predecessor is seen from both sides of the API."""

from tests.gateway.conftest import desk, harness, parts

__all__ = ["desk", "harness", "parts"]
