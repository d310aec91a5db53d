"""How Alembic reaches the database: `alembic upgrade head`, or with --sql to only see the SQL."""

from logging.config import fileConfig

from alembic import context
from sqlalchemy import NullPool, create_engine

from bookreader.config import database_url
from bookreader.models import Base

if context.config.config_file_name:
    fileConfig(context.config.config_file_name)

# transaction_per_migration: what an earlier one did stays done when a later one fails.
metadata = Base.metadata
if context.is_offline_mode():
    context.configure(
        url=database_url(),
        target_metadata=metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    # No `options` in the connection's arguments: PGOPTIONS (lock_timeout) has to reach the server.
    engine = create_engine(database_url(), poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
