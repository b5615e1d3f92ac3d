SELECT edit::text FROM item_edits WHERE collection_id = $1::uuid AND item_id = $2
