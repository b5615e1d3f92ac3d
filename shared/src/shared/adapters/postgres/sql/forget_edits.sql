-- Runs after the jobs are marked as removed, in the same transaction: a change that came first is then seen.
DELETE FROM collection_edits WHERE id = ANY($1::uuid[])
