"""What users change in their collections."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # It refers to the job and not to what was made: a later attempt replaces that, and what a user changed stays.
    op.execute("""
        CREATE TABLE collection_edits (
            id uuid PRIMARY KEY REFERENCES async_jobs ON DELETE CASCADE,
            title text,
            revision integer NOT NULL CHECK (revision > 0)
        )
    """)
    op.execute("COMMENT ON TABLE collection_edits IS 'Collections that their users have changed.'")
    op.execute(
        "COMMENT ON COLUMN collection_edits.title IS 'The title that the user gave; NULL: as it was made.'"
    )
    op.execute("COMMENT ON COLUMN collection_edits.revision IS 'Grows with every change.'")
