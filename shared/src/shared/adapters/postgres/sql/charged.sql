-- Tokens of a user's final jobs in each of these windows.
SELECT period, sum(prompt_tokens + completion_tokens)::bigint AS tokens
FROM async_jobs
CROSS JOIN unnest(windows) AS period
WHERE user_id = $1 AND windows && $2::text[] AND period = ANY($2::text[])
GROUP BY period
