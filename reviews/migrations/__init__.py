"""Migrations of the reviews database, run by Alembic when it is opened."""
