-- Counts what a job adds to the collection $1 of user $2 as a change. Returns nothing if the collection is removed. The lock is as
-- in edit_collection.sql.
WITH theirs AS (
    SELECT id FROM async_jobs
    WHERE id = $1::uuid AND user_id = $2 AND kind = 'collection' AND NOT is_removed
    FOR NO KEY UPDATE
)
INSERT INTO collection_edits AS kept (id, revision)
SELECT id, 1 FROM theirs
ON CONFLICT (id) DO UPDATE SET revision = kept.revision + 1
RETURNING revision
