-- Runs before the steps of a later attempt are written, and after jobs are marked as removed, in the same transaction: steps that
-- were written first are then seen.
DELETE FROM job_steps WHERE job_id = ANY($1::uuid[])
