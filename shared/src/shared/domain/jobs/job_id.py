"""Job ids are UUIDv7: an id contains the time of acceptance, and ids sort by it."""

import uuid

from shared.domain.jobs.job import JobId

RANDOM_BYTES = 10


def new_job_id(now_ms: int, random_bytes: bytes) -> JobId:
    """The id of a job accepted at `now_ms` (Unix milliseconds). It uses 74 bits of ten random bytes."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    randomness = int.from_bytes(random_bytes)
    version, variant = 7, 0b10
    bits = (
        now_ms << 80
        | version << 76
        | (randomness >> 62 & 0xFFF) << 64
        | variant << 62
        | randomness & (1 << 62) - 1
    )
    return JobId(str(uuid.UUID(int=bits)))


def is_job_id(text: str) -> bool:
    """Whether a text is a UUID in canonical form, which every job id is."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def accepted_at(job_id: JobId) -> float:
    """Unix seconds of a job's acceptance; 0 for a text that is no job id."""
    return int(job_id.replace("-", "")[:12], 16) / 1000 if is_job_id(job_id) else 0.0
