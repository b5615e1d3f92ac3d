-- Writes what a user has changed in an item, in place of what was changed in it before.
INSERT INTO item_edits (collection_id, item_id, edit)
VALUES ($1::uuid, $2, $3::json)
ON CONFLICT (collection_id, item_id) DO UPDATE SET edit = excluded.edit
