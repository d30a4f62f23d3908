"""``diff``: access that changed between two snapshots, told by what changed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.naming import Names
from cli.options import Json, StoreUrl
from cli.output import note, say, wrapped, write_json
from cli.state import questions, server, snapshot
from cli.words import counted

if TYPE_CHECKING:
    from graph.causes import Cause
    from graph.differences import Difference, Differences
    from graph.questions import Questions

#: So many principals are told under one cause, and so many resources of each; `--json` has all.
_PRINCIPALS, _RESOURCES = 10, 8
#: So many sets of principals whose access changed alike are told under one cause.
_GROUPS = 5
_WIDTH = 140

_CAME = {"added": "is new", "removed": "is gone", "changed": "was made anew"}
_HEADINGS = {
    "gained": "Gained",
    "lost": "Lost",
    "changed": "Changed: still access, by other actions or under other conditions",
    "unknown": "Not known: something that one snapshot could not read may explain it",
}


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("diff")(diff)


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Id of the earlier snapshot.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Id of the later snapshot.")],
    store: StoreUrl = None,
    as_json: Json = False,
) -> int:
    """What access changed between two snapshots, and why.

    Who gained, lost or changed which access, direct or through roles, and which policy, attachment, membership,
    assignment, trust or guardrail made the difference.
    """
    from graph.differences import diff as run
    from graph.differences import of_one_organization

    if server(store) is None:  # before anything is built
        first, second = (snapshot(id) for id in (old, new))
        of_one_organization((first.id, first.manifest.organization), (second.id, second.manifest.organization))
    both = questions(old, store), questions(new, store)
    found = run(*both)
    if as_json:
        write_json(found.to_json())
    else:
        _Telling(*both).say(found)
    return 0


class _Telling:
    """Says differences to people; names of what is gone come from the snapshot that had it."""

    def __init__(self, old: Questions, new: Questions) -> None:
        self._both = (old, new)
        self._names = (Names(old.world.inventory), Names(new.world.inventory))

    def say(self, found: Differences) -> None:
        """A sentence, then the rows under what became of the access and what made the difference."""
        old, new = (asked.world.inventory.data for asked in self._both)
        if old.taken > new.taken:
            note(f"snapshot {old.snapshot} was taken after {new.snapshot}: what is gained here was lost, and so on")
        between = f"from snapshot {old.snapshot} ({_time(old.taken)}) to {new.snapshot} ({_time(new.taken)})"
        told = [f"{_who_and_what(rows)} {kind}" for kind, rows in found.named if rows and kind != "unknown"]
        if found.unknown:
            told.append(f"{_who_and_what(found.unknown)} not known")
        if not told:
            say(f"No access changed {between}.")
        else:
            say(f"Access that changed {between}:")
            for line in told:
                say(f"  {line}")
        for kind, rows in found.named:
            if rows:
                say()
                say(f"{_HEADINGS[kind]} ({_who_and_what(rows)})")
                self._rows(rows)
        missing = self._both[1].not_collected()
        if missing:
            say()
            say(f"Not collected, so not in this answer: {', '.join(missing)}.")

    def _rows(self, rows: list[Difference]) -> None:
        by_cause: defaultdict[tuple[Cause, ...], list[Difference]] = defaultdict(list)
        for row in rows:
            by_cause[row.why].append(row)
        for causes, several in sorted(by_cause.items(), key=lambda item: (-len(item[1]), str(item[0]))):
            say()
            sentences = [self._cause(item) for item in causes] or ["nothing that was read explains it"]
            wrapped(f"{'; '.join(dict.fromkeys(sentences))}:", "  ", "    ", _WIDTH)
            self._principals(several)

    def _principals(self, rows: list[Difference]) -> None:
        """Principals whose access changed alike together: first what, then who."""
        of: defaultdict[str, list[Difference]] = defaultdict(list)
        for row in rows:
            of[row.principal].append(row)
        alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for key, several in of.items():
            several.sort(key=lambda row: (row.resource.count(" ∩ "), row.resource))
            alike[tuple(self._row(row) for row in several)].append(key)
        shown = sorted(alike.items(), key=lambda item: (-len(item[1]), item[1]))
        for lines, keys in shown[:_GROUPS]:
            for line in lines[:_RESOURCES]:
                wrapped(line, "    ", "      ", _WIDTH)
            if len(lines) > _RESOURCES:
                say(f"    … and {len(lines) - _RESOURCES:,} more such rows: add --json")
            ordered = sorted(keys, key=lambda key: (not key.startswith("person:"), key))
            for key in ordered[:_PRINCIPALS]:
                wrapped(self._who(of[key][0]), "      ", "        ", _WIDTH)
            if len(ordered) > _PRINCIPALS:
                say(f"      … and {counted(len(ordered) - _PRINCIPALS, 'more principal')}: add --json")
        if len(shown) > _GROUPS:
            more = {key for _, keys in shown[_GROUPS:] for key in keys}
            say(f"    … and {counted(len(more), 'principal')} with other resources or levels: add --json")

    def _who(self, row: Difference) -> str:
        """A principal and how it comes to it: of a long way the first and the last role."""
        names = self._names[row.after is not None]
        if len(row.via) > 2:
            ends = [names.way((arn,)).removeprefix("through ") for arn in (row.via[0], row.via[-1])]
            return f"{names.who(row.principal)}, through {ends[0]} … {ends[1]} ({len(row.via)} roles)"
        return f"{names.who(row.principal)}, {names.way(row.via)}"

    def _row(self, row: Difference) -> str:
        names = self._names[row.after is not None]
        text = names.reached(row.resource, row.account, row.count)
        levels = ", ".join(row.levels)
        if row.before != row.after:
            return f"{text}: {levels}, {_verdict(row.before)} → {_verdict(row.after)}"
        parts = (("now also ", row.came), ("no longer ", row.went), ("under other conditions ", row.other))
        told = "; ".join(f"{words}{_some(actions)}" for words, actions in parts if actions)
        return f"{text}: {told}; {levels} stays {_verdict(row.after)} otherwise"

    # -- causes in words

    def _cause(self, item: Cause) -> str:
        names = self._names[item.how != "removed"]
        if item.how == "unread":
            return f"{self._unread(item, names)} could not be read in one of the two snapshots"
        of = names.who(item.of) if item.of else ""
        was = {"added": "was added", "removed": "was removed", "changed": "was changed"}[item.how]
        if item.kind == "attachment":
            verb = "attached to" if item.how == "added" else "detached from"
            return f"{names.document(item.id)} was {verb} {of}"
        if item.kind == "aws-managed":
            return f"AWS changed its policy {item.id.rsplit('/', 1)[-1]}"
        if item.kind in ("scp", "rcp") and item.of:
            verb = "attached to" if item.how == "added" else "detached from"
            return f"{names.document(item.id)} was {verb} {names.document(item.of)}"
        if item.kind == "membership":
            return f"{self._member(item)} {'joined' if item.how == 'added' else 'left'} {self._group(item)}"
        if item.kind == "assignment":
            return f"{'' if item.how == 'added' else 'no longer '}{names.assignment(item.id)}"
        if item.kind == "boundary":
            return f"the permissions boundary {names.document(item.id)} of {of} {was}"
        if item.kind == "tag":
            arn, _, tag = item.id.rpartition("#")
            return f"{tag.replace('tag:', 'tag ') if ':' in tag else 'the tags'} of {names.thing(arn)} {was}"
        return self._other(item, names, was)

    def _unread(self, item: Cause, names: Names) -> str:
        if item.kind == "setting":
            return _setting(item.id, names)
        if item.kind == "account":
            place = item.id.startswith("account:")
            return f"the place of {names.who(item.id)} in the organisation" if place else "the organisation"
        if item.kind == "assignment" and "@" not in item.id:
            return f"permission set {self._set(item.id)}"
        if item.kind not in ("principal", "resource"):
            return names.assignment(item.id) if item.kind == "assignment" else names.document(item.id)
        if item.id.startswith("account:"):
            return f"{'principals' if item.kind == 'principal' else 'resources'} of {names.who(item.id)}"
        return names.who(item.id) if item.kind == "principal" else names.thing(item.id)

    def _other(self, item: Cause, names: Names, was: str) -> str:
        if item.kind in ("principal", "resource"):
            what = names.who(item.id) if item.kind == "principal" else names.thing(item.id)
            return f"{what} {_CAME[item.how]}"
        if item.kind == "account":
            verb = {"added": "is new", "removed": "is gone", "changed": "was moved in the organisation"}[item.how]
            return f"{names.who(item.id)} {verb}"
        if item.kind == "time":
            return "time passed that a condition asks for"
        if item.kind == "share":
            return f"AWS RAM share {item.id} {was}"
        return f"{_setting(item.id, names) if item.kind == 'setting' else names.document(item.id)} {was}"

    def _group(self, item: Cause) -> str:
        for asked in self._both:
            group = asked.world.inventory.directory_groups.get(item.id)
            if group is not None:
                return f"group {group.name}"
        return self._names[1].who(item.id)

    def _set(self, arn: str) -> str:
        for asked in self._both:
            known = asked.world.inventory.permission_sets.get(arn)
            if known is not None and known.name:
                return known.name
        return arn.rpartition("/")[2]

    def _member(self, item: Cause) -> str:
        for asked in self._both:
            user = asked.world.inventory.directory_users.get(item.of)
            if user is not None:
                return user.address
        return self._names[1].who(item.of)


def _setting(id: str, names: Names) -> str:
    """A setting of somebody or something: one that has a name of its own, or as ids say it."""
    owner, _, part = id.partition("#")
    if part in ("public-access-block", "acl"):
        return names.document(id)
    if not part and owner.startswith("account:"):
        return f"S3 access points of {names.who(owner)}"
    return f"setting {part or 'Identity Center'} of {names.thing(owner)}"


def _verdict(verdict: str | None) -> str:
    if verdict is None:
        return "not there"
    return {"ImplicitlyDenied": "no access", "ExplicitlyDenied": "explicitly denied"}.get(str(verdict), str(verdict))


def _some(actions: tuple[str, ...]) -> str:
    more = f" and {len(actions) - 3} more actions" if len(actions) > 3 else ""
    return ", ".join(actions[:3]) + more


def _who_and_what(rows: Iterable[Difference]) -> str:
    several = list(rows)
    principals = counted(len({row.principal for row in several}), "principal")
    count = {row.resource: row.count for row in several}
    return f"{principals}, {counted(sum(count.values()), 'resource')}"


def _time(taken: str) -> str:
    return taken[:16].replace("T", " ")
