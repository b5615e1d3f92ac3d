-- A page of a user's final jobs, newest first: ids are UUIDv7, and sort by the time they were accepted.
SELECT
    id::text,
    user_id,
    kind,
    status,
    attempt,
    extract(EPOCH FROM created_at)::float8 AS created_at,
    coalesce(extract(EPOCH FROM started_at)::float8, 0) AS started_at,
    extract(EPOCH FROM finished_at)::float8 AS finished_at,
    plan,
    model,
    generated_by,
    fallback_used,
    prompt_tokens,
    completion_tokens,
    windows,
    coalesce(made.title, kept.title) AS title,
    error::text
FROM async_jobs AS kept
LEFT JOIN study_collections AS made USING (id)
WHERE
    user_id = $1
    AND kind = ANY($2::text[])
    AND id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    AND NOT is_removed
ORDER BY id DESC
LIMIT $4
