-- Ids of a user's jobs, removed ones among them.
SELECT id::text FROM async_jobs WHERE user_id = $1 LIMIT $2
