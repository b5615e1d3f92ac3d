-- Deletes a batch of rows of jobs that ended, and were last used, before $1, with their material.
DELETE FROM async_jobs
WHERE id IN (
    SELECT id
    FROM async_jobs
    WHERE finished_at < to_timestamp($1::float8) AND coalesce(used_at, finished_at) < to_timestamp($1::float8)
    LIMIT $2
)
