-- Before the parts of a later attempt are written: cards and questions go with their collection.
DELETE FROM study_collections WHERE id = ANY($1::uuid[])
