"""Final jobs, and the collections made by them."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # json, not jsonb: a result is stored and given back byte for byte, and may hold any character JSON can.
    op.execute("""
        CREATE TABLE async_jobs (
            id uuid PRIMARY KEY,
            user_id text NOT NULL,
            kind text NOT NULL,
            status text NOT NULL CHECK (status IN ('succeeded', 'failed', 'cancelled')),
            attempt integer NOT NULL CHECK (attempt >= 0),
            created_at timestamptz NOT NULL,
            started_at timestamptz,
            finished_at timestamptz NOT NULL,
            plan text NOT NULL,
            model text NOT NULL,
            generated_by text NOT NULL,
            fallback_used boolean NOT NULL,
            prompt_tokens bigint NOT NULL CHECK (prompt_tokens >= 0),
            completion_tokens bigint NOT NULL CHECK (completion_tokens >= 0),
            windows text[] NOT NULL,
            title text NOT NULL,
            result json,
            error json,
            is_removed boolean NOT NULL DEFAULT FALSE,
            CONSTRAINT async_jobs_result_iff_succeeded
                CHECK ((result IS NOT NULL) = (status = 'succeeded' AND kind <> 'collection')),
            CONSTRAINT async_jobs_no_error_when_succeeded CHECK (status <> 'succeeded' OR error IS NULL)
        )
    """)
    op.execute("COMMENT ON TABLE async_jobs IS 'One row per final job. Live jobs are in Redis only.'")
    op.execute(
        "COMMENT ON COLUMN async_jobs.attempt IS 'Of the save: a lower or equal one never overwrites.'"
    )
    op.execute(
        "COMMENT ON COLUMN async_jobs.windows IS 'Budget windows charged; budgets are rebuilt from them.'"
    )
    op.execute("COMMENT ON COLUMN async_jobs.is_removed IS 'Removed by its learner; only its cost is kept.'")
    op.execute("CREATE INDEX async_jobs_by_user ON async_jobs (user_id, id)")
    # rows come in the order of their end, so a block range index finds the old ones at next to no cost
    op.execute("CREATE INDEX async_jobs_by_end ON async_jobs USING brin (finished_at)")
    op.execute("""
        CREATE TABLE study_collections (
            id uuid PRIMARY KEY REFERENCES async_jobs ON DELETE CASCADE,
            title text NOT NULL,
            language text NOT NULL,
            source_text text NOT NULL,
            quality json NOT NULL
        )
    """)
    op.execute(
        "COMMENT ON TABLE study_collections IS 'What a succeeded job of kind collection made; same id.'"
    )
    for table in ("flashcards", "quiz_questions"):
        op.execute(f"""
            CREATE TABLE {table} (
                collection_id uuid NOT NULL REFERENCES study_collections ON DELETE CASCADE,
                position integer NOT NULL,
                item json NOT NULL,
                PRIMARY KEY (collection_id, position)
            )
        """)
