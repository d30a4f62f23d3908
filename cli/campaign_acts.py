"""What is done in a review: ``campaign decide``, ``assign``, ``remind``, ``run-due``, ``sign-off`` and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cli.campaigns import (
    As,
    CampaignId,
    ItemId,
    Key,
    actor,
    campaign_json,
    item_json,
    key_or_new,
    reviews,
    say_campaign,
    say_item,
)
from cli.options import Json
from cli.output import note, say, table, wrapped, write_json
from cli.state import home, questions
from cli.state import snapshot as open_snapshot
from cli.words import counted

if TYPE_CHECKING:
    from reviews.independence import Independence
    from reviews.records import DecisionKind

_WIDTH = 110


def register(group: typer.Typer) -> None:
    """Adds the commands of this module to ``campaign``."""
    for name, command in (
        ("decide", decide),
        ("assign", assign),
        ("remind", remind),
        ("run-due", run_due),
        ("sign-off", sign_off),
        ("close", close),
        ("remediation", remediation),
        ("check", check),
        ("verify", verify),
    ):
        group.command(name)(command)


def decide(
    campaign: CampaignId,
    item: ItemId,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="attest, revoke, modify, exception or abstain.")],
    as_: Annotated[str, typer.Option("--as", metavar="USER", help="The reviewer who decides.")],
    version: Annotated[int, typer.Option(min=1, metavar="N", help="The item's version that the decision is about.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the risk may ask for it.")] = "",
    to: Annotated[str, typer.Option(metavar="TEXT", help="modify: the lower grant to put in its place.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="exception: its last day, YYYY-MM-DD.")] = "",
    control: Annotated[str, typer.Option(metavar="TEXT", help="exception: what compensates for it.")] = "",
    owner: Annotated[
        str, typer.Option(metavar="USER", help="exception: who answers for it; by default who decides.")
    ] = "",
    hand_to: Annotated[str, typer.Option(metavar="USER", help="abstain: who should decide instead.")] = "",
    key: Key = None,
    as_json: Json = False,
) -> int:
    """Decide on one item.

    Keep it (attest), take it away (revoke), or something between.
    """
    from reviews.records import Decision

    # Which words there are, and what each needs, the reviews say themselves.
    said = Decision(
        kind=cast("DecisionKind", decision),
        reason=reason,
        to=to,
        until=until,
        control=control,
        owner=owner,
        hand_to=hand_to,
    )
    with reviews() as opened:
        view = opened.decide(campaign, item, said, actor(as_), version=version, key=key_or_new(key))
    if as_json:
        write_json(item_json(view))
    else:
        say_item(view)
    return 0


def assign(
    campaign: CampaignId,
    item: ItemId,
    reviewer: Annotated[str, typer.Argument(metavar="USER", help="Who shall decide.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    as_: As = None,
    version: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="The item's version that this is about; the newest by default."),
    ] = None,
    key: Key = None,
    as_json: Json = False,
) -> int:
    """Hand an item to another reviewer."""
    with reviews() as opened:
        seen = version if version is not None else opened.item(campaign, item).version
        view = opened.assign(
            campaign,
            item,
            reviewer,
            reason,
            actor(as_),
            version=seen,
            key=key_or_new(key),
            independence=_independence(opened.campaign(campaign).snapshot),
        )
    if as_json:
        write_json(item_json(view))
    else:
        say_item(view)
    return 0


def _independence(snapshot: str) -> Independence | None:
    """What tells whether a reviewer can reach the access; ``None`` where the review's snapshot is gone."""
    from model.errors import SnapshotError
    from reviews.independence import Independence

    try:
        return Independence(questions(snapshot))
    except SnapshotError:
        note(f"snapshot `{snapshot}` is not there any more: whether the reviewer can reach the access is not checked")
        return None


def remind(campaign: CampaignId, as_: As = None, as_json: Json = False) -> int:
    """Write a reminder to every reviewer who has items left.

    A letter each, in the folder `outbox` of the home. Exit status 1 where somebody's name is no address.
    """
    import msgspec

    with reviews() as opened:
        sent = opened.remind(campaign, actor(as_))
    if as_json:
        write_json([msgspec.to_builtins(each) for each in sent])
        return 0 if all(each.letter for each in sent) else 1
    if not sent:
        say("Nobody has anything left to decide.")
        return 0
    written = [each for each in sent if each.letter]
    if written:
        say(f"Wrote {counted(len(written), 'reminder')} into {home() / 'outbox'}:")
        table(("REVIEWER", "LEFT", "DUE"), [(each.reviewer, each.left, each.due) for each in written])
    for each in sent:
        if not each.letter:
            say(f"No letter to {each.reviewer}, whose name is no e-mail address: {each.left:,} left, due {each.due}.")
    return 0 if len(written) == len(sent) else 1


