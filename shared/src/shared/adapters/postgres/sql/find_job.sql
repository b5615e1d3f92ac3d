-- One job with its result. $2: only if it is this user's; NULL: whoever's.
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
    error::text,
    result::text,
    language,
    source_text,
    quality::text,
    ARRAY(SELECT item::text FROM flashcards WHERE collection_id = kept.id ORDER BY position) AS flashcards,
    ARRAY(SELECT item::text FROM quiz_questions WHERE collection_id = kept.id ORDER BY position) AS quiz
FROM async_jobs AS kept
LEFT JOIN study_collections AS made USING (id)
WHERE id = $1::uuid AND user_id = coalesce($2::text, user_id) AND NOT is_removed
