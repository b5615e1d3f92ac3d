-- Ids of the jobs that added items to the collection $2. They were accepted after it, and ids sort by that.
SELECT id::text FROM async_jobs
WHERE user_id = $1 AND id > $2::uuid AND kind = 'items' AND title = $2::text AND NOT is_removed
