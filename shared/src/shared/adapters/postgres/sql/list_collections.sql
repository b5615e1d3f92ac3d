-- A page of a user's ready and failed collections, newest first, as list_jobs.sql. The other parameters choose among them: $4
-- statuses, $5 language with its regional variants, $6 kind of items, $7 a part of the title. NULL chooses all.
-- Titles are compared without accents and, in Latin letters at least, without case.
SELECT
    {job_columns}
FROM async_jobs AS kept
LEFT JOIN study_collections AS made USING (id)
LEFT JOIN collection_edits AS edits USING (id)
WHERE
    user_id = $1
    AND kind = 'collection'
    AND id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    AND NOT is_removed
    AND status = ANY($4::text[])
    AND ($5::text IS NULL OR starts_with(made.language || '-', $5 || '-'))
    AND (
        $6::text IS NULL
        OR ($6 = 'flashcards' AND EXISTS (SELECT FROM flashcards WHERE collection_id = kept.id))
        OR ($6 = 'quiz' AND EXISTS (SELECT FROM quiz_questions WHERE collection_id = kept.id))
    )
    AND (
        $7::text IS NULL
        OR position(
            regexp_replace(lower(normalize($7, NFKD)), '[\u0300-\u036f]', '', 'g')
            IN regexp_replace(
                lower(normalize(coalesce(edits.title, made.title, kept.title), NFKD)), '[\u0300-\u036f]', '', 'g'
            )
        ) > 0
    )
ORDER BY id DESC
LIMIT $3
