-- Deletes an item wherever it stands. That it is deleted is written by edit_item.sql.
WITH added AS (
    DELETE FROM added_items WHERE collection_id = $1::uuid AND item_id = $2
),
cards AS (
    DELETE FROM flashcards WHERE collection_id = $1::uuid AND item ->> 'id' = $2
)
DELETE FROM quiz_questions WHERE collection_id = $1::uuid AND item ->> 'id' = $2
