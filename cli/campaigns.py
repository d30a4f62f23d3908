"""``campaign new``, ``list``, ``show``, ``items``, ``item``: opening a review and reading it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Json, SnapshotId
from cli.output import say, table, wrapped, write_json
from cli.state import home, questions
from cli.state import snapshot as open_snapshot
from cli.words import counted

if TYPE_CHECKING:
    from reviews.records import Actor, CampaignView, ItemView
    from reviews.service import Reviews

CampaignId = Annotated[str, typer.Argument(metavar="ID", help="Campaign, see `grantmap campaign list`.")]
ItemId = Annotated[str, typer.Argument(metavar="ITEM", help="Item, see `grantmap campaign items ID`.")]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="USER", envvar="GRANTMAP_USER", help="Who acts; by default the user of this machine."),
]
Key = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="The same key again does nothing twice; new by default.")
]
_WIDTH = 110


def register(app: typer.Typer) -> None:
    """Adds the commands of this module and of ``cli.campaign_acts`` under ``campaign``."""
    from cli import campaign_acts

    group = typer.Typer(
        name="campaign", help="Access reviews: open one, decide, sign off, follow up.", no_args_is_help=True
    )
    for command in (new, list_, show, items, item):
        group.command(command.__name__.rstrip("_"))(command)
    campaign_acts.register(group)
    app.add_typer(group)


def reviews_are_there() -> bool:
    """Whether there is a database of reviews; to open one makes it."""
    from reviews.database import FILE

    return bool(os.environ.get("GRANTMAP_REVIEWS")) or (home() / FILE).is_file()


def reviews() -> Reviews:
    """The reviews of this home, or of the database that ``GRANTMAP_REVIEWS`` names."""
    from reviews.service import Reviews

    return Reviews.open(home(), os.environ.get("GRANTMAP_REVIEWS") or None)


def actor(name: str | None) -> Actor:
    """Who acts by a command: the name given, else the user that this machine knows."""
    import getpass

    from reviews.errors import NotAllowedError
    from reviews.records import Actor

    if name is not None and not name.strip():
        raise NotAllowedError("nobody can act without a name: `--as` is empty")
    return Actor(name=getpass.getuser() if name is None else name.strip(), how="command")


def key_or_new(key: str | None) -> str:
    """An idempotency key: the given one, or one that nobody used."""
    return key or secrets.token_hex(16)


def new(
    name: Annotated[str, typer.Option(help="What people call the review.")],
    reviewers: Annotated[
        str,
        typer.Option(
            metavar="RULE",
            help="Who decides: `account-owner`, `resource-owner`, `named:A,B`; `; fallback:C` for the rest.",
        ),
    ],
    as_: As = None,
    template: Annotated[
        str, typer.Option(help="What kind of review: quarterly, people, privileged, external, credentials.")
    ] = "quarterly",
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Narrow it, for example account=payments-prod; repeat for more."),
    ] = None,
    due: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day, YYYY-MM-DD; the template's by default.")
    ] = None,
    accept_gaps: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: who accepts which gaps, and why.")
    ] = None,
    old_data_because: Annotated[
        str, typer.Option(metavar="TEXT", help="Why a snapshot older than 7 days will do.")
    ] = "",
    key: Key = None,
    snapshot: SnapshotId = None,
    as_json: Json = False,
) -> int:
    """Open a review.

    It freezes who has what, and hands each item to a reviewer.
    """
    from graph.questions import gap_json
    from reviews.completeness import grouped
    from reviews.gaps import accepted, read_acceptances
    from reviews.independence import Independence
    from reviews.opening import check_plan
    from reviews.population import population
    from reviews.records import Plan

    who = actor(as_)
    answers = read_acceptances(accept_gaps) if accept_gaps is not None else []
    wanted = _scope(template, scope or [])
    asked = questions(snapshot)
    source = open_snapshot(asked.snapshot)
    plan = Plan(
        name=name,
        template=template,
        scope=wanted,
        reviewers=reviewers,
        due=due or _due(template),
        accepted=accepted(grouped(source.gaps), answers, who.name),
        stale_reason=old_data_because,
    )
    check_plan(plan, source)  # what is wrong with it is said before everything is worked out
    found = population(asked, source, wanted)
    with reviews() as all_:
        opened = all_.open_campaign(plan, found, Independence(asked), who, key=key_or_new(key))
    if as_json:
        write_json(
            {
                "id": opened.id,
                "snapshot": opened.snapshot,
                "items": opened.items,
                "reviewers": {who: count for who, (count, _) in opened.reviewers.items()},
                "gaps": [gap_json(gap) for gap in source.gaps],
            }
        )
        return 0
    say_campaign(opened)
    say()
    say(f"Next: grantmap campaign items {opened.id}")
    return 0


def _scope(template: str, given: list[str]) -> dict[str, tuple[str, ...]]:
    """The template's scope, narrowed by what is given: a key named here takes the place of the template's."""
    from reviews.errors import CampaignPlanError
    from reviews.templates import template_of

    named: dict[str, tuple[str, ...]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise CampaignPlanError(f"wrong scope `{text}`: expected KEY=VALUE, for example account=payments-prod")
        named[key] = (*named.get(key, ()), value)
    return {**template_of(template).scope, **named}


def _due(template: str) -> str:
    from datetime import UTC, datetime, timedelta

    from reviews.templates import template_of

    return (datetime.now(UTC).date() + timedelta(days=template_of(template).days)).isoformat()


def list_(as_json: Json = False) -> int:
    """List the reviews of this home."""
    with reviews() as opened:
        found = opened.campaigns()
    if as_json:
        write_json([campaign_json(each) for each in found])
        return 0
    if not found:
        say("No review yet. Open one: grantmap campaign new --name NAME --reviewers RULE --as USER")
        return 0
    table(
        ("ID", "NAME", "STATE", "DECIDED", "DUE", "SNAPSHOT"),
        [
            (each.id, each.name, each.phase, f"{each.decided} of {each.items}", each.due, each.snapshot)
            for each in found
        ],
    )
    return 0


def show(campaign: CampaignId, as_json: Json = False) -> int:
    """Show a review: scope, progress, reviewers, ledger."""
    with reviews() as opened:
        found = opened.campaign(campaign)
    if as_json:
        write_json(campaign_json(found))
    else:
        say_campaign(found)
    return 0


def items(
    campaign: CampaignId,
    reviewer: Annotated[str | None, typer.Option(metavar="USER", help="Only this reviewer's.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only these: open, attest, revoke, modify, exception or abstain.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many rows.")] = None,
    as_json: Json = False,
) -> int:
    """List the items of a review, the riskiest first."""
    states = (state,) if state is not None else ()
    with reviews() as opened:
        found = opened.items(campaign, reviewer=reviewer, states=states, limit=limit)
        total = opened.count(campaign, reviewer=reviewer, states=states)
        snapshot = opened.campaign(campaign).snapshot
    if as_json:
        write_json([item_json(each) for each in found])
        return 0
    say(f"{counted(total, 'item')}" + (f", the first {len(found):,} shown" if len(found) < total else ""))
    say()
    if found:
        table(
            ("ITEM", "RISK", "STATE", "VERSION", "REVIEWER", "WHAT"),
            [(e.item.id, e.item.risk, e.state, e.version, e.reviewer or "nobody", e.item.sentence) for e in found],
        )
    say()
    say(f"From snapshot {snapshot}.")
    return 0


def item(campaign: CampaignId, item: ItemId, as_json: Json = False) -> int:
    """Show one item in full.

    What it gives, how, what is lost without it, what was decided.
    """
    with reviews() as opened:
        found = opened.item(campaign, item)
        snapshot = opened.campaign(campaign).snapshot
        history = opened.history(campaign, item)
    if as_json:
        import msgspec

        decision = {"decision": msgspec.to_builtins(found.decision), "by": found.decided_by, "at": found.decided_at}
        write_json({**item_json(found), **decision, "history": [msgspec.to_builtins(each) for each in history]})
        return 0
    say_item(found)
    say()
    say(f"From snapshot {snapshot}.")
    return 0


# -- shapes and words, shared with the acts


def campaign_json(view: CampaignView) -> dict[str, Any]:
    """A campaign as plain data."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(view)
    return found


