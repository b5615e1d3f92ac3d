-- The fingerprint of an added item (NULL if there is none), and whether an item of this id was deleted.
SELECT
    (SELECT fingerprint FROM added_items WHERE collection_id = $1::uuid AND item_id = $2) AS fingerprint,
    EXISTS (
        SELECT FROM item_edits
        WHERE collection_id = $1::uuid AND item_id = $2 AND edit ->> 'is_deleted' = 'true'
    ) AS is_deleted
