"""Whether what was decided has happened: decisions to revoke or to modify, held against a later snapshot.

Five states. ``ordered``: still there, or nobody can tell. ``applied``: gone, and what is left of the access is not
known. ``verified``: gone, and with it the access that it alone gave. ``still reachable another way``: gone, and
something else gives access that should have gone with it, or all of it was shared from the beginning and some is left.
``reappeared``: it was gone, and is back. An entitlement that the later snapshot could not read is never taken for one
that is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Literal

from graph.names import UnknownNameError
from graph.questions import Questions
from graph.reaching import Reached, reach
from model.entities import Gap
from model.snapshot import Snapshot
from policy.verdicts import Verdict
from reviews import frozen
from reviews.errors import CampaignStateError
from reviews.people import moment_of
from reviews.records import Actor, CampaignView, Completeness, Entry, GapGroup, Item, ItemView, Population, Record
from reviews.service import Reviews
from reviews.service_due import CLOCKWORK

State = Literal["ordered", "applied", "verified", "still reachable another way", "reappeared"]
_Place = tuple[str, str]
_GONE = ("applied", "verified", "still reachable another way")

#: Services whose answers show an entitlement of a kind; a statement of a resource is shown by the resource's service.
_SHOWN_BY = {
    "assignment": ("sso-admin", "identitystore"),
    "directory-membership": ("sso-admin", "identitystore"),
    "kms-grant": ("kms",),
}


class Remaining(Record, frozen=True, kw_only=True):
    """Access that is left: a row of the item, the levels of it that something else still gives, and the way there.

    ``expected``: those of the levels that something else gave already when the item was reviewed.
    """

    resource: str
    levels: tuple[str, ...]
    expected: tuple[str, ...]
    verdict: str
    via: tuple[str, ...]


class Left(Record, frozen=True, kw_only=True):
    """What is left of an item's access. ``unknown`` says why more may be, in words; empty: that is all."""

    rows: tuple[Remaining, ...]
    unknown: str


class Checked(Record, frozen=True, kw_only=True):
    """How one decision stands in the later snapshot. ``note`` says in words what is not known, or is worth knowing."""

    item: str
    sentence: str
    decision: str
    decided_by: str
    state: State
    remaining: tuple[Remaining, ...]
    note: str
    snapshot: str


def check(
    reviews: Reviews, id: str, questions: Questions, snapshot: Snapshot, actor: Actor = CLOCKWORK
) -> list[Checked]:
    """Every decision to revoke or modify against the build and the snapshot of a later state, put on record.

    Raises ``CampaignStateError`` when the snapshot is not a later one, and what ``Reviews.record_all`` raises.
    """
    from reviews.population import population

    return compare(reviews, id, population(questions, snapshot, {}), Reaching(questions).left, actor)


def compare(
    reviews: Reviews, id: str, later: Population, left: Callable[[Item], Left], actor: Actor = CLOCKWORK
) -> list[Checked]:
    """``check`` with a population in hand; ``left`` tells what an item's holder still has of its access."""
    view = reviews.campaign(id)
    _check_later(view, later.completeness)
    before = _checked_before(reviews.entries(id))
    there = {item.id: item for item in later.items}
    rows = []
    for each in reviews.items(id, states=("revoke", "modify")):
        earlier = before.get(each.item.id, [])
        rows.append(_judged(each, there.get(each.item.id), later.completeness, left, earlier))
    new = [(row.item, _body(row, later.completeness)) for row in rows if not _on_record(row, before)]
    if new:
        reviews.record_all(id, "checked", new, actor)
    return rows


def _judged(
    each: ItemView,
    now: Item | None,
    completeness: Completeness,
    left: Callable[[Item], Left],
    earlier: Sequence[Entry],
) -> Checked:
    state, remaining, note = _state(each, now, completeness, left)
    if state == "ordered" and now is not None and any(entry.body.get("state") in _GONE for entry in earlier):
        gone = next(entry for entry in reversed(earlier) if entry.body.get("state") in _GONE)
        state, note = "reappeared", f"it was gone in the snapshot {gone.body.get('snapshot')}"
    return Checked(
        item=each.item.id,
        sentence=each.item.sentence,
        decision=each.state,
        decided_by=each.decided_by,
        state=state,
        remaining=remaining,
        note=note,
        snapshot=completeness.snapshot,
    )


