-- Tokens of jobs accepted before $1, by user and window: a page that begins after user $3 and window $4.
-- All windows are of this month, and so is the end of each job that was charged in one.
SELECT user_id, period, sum(prompt_tokens + completion_tokens)::bigint AS tokens
FROM async_jobs
CROSS JOIN unnest(windows) AS period
WHERE
    created_at < to_timestamp($1::float8)
    AND finished_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    AND period = ANY($2::text[])
    AND (user_id, period) > ($3::text, $4::text)
GROUP BY user_id, period
ORDER BY user_id, period
LIMIT $5