def run_due(as_: As = None, as_json: Json = False) -> int:
    """Do what the date asks for in every review.

    Remind, mark what is overdue, reopen exceptions that ended.
    """
    import msgspec

    with reviews() as opened:
        done = opened.run_due(actor=actor(as_)) if as_ else opened.run_due()
    if as_json:
        write_json([msgspec.to_builtins(each) for each in done])
        return 0
    if not done:
        say("Nothing is due.")
    for each in done:
        wrapped(each.in_words, rest="  ", width=_WIDTH)
    return 0


def sign_off(
    campaign: CampaignId,
    statement: Annotated[str, typer.Option(metavar="TEXT", help="What you confirm by signing off.")] = (
        "I have read the results of this review and confirm that it was carried out as planned."
    ),
    as_: As = None,
    key: Key = None,
    as_json: Json = False,
) -> int:
    """Confirm the result of a review.

    Once everything is decided; nothing can be changed afterwards.
    """
    with reviews() as opened:
        view = opened.sign_off(campaign, statement, actor(as_), key=key_or_new(key))
    if as_json:
        write_json(campaign_json(view))
        return 0
    say_campaign(view)
    say()
    say(f"Keep this line on paper, it pins the whole review: {view.head}")
    return 0


def close(campaign: CampaignId, as_: As = None, key: Key = None, as_json: Json = False) -> int:
    """Close a review that is signed off."""
    with reviews() as opened:
        view = opened.close_campaign(campaign, actor(as_), key=key_or_new(key))
    if as_json:
        write_json(campaign_json(view))
    else:
        say_campaign(view)
    return 0


def remediation(
    campaign: CampaignId,
    format: Annotated[str, typer.Option("--format", help="cli (AWS CLI), terraform or text (tickets).")] = "text",
    as_: As = None,
    as_json: Json = False,
) -> int:
    """Print the changes that the decisions ask for.

    grantmap itself changes nothing in AWS.
    """
    from reviews.remediation import remediation as run

    with reviews() as opened:
        text = run(opened, campaign, format, actor(as_))
    if as_json:
        write_json({"campaign": campaign, "format": format, "text": text})
    else:
        say(text.rstrip("\n"))
    return 0


def check(
    campaign: CampaignId,
    snapshot: Annotated[str, typer.Option(metavar="ID", help="The later snapshot to look at.")],
    as_: As = None,
    as_json: Json = False,
) -> int:
    """See in later data whether it was done.

    Exit status 1 while something that was to be taken away is not gone.
    """
    import msgspec

    from reviews.followup import check as run

    asked = questions(snapshot)
    with reviews() as opened:
        rows = run(opened, campaign, asked, open_snapshot(asked.snapshot), actor(as_))
    if as_json:
        write_json({"campaign": campaign, "snapshot": asked.snapshot, "items": [msgspec.to_builtins(r) for r in rows]})
    elif not rows:
        say("Nothing was to be taken away.")
    else:
        table(("STATE", "ITEM", "WHAT"), [(row.state, row.item, row.sentence) for row in rows])
        for row in rows:
            if row.note:
                wrapped(f"{row.item}: {row.note}", rest="  ", width=_WIDTH)
        say()
        say(f"From snapshot {asked.snapshot}.")
    return 0 if all(row.state in ("applied", "verified") for row in rows) else 1


def verify(
    campaign: CampaignId,
    head: Annotated[
        str, typer.Option(metavar="HASH", help="The ledger's head that was noted at sign-off; it must be in the chain.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Check the ledger and what was frozen.

    Exit status 1 where something does not hold.
    """
    with reviews() as opened:
        found = opened.verify(campaign, head)
    shown: dict[str, Any] = {
        "ok": found.ok,
        "checked": found.checked,
        "failures": list(found.failures),
        "root": found.root,
        "head": found.head,
    }
    if as_json:
        write_json(shown)
    elif found.ok:
        say(f"Holds: {', '.join(f'{count:,} {what}' for what, count in found.checked.items())}.")
        say(f"  population {found.root}")
        say(f"  ledger {found.head}")
    else:
        for failure in found.failures:
            note(f"does not hold: {failure}")
    return 0 if found.ok else 1