def _state(
    each: ItemView, now: Item | None, completeness: Completeness, left: Callable[[Item], Left]
) -> tuple[State, tuple[Remaining, ...], str]:
    if now is not None:
        if each.state == "modify" and _is_less(each.item, now):
            return "verified", (), "it is there with less access than was reviewed"
        return "ordered", (), ""
    if why := unread(each.item, completeness):
        return "ordered", (), f"not known whether it is gone: {why}"
    found = left(each.item)
    if each.state == "revoke" and _should_have_gone(each.item, found):
        return "still reachable another way", found.rows, found.unknown
    if found.unknown:
        return "applied", found.rows, f"it is gone; what is left of the access is not known: {found.unknown}"
    # A lower grant is meant to leave something, and so is a revocation of what was shared in part.
    kept = "what is left was given by something else already" if each.state == "revoke" else ""
    return "verified", found.rows, kept if found.rows else ""


def _should_have_gone(item: Item, left: Left) -> bool:
    """Whether access is left that the item alone gave, or some of an item of which nothing would go."""
    if item.access.alone == 0:
        return bool(left.rows)
    return any(set(row.levels) - set(row.expected) for row in left.rows)


def _is_less(before: Item, now: Item) -> bool:
    same = before.access.fingerprint == now.access.fingerprint
    return not same and frozen.compared(before, now) == "narrower"


def unread(item: Item, completeness: Completeness) -> str:
    """Why a snapshot without this entitlement may just not have read it; empty when it would be there."""
    if item.account and item.account not in completeness.accounts_read:
        return f"account {item.account} was not read"
    services = _SHOWN_BY.get(item.entitlement.kind, ("iam",))
    if item.entitlement.kind == "resource-statement":
        services = tuple(item.fix.get("resource", "").split(":")[2:3])
    for gap in (*completeness.gaps, *completeness.skipped):
        if gap.service in services and _touches(gap, item):
            return f"{gap.service} {gap.operation} was {gap.outcome}"
    return ""


def _touches(gap: GapGroup, item: Item) -> bool:
    """Whether what the gap would have told can be this item: its account, and its resource where the gap names any."""
    if item.account and gap.accounts and item.account not in gap.accounts:
        return False
    named = [affected for affected in gap.affects if affected.startswith("arn:")]
    if not named or len(named) < len(gap.affects):
        return True
    return any(arn in item.entitlement.id or arn == item.principal for arn in named)


# -- what is left


class Reaching:
    """What the holders of items still reach of what those gave; what one holder reaches is worked out once."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._reached: dict[str, dict[_Place, list[Reached]]] = {}

    def left(self, item: Item) -> Left:
        """What is left of an item's access, directly or through roles."""
        rows: dict[tuple[str, str, tuple[str, ...]], tuple[set[str], set[str]]] = {}
        holders, untold = _holders(self._questions, item)
        for reached in map(self._of, holders):
            for row in item.access.rows:
                for found in reached.get((row.account, row.type), ()):
                    levels = set(row.levels) & set(found.levels)
                    if levels and _overlap(row.resource, found.resource_class.pattern):
                        key = (row.resource, str(found.verdict), found.via)
                        kept, expected = rows.setdefault(key, (set(), set()))
                        kept |= levels
                        expected |= levels & set(row.shared)
        remaining = tuple(
            Remaining(
                resource=resource,
                levels=tuple(sorted(kept)),
                expected=tuple(sorted(expected)),
                verdict=verdict,
                via=via,
            )
            for (resource, verdict, via), (kept, expected) in sorted(rows.items())
        )
        more = f"{item.access.more} rows of access were not kept when the campaign opened" if item.access.more else ""
        return Left(rows=remaining, unknown="; ".join(filter(None, (untold, more, self._unknown(item)))))

    def _unknown(self, item: Item) -> str:
        gaps = {_gap_in_words(gap) for gap in self._questions.deciding_gaps if _could_show_more(gap, item)}
        return "; ".join(sorted(gaps)[:_SHOWN_GAPS])

    def _of(self, holder: str) -> dict[_Place, list[Reached]]:
        """What a holder reaches, by account and type; nothing for who is no longer there."""
        if holder not in self._reached:
            found: dict[_Place, list[Reached]] = {}
            with suppress(UnknownNameError):
                for each in reach(self._questions, holder):
                    place = (each.resource_class.account, each.resource_class.type)
                    if each.verdict in (Verdict.ALLOWED, Verdict.CONDITIONAL):
                        found.setdefault(place, []).append(each)
            self._reached[holder] = found
        return self._reached[holder]


