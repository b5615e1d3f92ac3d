-- Run once, by the image, when the database is made: the role that owns the tables and migrates them. The roles of the services
-- are created by `shared.runtime.cli.create_roles`.
\set owner_password `cat /run/etude/postgres/owner-password`

CREATE ROLE etude_owner LOGIN PASSWORD :'owner_password';

REVOKE ALL ON DATABASE etude FROM PUBLIC;
ALTER DATABASE etude OWNER TO etude_owner;
