-- The latest completion of a content ($1) that the user ($2) has, which was asked for enough cards and questions.
SELECT completion
FROM job_steps
INNER JOIN async_jobs ON async_jobs.id = job_steps.job_id
WHERE content = $1 AND user_id = $2 AND cards >= $3 AND questions >= $4 AND NOT is_removed
ORDER BY job_id DESC
LIMIT 1
