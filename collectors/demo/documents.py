"""Policy documents as Python values, with places for ids that exist only once the organisation is built.

Places are written `@prod@` (the id of the account with that key, see `company.ACCOUNTS`), `@self@` (the account the
document is put into), `@org@` (the organisation's id), `@idp@` (the account's Identity Center SAML provider).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from collectors.demo.errors import DemoError

Document = dict[str, Any]
Strings = str | list[str]
_PLACE = re.compile(r"@([a-z-]+)@")


def policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    action: Strings,
    resource: Strings | None = "*",
    *,
    to: Any = None,
    when: Mapping[str, Any] | None = None,
    sid: str | None = None,
) -> Document:
    """An Allow statement; `to` is its Principal, `when` its Condition."""
    return _statement("Allow", {"Action": action}, resource, to, when, sid)


def deny(
    action: Strings,
    resource: Strings | None = "*",
    *,
    to: Any = None,
    when: Mapping[str, Any] | None = None,
    sid: str | None = None,
) -> Document:
    return _statement("Deny", {"Action": action}, resource, to, when, sid)


def deny_all_but(action: Strings, *, when: Mapping[str, Any] | None = None, sid: str | None = None) -> Document:
    """A Deny with NotAction, on every resource."""
    return _statement("Deny", {"NotAction": action}, "*", None, when, sid)


def allow_all_but(
    action: Strings | None = None,
    resource: Strings | None = None,
    *,
    on: Strings = "*",
    doing: Strings = "*",
    sid: str | None = None,
) -> Document:
    """An Allow with NotAction (`action`, on the resources `on`) or NotResource (`resource`, the actions `doing`)."""
    if action is not None:
        return _statement("Allow", {"NotAction": action}, on, None, None, sid)
    return {**_statement("Allow", {"Action": doing}, None, None, None, sid), "NotResource": resource}


def trust(
    to: Any, *, when: Mapping[str, Any] | None = None, action: Strings = "sts:AssumeRole", sid: str | None = None
) -> Document:
    """One statement of a trust policy, which has no Resource."""
    return _statement("Allow", {"Action": action}, None, to, when, sid)


def aws(*principals: str) -> Document:
    """The Principal element for accounts, users and roles."""
    return {"AWS": principals[0] if len(principals) == 1 else list(principals)}


def service(name: str) -> Document:
    return {"Service": f"{name}.amazonaws.com"}


def role(account: str, name: str) -> str:
    """The ARN of a role; `account` is a key of `company.ACCOUNTS`, `self` or twelve digits."""
    return f"arn:aws:iam::{account if account.isdigit() else f'@{account}@'}:role/{name}"


def root(account: str) -> str:
    return f"arn:aws:iam::{account if account.isdigit() else f'@{account}@'}:root"


def managed(name: str) -> str:
    """The ARN of one of AWS's managed policies, e.g. `job-function/ViewOnlyAccess`."""
    return f"arn:aws:iam::aws:policy/{name}"


def own(name: str) -> str:
    """The ARN of the account's own managed policy."""
    return f"arn:aws:iam::@self@:policy/{name}"


def render(value: Any, places: Mapping[str, str]) -> str:
    """JSON text of a document (or a plain string) with every place filled in; `DemoError` for one that is unknown."""
    text = value if isinstance(value, str) else json.dumps(value)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in places:
            raise DemoError(f"no id for the place `{match[0]}`")
        return places[match[1]]

    return _PLACE.sub(fill, text)


def _statement(
    effect: str,
    action: Document,
    resource: Strings | None,
    to: Any,
    when: Mapping[str, Any] | None,
    sid: str | None,
) -> Document:
    found: Document = {"Sid": sid} if sid else {}
    found |= {"Effect": effect}
    found |= {"Principal": to} if to is not None else {}
    found |= action
    found |= {"Resource": resource} if resource is not None else {}
    return found | ({"Condition": dict(when)} if when else {})
