"""What jobs bought from a model, so that a user does not buy the same again."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE async_jobs ADD COLUMN reused_calls bigint NOT NULL DEFAULT 0 CHECK (reused_calls >= 0)"
    )
    op.execute(
        "COMMENT ON COLUMN async_jobs.reused_calls IS 'Calls not made: their content was bought before.'"
    )
    op.execute("""
        CREATE TABLE job_steps (
            job_id uuid NOT NULL REFERENCES async_jobs ON DELETE CASCADE,
            content text NOT NULL,
            cards integer NOT NULL CHECK (cards >= 0),
            questions integer NOT NULL CHECK (questions >= 0),
            completion bytea NOT NULL,
            PRIMARY KEY (job_id, content)
        )
    """)
    op.execute(
        "COMMENT ON TABLE job_steps IS 'What a job bought or reused, for as long as its row has a result.'"
    )
    op.execute("COMMENT ON COLUMN job_steps.content IS 'Digest of user, model, prompt and source.'")
    op.execute("CREATE INDEX job_steps_by_content ON job_steps (content)")