def item_json(view: ItemView) -> dict[str, Any]:
    """An item in the contract's shape."""
    import msgspec

    frozen: dict[str, Any] = msgspec.to_builtins(view.item)
    access = {"sentence": view.item.sentence, "if_kept": view.item.if_kept, "if_removed": view.item.if_removed}
    return {
        "id": view.item.id,
        "principal": view.item.principal,
        "entitlement": frozen["entitlement"],
        "access": {**access, **frozen["access"]},
        "path": frozen["path"],
        "risk": view.item.risk,
        "recommendation": frozen["recommendation"],
        "state": view.state,
        "version": view.version,
        "reviewer": view.reviewer,
    }


def say_campaign(view: CampaignView) -> None:
    """A campaign for people."""
    say(f"{view.name} ({view.id}), {view.phase}")
    wrapped(view.scope_in_words, "  ", "  ", _WIDTH)
    left = view.items - view.decided
    say(f"  {view.decided:,} of {counted(view.items, 'item')} decided, {left:,} left, due {view.due}")
    said = [f"{count:,} {state}" for state, count in view.states.items() if count and state != "open"]
    if said:
        say(f"  decisions: {', '.join(said)}")
    say(f"  risk: {', '.join(f'{count:,} {risk}' for risk, count in view.risks.items() if count)}")
    say(f"  owner {view.owner}, opened {view.opened}")
    if view.signed_off:
        say(f"  signed off {view.signed_off} by {view.signed_off_by}")
    say(f"  population {view.root}")
    say(f"  ledger {view.head} after {counted(view.entries, 'entry', 'entries')}")
    say()
    table(
        ("REVIEWER", "ITEMS", "DECIDED"),
        [(who or "nobody", count, decided) for who, (count, decided) in view.reviewers.items()],
    )
    say()
    gaps = f", with {counted(view.gaps, 'accepted gap')}" if view.gaps else ""
    say(f"From snapshot {view.snapshot}, read {view.taken}{gaps}.")


