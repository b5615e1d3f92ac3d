-- Runs before the parts of a later attempt are written. Cards and questions are deleted with their collection.
DELETE FROM study_collections WHERE id = ANY($1::uuid[])
