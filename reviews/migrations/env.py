"""Where Alembic begins: it is handed an open connection, with the transaction and the lock that it runs under."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
