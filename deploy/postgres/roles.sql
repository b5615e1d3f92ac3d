-- Run once, by the image, when the database is made: one role that owns the tables and migrates them, and one for the
-- services, which can read and write rows and nothing else.
\set owner_password `cat /run/etude/postgres/owner-password`
\set service_password `cat /run/etude/postgres/service-password`

CREATE ROLE etude_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE etude_service LOGIN PASSWORD :'service_password';

REVOKE ALL ON DATABASE etude FROM PUBLIC;
ALTER DATABASE etude OWNER TO etude_owner;
GRANT CONNECT ON DATABASE etude TO etude_service;

ALTER DEFAULT PRIVILEGES FOR ROLE etude_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO etude_service;
ALTER DEFAULT PRIVILEGES FOR ROLE etude_owner GRANT USAGE ON SEQUENCES TO etude_service;
ALTER ROLE etude_service SET idle_in_transaction_session_timeout = '60s';
