"""The first form: campaigns, frozen items, the ledger, the projection, idempotency keys, members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: Table, its key in words, the condition under which a row to be inserted is there already.
_WRITTEN_ONCE = (
    ("entries", "campaign = NEW.campaign AND seq = NEW.seq"),
    ("items", "campaign = NEW.campaign AND item = NEW.item"),
)


def upgrade() -> None:
    _campaigns()
    _items()
    _entries()
    _states()
    op.create_table(
        "keys",
        sa.Column("campaign", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        *_texts("digest", "answer", "at"),
    )
    op.create_table(
        "members",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, primary_key=True),
        *_texts("given_by", "given_at"),
    )
    _guard()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _of_campaign() -> sa.Column[str]:
    return sa.Column("campaign", sa.Text, sa.ForeignKey("campaigns.id"), primary_key=True)


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("name", "template", "plan", "completeness", "scope_in_words", "snapshot", "taken"),
        *_texts("opened", "opened_by", "due"),
        sa.Column("items", sa.Integer, nullable=False),
        *_texts("root", "phase", "owner", "signed_off", "signed_off_by", "closed"),
        sa.Column("entries", sa.Integer, nullable=False),
        *_texts("head"),
    )


def _items() -> None:
    op.create_table(
        "items",
        _of_campaign(),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        *_texts("canonical", "fingerprint", "change", "risk"),
        sa.Column("risk_rank", sa.Integer, nullable=False),
        *_texts("person", "resource", "account", "haystack"),
    )
    op.create_index("items_by_position", "items", ["campaign", "position"], unique=True)
    op.create_index("items_by_risk", "items", ["campaign", "risk_rank", "position"])
    op.create_index("items_by_person", "items", ["campaign", "person", "position"])
    op.create_index("items_by_resource", "items", ["campaign", "resource", "position"])
    op.create_index("items_by_account", "items", ["campaign", "account", "position"])
    op.create_index("items_by_item", "items", ["item"])


def _entries() -> None:
    op.create_table(
        "entries",
        _of_campaign(),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *_texts("at", "actor", "how", "kind", "item", "body", "previous", "hash"),
    )
    op.create_index("entries_by_item", "entries", ["campaign", "item", "seq"])


def _states() -> None:
    op.create_table(
        "states",
        _of_campaign(),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        *_texts("state", "reviewer", "rule", "conflict", "decision", "decided_by", "decided_at"),
    )
    op.create_index("states_by_reviewer", "states", ["campaign", "reviewer", "state"])


def _guard() -> None:
    """Triggers that keep what was written once as it is."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION grantmap_written_once() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is written once', TG_TABLE_NAME; END $$"
        )
        for table, _ in _WRITTEN_ONCE:
            op.execute(
                f"CREATE TRIGGER {table}_rows_once BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION grantmap_written_once()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_once BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION grantmap_written_once()"
            )
        return
    for table, there in _WRITTEN_ONCE:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is written once'); END"
            )
        # INSERT OR REPLACE removes the old row without asking a DELETE trigger.
        there_already = f"SELECT 1 FROM {table} WHERE {there}"  # noqa: S608 (both are of the table above)
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS ({there_already}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is written once'); END"
        )
