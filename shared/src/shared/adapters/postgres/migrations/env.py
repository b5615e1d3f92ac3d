"""What Alembic runs around the migrations: they are written out as SQL, see `write_sql`."""

from alembic import context

# the transaction is the caller's, and so is the connection
context.configure(
    dialect_name="postgresql", output_buffer=context.config.output_buffer, transactional_ddl=False
)
context.run_migrations()
