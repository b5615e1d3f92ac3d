-- The connections of all clients to the server, and the size of the database. Every role may read these statistics; of the sessions
-- of other roles, pg_stat_activity hides what kind they are. Autovacuum counts as well, with up to three connections.
SELECT (SELECT sum(numbackends) FROM pg_stat_database WHERE datname IS NOT NULL)::int AS connections,
       current_setting('max_connections')::int AS max_connections,
       pg_database_size(current_database()) AS size
