-- Counts a change of a collection, and writes its title unless $4 is NULL. $3 is the revision that the user has seen, 0 for a
-- collection that was never changed. Returns the new revision, or nothing if the collection was changed since or is removed.
-- The lock lets a removal wait, so that nothing of a removed collection stays.
WITH theirs AS (
    SELECT id FROM async_jobs
    WHERE id = $1::uuid AND user_id = $2 AND kind = 'collection' AND NOT is_removed
    FOR NO KEY UPDATE
)
INSERT INTO collection_edits AS kept (id, title, revision)
SELECT id, $4::text, 1 FROM theirs
ON CONFLICT (id) DO UPDATE SET
    title = coalesce(excluded.title, kept.title),
    revision = kept.revision + 1
WHERE kept.revision = $3::int
RETURNING revision
