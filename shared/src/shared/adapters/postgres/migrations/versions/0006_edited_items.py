"""What users change in single items, and items that are added to a collection."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Both are deleted with the row that counts the changes of their collection.
    op.execute("""
        CREATE TABLE item_edits (
            collection_id uuid NOT NULL REFERENCES collection_edits ON DELETE CASCADE,
            item_id text NOT NULL,
            edit json NOT NULL,
            PRIMARY KEY (collection_id, item_id)
        )
    """)
    op.execute(
        "COMMENT ON TABLE item_edits IS 'Items that their users have changed; a deleted one keeps its id only.'"
    )
    op.execute("""
        CREATE TABLE added_items (
            collection_id uuid NOT NULL REFERENCES collection_edits ON DELETE CASCADE,
            item_id text NOT NULL,
            number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
            type text NOT NULL CHECK (type IN ('flashcard', 'question')),
            item json NOT NULL,
            fingerprint text NOT NULL,
            job_id uuid,
            PRIMARY KEY (collection_id, item_id)
        )
    """)
    op.execute(
        "COMMENT ON TABLE added_items IS 'Items that a collection was not made with, in the order of their number.'"
    )
    op.execute(
        "COMMENT ON COLUMN added_items.fingerprint IS"
        " 'Tells a request that is repeated with its idempotency key; empty without a key.'"
    )
    op.execute("COMMENT ON COLUMN added_items.job_id IS 'The job that made it; NULL: its user wrote it.'")
