"""Removed jobs of every kind, and when a result was last used."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE async_jobs
            ADD COLUMN used_at timestamptz,
            DROP CONSTRAINT async_jobs_result_iff_succeeded,
            ADD CONSTRAINT async_jobs_result_iff_succeeded CHECK (
                (result IS NOT NULL) = (status = 'succeeded' AND kind <> 'collection' AND NOT is_removed)
            )
    """)
    op.execute(
        "COMMENT ON COLUMN async_jobs.used_at IS"
        " 'When its user last read the result, to the day; NULL: not since it was made.'"
    )
    op.execute(
        "COMMENT ON COLUMN async_jobs.user_id IS 'Empty after the user was erased; only the cost is kept.'"
    )
