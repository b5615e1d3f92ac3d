-- Deletes a batch of rows of jobs that ended before $1. Only their user deletes collections.
DELETE FROM async_jobs
WHERE id IN (
    SELECT old.id
    FROM async_jobs AS old
    LEFT JOIN study_collections AS made USING (id)
    WHERE old.finished_at < to_timestamp($1::float8) AND made.id IS NULL
    LIMIT $2
)
