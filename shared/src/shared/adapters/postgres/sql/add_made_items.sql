-- An item that the collection has already stays as it is.
INSERT INTO added_items (collection_id, item_id, type, item, fingerprint, job_id)
SELECT $1::uuid, item::json ->> 'id', type, item::json, '', $2::uuid
FROM unnest($3::text[], $4::text[]) AS given (type, item)
ON CONFLICT (collection_id, item_id) DO NOTHING