def _overlap(before: str, now: str) -> bool:
    """Whether one pattern covers the other; ``*`` is what actions without a resource are asked of, and just that."""
    return before == now or frozen.matches(now, before) or (before != "*" and frozen.matches(before, now))


def _could_show_more(gap: Gap, item: Item) -> bool:
    """Whether the answer that is missing could give back some access of the item."""
    if gap.service in ("iam", "organizations", "sso-admin", "identitystore", "sts"):
        return not gap.affects.startswith("arn:") or gap.affects in (item.principal, *_ways(item))
    for row in item.access.rows:
        if gap.account == row.account and gap.service == row.type.split(":")[0]:
            named = gap.affects if gap.affects.startswith("arn:") else ""
            if not named or frozen.matches(row.resource, named) or row.resource.startswith(named):
                return True
    return False


def _ways(item: Item) -> set[str]:
    return {role for row in item.access.rows for role in row.via}


def _gap_in_words(gap: Gap) -> str:
    return f"{gap.service} {gap.operation} was {gap.outcome} in {gap.account}"


def _holders(questions: Questions, item: Item) -> tuple[list[str], str]:
    """Who had the access by the item, as names that ``reach`` takes, and why there may be more of them."""
    if item.principal_kind != "group":
        return [item.principal], ""
    if item.principal.startswith("arn:"):
        users = questions.world.inventory.data.users
        return [user.arn for user in users if item.principal in user.groups], ""
    untold = "" if len(item.people) < _MOST_PEOPLE else f"more than {_MOST_PEOPLE} people were in the group"
    return [f"person:{person}" for person in item.people], untold


#: Gaps that a note names.
_SHOWN_GAPS = 5
#: People that an item names (``records.Item.people``).
_MOST_PEOPLE = 50


# -- the record


def _check_later(view: CampaignView, completeness: Completeness) -> None:
    reviewed, now = moment_of(view.taken), moment_of(completeness.taken)
    if reviewed is None or now is None or now <= reviewed:
        raise CampaignStateError(
            f"the snapshot `{completeness.snapshot}` ({completeness.taken}) was not taken after the one that was "
            f"reviewed, `{view.snapshot}` ({view.taken}): collect a new one"
        )


def _checked_before(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """What was checked before, by item, oldest first; a decision that came after it makes it void."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "checked":
            found.setdefault(entry.item, []).append(entry)
        elif entry.kind == "decided":
            found.pop(entry.item, None)
    return found


def _on_record(row: Checked, before: dict[str, list[Entry]]) -> bool:
    """Whether the newest check of the item says the same of the same snapshot."""
    last = before.get(row.item, [])[-1:]
    return any((entry.body.get("snapshot"), entry.body.get("state")) == (row.snapshot, row.state) for entry in last)


def _body(row: Checked, completeness: Completeness) -> dict[str, object]:
    return {
        "snapshot": row.snapshot,
        "taken": completeness.taken,
        "state": row.state,
        "remaining": row.remaining,
        "note": row.note,
    }
