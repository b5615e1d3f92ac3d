-- Writes the rows of removed jobs: what they cost, without texts. A row that was there keeps what its own attempt cost,
-- unless the record is of a later attempt. No later save brings a text back.
INSERT INTO async_jobs AS kept (
    id, user_id, kind, status, attempt, created_at, started_at, finished_at, plan, model, generated_by,
    fallback_used, prompt_tokens, completion_tokens, windows, title, cached_tokens, reasoning_tokens, is_removed
)
SELECT
    id::uuid, user_id, kind, status, attempt, to_timestamp(created_at), to_timestamp(nullif(started_at, 0)),
    to_timestamp(finished_at), plan, model, generated_by, fallback_used, prompt_tokens, completion_tokens,
    string_to_array(windows, ','), '', cached_tokens, reasoning_tokens, TRUE
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::float8[], $7::float8[], $8::float8[], $9::text[],
    $10::text[], $11::text[], $12::boolean[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::bigint[], $20::bigint[], $21::bigint[]
) AS given (
    id, user_id, kind, status, attempt, created_at, started_at, finished_at, plan, model, generated_by,
    fallback_used, prompt_tokens, completion_tokens, windows, title, result, error, cached_tokens, reasoning_tokens, reused_calls
)
ON CONFLICT (id) DO UPDATE SET
    prompt_tokens = CASE WHEN kept.attempt < excluded.attempt THEN excluded.prompt_tokens ELSE kept.prompt_tokens END,
    completion_tokens = CASE WHEN kept.attempt < excluded.attempt THEN excluded.completion_tokens ELSE kept.completion_tokens END,
    cached_tokens = CASE WHEN kept.attempt < excluded.attempt THEN excluded.cached_tokens ELSE kept.cached_tokens END,
    reasoning_tokens = CASE WHEN kept.attempt < excluded.attempt THEN excluded.reasoning_tokens ELSE kept.reasoning_tokens END,
    windows = CASE WHEN kept.attempt < excluded.attempt THEN excluded.windows ELSE kept.windows END,
    attempt = greatest(kept.attempt, excluded.attempt),
    title = '',
    result = NULL,
    error = NULL,
    is_removed = TRUE
