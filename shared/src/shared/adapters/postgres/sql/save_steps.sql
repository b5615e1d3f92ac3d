-- Writes what jobs bought or reused.
INSERT INTO job_steps (job_id, content, cards, questions, completion)
SELECT job_id::uuid, content, cards, questions, completion
FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bytea[]) AS given (
    job_id, content, cards, questions, completion
)
ON CONFLICT DO NOTHING
