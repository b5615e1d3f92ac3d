-- A page of a user's final jobs, newest first: ids are UUIDv7, and sort by the time they were accepted.
SELECT
    {job_columns}
FROM async_jobs AS kept
LEFT JOIN study_collections AS made USING (id)
LEFT JOIN collection_edits AS edits USING (id)
WHERE
    user_id = $1
    AND kind = ANY($2::text[])
    AND id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    AND NOT is_removed
ORDER BY id DESC
LIMIT $4
