INSERT INTO study_collections (id, title, language, source_text, quality)
SELECT id::uuid, title, language, source_text, quality::json
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS given (id, title, language, source_text, quality)
