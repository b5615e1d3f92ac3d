-- One job with its result, and whether it was not used for a day. $2 is the user it must belong to; NULL means any user.
SELECT
    {job_columns},
    result::text,
    language,
    source_text,
    quality::text,
    coalesce(used_at, finished_at) < now() - interval '1 day' AS is_used_again,
    ARRAY(SELECT item::text FROM flashcards WHERE collection_id = kept.id ORDER BY position) AS flashcards,
    ARRAY(SELECT item::text FROM quiz_questions WHERE collection_id = kept.id ORDER BY position) AS quiz,
    ARRAY(SELECT item::text FROM added_items WHERE collection_id = edits.id AND type = 'flashcard' ORDER BY number) AS added_cards,
    ARRAY(SELECT item::text FROM added_items WHERE collection_id = edits.id AND type = 'question' ORDER BY number) AS added_questions,
    (SELECT json_object_agg(item_id, edit)::text FROM item_edits WHERE collection_id = edits.id) AS item_edits
FROM async_jobs AS kept
LEFT JOIN study_collections AS made USING (id)
LEFT JOIN collection_edits AS edits USING (id)
WHERE id = $1::uuid AND user_id = coalesce($2::text, user_id) AND NOT is_removed
