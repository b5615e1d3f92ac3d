"""Job ids: UUIDv7, so that an id says when it was made, and ids sort by time."""

import uuid

from shared.domain.jobs.job import JobId

RANDOM_BYTES = 10


def new_job_id(now_ms: int, random_bytes: bytes) -> JobId:
    """The id of a job accepted at `now_ms` (Unix milliseconds). Takes ten random bytes, of which 74 bits are used."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    noise = int.from_bytes(random_bytes)
    version, variant = 7, 0b10
    bits = now_ms << 80 | version << 76 | (noise >> 62 & 0xFFF) << 64 | variant << 62 | noise & (1 << 62) - 1
    return JobId(str(uuid.UUID(int=bits)))


def is_job_id(text: str) -> bool:
    """Whether a text could be a job's id at all, in the one spelling we give out."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
