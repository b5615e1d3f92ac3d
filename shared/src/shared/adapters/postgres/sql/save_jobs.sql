-- Writes one row per final job. A row of the same or a later attempt stays, unless the data come from the record ($22). A record
-- that was read before its dead letter was replayed and finished by a later attempt does not replace that attempt's row.
-- Returns the jobs that were written. A removed job stays removed.
INSERT INTO async_jobs AS kept (
    id, user_id, kind, status, attempt, created_at, started_at, finished_at, plan, model, generated_by,
    fallback_used, prompt_tokens, completion_tokens, windows, title, result, error, cached_tokens, reasoning_tokens, reused_calls
)
SELECT
    id::uuid, user_id, kind, status, attempt, to_timestamp(created_at), to_timestamp(nullif(started_at, 0)),
    to_timestamp(finished_at), plan, model, generated_by, fallback_used, prompt_tokens, completion_tokens,
    string_to_array(windows, ','), title, result::json, error::json, cached_tokens, reasoning_tokens, reused_calls
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::float8[], $7::float8[], $8::float8[], $9::text[],
    $10::text[], $11::text[], $12::boolean[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::bigint[], $20::bigint[], $21::bigint[]
) AS given (
    id, user_id, kind, status, attempt, created_at, started_at, finished_at, plan, model, generated_by,
    fallback_used, prompt_tokens, completion_tokens, windows, title, result, error, cached_tokens, reasoning_tokens, reused_calls
)
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status,
    attempt = excluded.attempt,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    model = excluded.model,
    generated_by = excluded.generated_by,
    fallback_used = excluded.fallback_used,
    prompt_tokens = excluded.prompt_tokens,
    completion_tokens = excluded.completion_tokens,
    cached_tokens = excluded.cached_tokens,
    reasoning_tokens = excluded.reasoning_tokens,
    reused_calls = excluded.reused_calls,
    windows = excluded.windows,
    result = CASE WHEN NOT kept.is_removed THEN excluded.result END,
    error = CASE WHEN NOT kept.is_removed THEN excluded.error END
WHERE
    kept.attempt < excluded.attempt
    OR ($22 AND (kept.attempt = excluded.attempt OR kept.finished_at <= excluded.finished_at))
RETURNING id::text, is_removed
