-- Deletes the material of an erased user's jobs, and the user's id from what they cost.
WITH erased AS (
    UPDATE async_jobs SET is_removed = TRUE, title = '', result = NULL, error = NULL, user_id = ''
    WHERE id = ANY($1::uuid[]) AND user_id = $2
    RETURNING id
),
parts AS (
    DELETE FROM study_collections USING erased WHERE study_collections.id = erased.id
)
SELECT id::text FROM erased
