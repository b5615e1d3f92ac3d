-- Deletes the material of a job and keeps its cost, which budgets are restored from.
WITH removed AS (
    UPDATE async_jobs SET is_removed = TRUE, title = '', result = NULL, error = NULL
    WHERE id = $1::uuid AND user_id = $2 AND NOT is_removed
    RETURNING id
),
parts AS (
    DELETE FROM study_collections USING removed WHERE study_collections.id = removed.id
)
SELECT count(*) FROM removed
