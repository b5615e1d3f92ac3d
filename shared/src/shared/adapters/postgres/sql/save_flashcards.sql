INSERT INTO flashcards (collection_id, position, item)
SELECT collection_id::uuid, position, item::json
FROM unnest($1::text[], $2::int[], $3::text[]) AS given (collection_id, position, item)
