INSERT INTO added_items (collection_id, item_id, type, item, fingerprint)
VALUES ($1::uuid, $2, $3, $4::json, $5)
