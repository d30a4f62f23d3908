"""What was decided, as an order that somebody carries out: AWS CLI commands, Terraform, or the text of a ticket.

Nothing is carried out here. Every value comes from AWS, where names are chosen by whoever may create something: each is
quoted for the shell, kept on its line in comments, and escaped in strings of Terraform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from reviews import orders
from reviews.errors import DecisionError
from reviews.orders import one_line
from reviews.records import Actor, CampaignView, ItemView
from reviews.service import Reviews

FORMATS = ("cli", "terraform", "text")


def remediation(reviews: Reviews, id: str, format: str, actor: Actor) -> str:
    """The orders for every item whose decision is ``revoke`` or ``modify``, by account.

    Puts on record that each was ordered, once for each decision and format. Raises ``DecisionError`` for a format that
    does not exist, and what ``Reviews.record_all`` raises.
    """
    if format not in FORMATS:
        raise DecisionError(f"unknown format `{format}`: expected {', '.join(FORMATS)}")
    view = reviews.campaign(id)
    found = sorted(reviews.items(id, states=("revoke", "modify")), key=lambda each: orders.place(each.item))
    known = {
        (entry.item, entry.body.get("format"), entry.body.get("version"))
        for entry in reviews.entries(id)
        if entry.kind == "ordered"
    }
    new = [
        (each.item.id, {"format": format, "decision": each.state, "version": each.version})
        for each in found
        if (each.item.id, format, each.version) not in known
    ]
    if new and view.phase != "closed":
        reviews.record_all(id, "ordered", new, actor)
    return _WRITERS[format](view, found)


def _heading(view: CampaignView, found: Sequence[ItemView]) -> list[str]:
    final = "" if view.phase != "open" else " The campaign is not signed off: decisions may still change."
    return [
        f"Changes decided in the access review {view.name} ({view.id}): {len(found)}.{final}",
        f"Decided on the snapshot {view.snapshot}, taken {view.taken}. Verify afterwards on a new snapshot:",
        f"grantmap campaign check {view.id} --snapshot NEW",
    ]


def _about(each: ItemView) -> list[str]:
    """Lines that say what an order is about, who decided it, and why."""
    lines = [f"item {each.item.id}: {each.item.sentence}"]
    if each.decision is not None:
        lines.append(f"{each.state} decided by {each.decided_by} at {each.decided_at}: {each.decision.reason or '-'}")
    lines.append(each.item.if_removed)
    return [one_line(line) for line in lines if line]


# -- AWS CLI

_GUARD = (
    "# Runs what is of the account whose credentials are in use, and names what it skips.",
    "in_account() {",
    '  test "$(aws sts get-caller-identity --query Account --output text)" = "$1" && return',
    '  echo "skipped: changes of account $1, which these credentials are not of" >&2',
    "  return 1",
    "}",
)
_ACCOUNT = re.compile(r"\d{12}")


def _cli(view: CampaignView, found: Sequence[ItemView]) -> str:
    lines = ["#!/bin/sh", "set -eu", *(f"# {one_line(line)}" for line in _heading(view, found)), *_GUARD]
    for place, members in groupby(found, key=lambda each: orders.place(each.item)):
        guarded = _ACCOUNT.fullmatch(place) is not None
        lines += ["", f"if in_account {place}; then" if guarded else f"# {_unguarded(place)}"]
        indent = "  " if guarded else ""
        for each in members:
            lines += [f"{indent}# {line}" for line in _about(each)]
            lines += [f"{indent}{'# ' if step.by_hand else ''}{step.line}" for step in orders.steps(each)]
        lines += ["  :", "fi"] if guarded else []
    return "\n".join(lines) + "\n"


def _unguarded(place: str) -> str:
    if not place:
        return "With credentials of the management account, or of the one that administers Identity Center:"
    return one_line(f"With credentials of the account {place}:")


# -- Terraform


def _terraform(view: CampaignView, found: Sequence[ItemView]) -> str:
    lines = [f"# {one_line(line)}" for line in _heading(view, found)]
    lines += [
        "# Where your configuration has the resource, remove it there and apply. Where it has not, put the import",
        "# block into an empty configuration of that account, run `terraform plan -generate-config-out=revoked.tf` and",
        "# `terraform apply`, then remove the block and revoked.tf, and apply again: what was imported is destroyed.",
    ]
    for each in found:
        lines += ["", f"# account {one_line(orders.place(each.item)) or 'of Identity Center'}"]
        lines += [f"# {line}" for line in _about(each)]
        resource = orders.terraform(each.item)
        if each.state == "modify" and each.decision is not None:
            lines.append(f"# first give the lower access that was decided on: {one_line(each.decision.to)}")
        if resource is None:
            lines += [f"# by hand: {one_line(step.line)}" for step in orders.steps(each)]
            continue
        kind, address = resource
        lines += ["import {", f"  to = {kind}.revoked_{_identifier(each.item.id)}", f"  id = {hcl(address)}", "}"]
    return "\n".join(lines) + "\n"


def hcl(text: str) -> str:
    """A string of Terraform's language that means just this text: no template in it is evaluated."""
    quoted = json.dumps(one_line(text), ensure_ascii=False)
    return quoted.replace("${", "$${").replace("%{", "%%{")


def _identifier(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


# -- a ticket


def _text(view: CampaignView, found: Sequence[ItemView]) -> str:
    lines = [one_line(line) for line in _heading(view, found)]
    for number, each in enumerate(found, 1):
        place = orders.place(each.item)
        name = f" ({each.item.account_name})" if place and each.item.account_name else ""
        where = f"account {place}{name}" if place else "Identity Center"
        lines += ["", one_line(f"{number}. {each.state}: {each.item.entitlement.in_words}, in {where}")]
        lines += [f"   {line}" for line in _about(each)]
        lines += [f"   {'- ' if step.by_hand else '$ '}{one_line(step.line)}" for step in orders.steps(each)]
    return "\n".join(lines) + "\n"


_WRITERS: dict[str, Callable[[CampaignView, Sequence[ItemView]], str]] = {
    "cli": _cli,
    "terraform": _terraform,
    "text": _text,
}
