-- The connections of all clients to the server, and the size of the database.
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS max_connections,
       pg_database_size(current_database()) AS size
