"""Statements of policies as entitlements: what tells them apart, whom they name, a document without one principal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from model.arn import is_account_id
from policy.document import Document, Statement
from policy.jsontext import load_json
from policy.request import normal_service


def statement_mark(statement: Statement) -> str:
    """What tells a statement without a Sid from others: a hash of all it says but whom it names."""
    parts: list[Any] = [statement.effect, statement.actions, statement.not_actions]
    parts += [statement.resources, statement.not_resources]
    parts += [[condition.operator_text, condition.key, condition.values] for condition in statement.conditions]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def named_principals(statement: Statement) -> Iterable[tuple[str, str]]:
    """(``AWS``, ``Service`` …, text) of each principal an allowing statement names, once; ``*`` where it excepts some.

    Services are as the element has them, without region; a root ARN and an account id are one name.
    """
    element = statement.principal_element
    if element is None:
        return ()
    if element.negated or element.everyone:
        return (("AWS", "*"),)
    found: dict[tuple[str, str], None] = {}
    for name in sorted(element.names):
        text = name.split(":")[4] if name.startswith("arn:") and name.endswith(":root") else name
        found[("AWS", text)] = None
    for kind, names in (
        ("Service", element.services),
        ("Federated", element.federated),
        ("CanonicalUser", element.canonical),
    ):
        found.update(dict.fromkeys((kind, name) for name in sorted(names)))
    return found


def without_principal(document: Document, text: str, statement: int, named: tuple[str, str]) -> Document:
    """The document with one principal taken out of one statement; the statement goes with the last of them."""
    raw = load_json(text, source="policy")
    listed = raw["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    left = _without(statements[statement], named)
    # The others keep their places: what is decided names statements by them.
    statements[statement] = left if left is not None else _NOTHING
    raw["Statement"] = statements
    return Document(raw, f"{document.text_hash}-{statement}-{named}", "policy")


#: A statement about nothing, of nobody.
_NOTHING = {"Effect": "Deny", "Principal": {"AWS": []}, "Action": "none:None"}


def _without(statement: dict[str, Any], named: tuple[str, str]) -> dict[str, Any] | None:
    """The statement without the principal, ``None`` when it names nobody else."""
    kind, text = named
    element = statement.get("Principal")
    if not isinstance(element, dict) or text == "*":
        return None
    left: dict[str, list[str]] = {}
    for each, value in element.items():
        names = [value] if isinstance(value, str) else value
        kept = [name for name in names if not (each == kind and _same(kind, name, text))]
        if kept:
            left[each] = kept
    return {**statement, "Principal": left} if left else None


def _same(kind: str, name: str, text: str) -> bool:
    if kind == "Service":
        return normal_service(name) == text
    return name == text or (is_account_id(text) and name.startswith("arn:") and name.endswith(f"::{text}:root"))
