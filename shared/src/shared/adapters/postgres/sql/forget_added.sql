-- Runs before the items of a later attempt of the job $2 are added to the collection $1.
DELETE FROM added_items WHERE collection_id = $1::uuid AND job_id = $2::uuid
