"""Alembic runs this module around the migrations, which `write_sql` writes as SQL."""

from alembic import context

# the caller has the connection and the transaction
context.configure(
    dialect_name="postgresql", output_buffer=context.config.output_buffer, transactional_ddl=False
)
context.run_migrations()