def say_item(view: ItemView) -> None:
    """An item for people: the sentence, the way, both consequences, what we suggest, what was decided."""
    frozen = view.item
    wrapped(frozen.sentence, width=_WIDTH)
    say(f"  item {frozen.id}, risk {frozen.risk}, {view.change}, version {view.version}")
    say(f"  {frozen.entitlement.in_words}")
    say()
    say("How:")
    for step in frozen.path:
        wrapped(step.in_words, "  → ", "    ", _WIDTH)
    say()
    wrapped(f"If you keep it: {frozen.if_kept}", rest="  ", width=_WIDTH)
    wrapped(f"If you remove it: {frozen.if_removed}", rest="  ", width=_WIDTH)
    wrapped(f"Use: {frozen.usage}", rest="  ", width=_WIDTH)
    suggestion = frozen.recommendation
    reasons = "; ".join(reason.in_words for reason in suggestion.reasons)
    wrapped(f"Suggested: {suggestion.verdict}" + (f" ({reasons})" if reasons else ""), rest="  ", width=_WIDTH)
    for text in suggestion.unseen:
        wrapped(f"Not seen: {text}", rest="  ", width=_WIDTH)
    say()
    if view.state == "open":
        say(f"To decide by {view.reviewer or 'nobody yet'}.")
    else:
        why = f": {view.decision.reason}" if view.decision is not None and view.decision.reason else ""
        wrapped(f"{view.state} by {view.decided_by} at {view.decided_at}{why}", rest="  ", width=_WIDTH)
    if view.conflict:
        wrapped(f"Not independent: {view.conflict}", rest="  ", width=_WIDTH)
