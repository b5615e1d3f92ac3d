"""How many of a job's tokens were read from the prompt cache, and how many were spent on thinking."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # No check compares them with the whole counts, because the release before this one changes only those. A constant default
    # rewrites no row.
    for column in ("cached_tokens", "reasoning_tokens"):
        op.execute(
            f"ALTER TABLE async_jobs ADD COLUMN {column} bigint NOT NULL DEFAULT 0 CHECK ({column} >= 0)"
        )
    op.execute(
        "COMMENT ON COLUMN async_jobs.cached_tokens IS 'Of the prompt tokens: read from the prompt cache.'"
    )
    op.execute("COMMENT ON COLUMN async_jobs.reasoning_tokens IS 'Of the completion tokens: thinking.'")
