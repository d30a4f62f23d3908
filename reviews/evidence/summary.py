"""``summary.pdf``: the campaign on a few pages, for an auditor who reads before opening a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from reviews.evidence import page
from reviews.evidence.controls import CONTROLS
from reviews.evidence.dossier import Dossier, count, matrix, status
from reviews.records import RISKS, STATES, Entry

#: Rows of a list in the PDF; the files have all of them, and the list says so.
MOST_ROWS = 50

STATE_WORDS = {
    "open": "open",
    "attest": "attested",
    "revoke": "revoked",
    "modify": "modified",
    "exception": "exception",
    "abstain": "abstained",
}
STATE_COLOURS = {
    "open": "#7a8794",
    "attest": "#1a6b3c",
    "revoke": "#a61b1b",
    "modify": "#8a5a00",
    "exception": "#5b3fa0",
    "abstain": "#4a5561",
}
_HOW = {"command": "command", "local": "the app on their machine", "oidc": "a login of the organisation"}
Row = tuple[dict[str, Any], dict[str, Any]]  # item, decision


def summary(dossier: Dossier, fingerprint: str) -> bytes:
    """The PDF. ``fingerprint`` is that of the key that signs the pack. The same dossier gives the same bytes."""
    campaign = dossier.campaign
    signed_off = bool(campaign["signed_off"])
    story = [
        page.words(f"Access review: {campaign['plan']['name']}", "title"),
        page.words(
            f"Evidence of campaign {campaign['id']}, from snapshot {campaign['snapshot']} taken {campaign['taken']}",
            "subtitle",
        ),
        page.banner(_state(dossier), signed_off),
    ]
    sections = (
        _reviewed,
        _outcome,
        _integrity,
        _reviewers,
        _sign_off,
        _complete,
        _follow_up,
        _kept,
        _in_time,
        _controls,
    )
    for number, section in enumerate(sections, 1):
        title, *content = section(dossier, fingerprint)
        story += [page.words(f"{number}  {title}", "heading"), *content]
    alarm = "" if signed_off else "NOT SIGNED OFF"
    return page.document(f"Access review {campaign['plan']['name']}", _top(campaign), alarm, story)


def _top(campaign: dict[str, Any]) -> str:
    return f"{campaign['plan']['name'][:48]} · {campaign['id']} · snapshot {campaign['snapshot']}"


def _state(dossier: Dossier) -> str:
    said = status(dossier.campaign)
    left = dossier.campaign["states"]["open"] + dossier.campaign["states"]["abstain"]
    if dossier.campaign["signed_off"]:
        return said[:1].upper() + said[1:]
    return f"{said}: {count(left, 'item')} of {dossier.campaign['items']:,} without a decision"


def _reviewed(dossier: Dossier, _: str) -> list[Any]:
    campaign, complete = dossier.campaign, dossier.completeness
    return [
        "What was reviewed",
        page.facts(
            [
                ("Scope", campaign["scope_in_words"]),
                ("Population", f"{count(campaign['items'], 'entitlement')}, frozen when the campaign opened"),
                (
                    "Source",
                    f"snapshot {campaign['snapshot']} taken {campaign['taken']} by {complete['collector'] or 'files'}",
                ),
                ("Template", campaign["plan"]["template"] or "none"),
                ("Opened", f"{campaign['opened']} by {campaign['opened_by']}"),
                ("Owner", campaign["owner"]),
                ("Due", campaign["plan"]["due"]),
                ("Rule of reviewers", campaign["plan"]["reviewers"]),
            ]
        ),
    ]


def _outcome(dossier: Dossier, _: str) -> list[Any]:
    cells = matrix(dossier)
    states = [state for state in STATES if any(cells[risk, state] for risk in RISKS)]
    rows: list[list[str | int]] = [
        [risk, *(cells[risk, state] for state in states), sum(cells[risk, state] for state in states)] for risk in RISKS
    ]
    rows.append(["all", *(sum(cells[risk, state] for risk in RISKS) for state in states), sum(cells.values())])
    tracks: Counter[tuple[str, str]] = Counter()
    for item, row in _rows(dossier):
        for name in _tracks(item):
            tracks[name, row["state"]] += 1
    rows += [
        [f"of these: {name}", *(tracks[name, state] for state in states), total]
        for name in ("people", "workloads", "people or workloads: not known", "privileged", "external")
        if (total := sum(tracks[name, state] for state in states))
    ]
    share = 0.76 / (len(states) + 1)
    return [
        "What was decided",
        page.bar([(STATE_WORDS[state], sum(cells[r, state] for r in RISKS), STATE_COLOURS[state]) for state in states]),
        page.grid(["Risk", *(STATE_WORDS[s] for s in states), "all"], rows, [0.24, *[share] * (len(states) + 1)]),
    ]


def _tracks(item: dict[str, Any]) -> Iterator[str]:
    yield {True: "people", False: "workloads", None: "people or workloads: not known"}[item["human"]]
    if item["privileged"]:
        yield "privileged"
    if item["external"]:
        yield "external"


def _integrity(dossier: Dossier, fingerprint: str) -> list[Any]:
    campaign = dossier.campaign
    return [
        "What pins it",
        page.words(
            "The numbers below name the population, the ledger and the signing key. Kept on paper, they show later "
            "whether the files are still those that were handed over: python3 verify.py compares them all."
        ),
        page.facts(
            [
                ("Population", f"{campaign['root']} (Merkle root over {count(campaign['items'], 'item')})"),
                ("Ledger", f"{campaign['head']} (hash of the last of {campaign['entries']:,} entries)"),
                ("Signing key", f"{fingerprint} (SHA-256 of the ed25519 public key)"),
                ("Snapshot", f"{dossier.completeness['snapshot_sha256']} (SHA-256 of its table of contents)"),
            ]
        ),
    ]


def _reviewers(dossier: Dossier, _: str) -> list[Any]:
    assigned: Counter[str] = Counter()
    said: Counter[tuple[str, str]] = Counter()
    conflicts: list[Row] = []
    for item, row in _rows(dossier):
        assigned[row["reviewer"]] += 1
        if row["decision"]:
            by = row["decided_by"]
            assigned[by] += 0
            said[by, "decided"] += 1
            said[by, "kept"] += row["state"] == "attest"
            said[by, "bulk"] += bool(row["decision"]["bulk"])
            said[by, "against"] += (row["state"], item["recommendation"]["verdict"]) in (
                ("attest", "remove"),
                ("revoke", "keep"),
            )
        if row["conflict"]:
            conflicts.append((item, row))
    table: list[list[str | int]] = [
        [name or "nobody", items, *(said[name, what] for what in ("decided", "kept", "bulk", "against"))]
        for name, items in sorted(assigned.items())
    ]
    heads = ["Reviewer", "assigned", "decided", "attested", "in bulk", "against advice"]
    content: list[Any] = ["Who decided", page.grid(heads, table, (0.4, 0.12, 0.12, 0.12, 0.1, 0.14))]
    if not conflicts:
        return [*content, page.words("No item is assigned to somebody who has or can reach the access under review.")]
    rows = [[_named(item), row["reviewer"], row["conflict"], row["rule"]] for item, row in conflicts]
    content.append(page.words(f"{count(len(conflicts), 'item')} whose reviewer is not independent:", "lead"))
    return [*content, *_list(["Item", "Reviewer", "Why not independent", "By the rule"], rows, (0.4, 0.2, 0.22, 0.18))]


def _sign_off(dossier: Dossier, _: str) -> list[Any]:
    signed = [entry for entry in dossier.entries if entry.kind == "signed-off"]
    if not signed:
        return ["Sign-off", page.words("Not signed off: nobody has acknowledged the result of this campaign yet.")]
    entry = signed[-1]
    return [
        "Sign-off",
        page.facts(
            [
                ("By", f"{entry.actor} (by {_HOW.get(entry.how, entry.how)})"),
                ("At", entry.at),
                ("Statement", str(entry.body.get("statement", ""))),
                ("Ledger entry", f"{entry.seq}: {entry.hash}"),
            ]
        ),
    ]


def _complete(dossier: Dossier, _: str) -> list[Any]:
    complete, plan = dossier.completeness, dossier.campaign["plan"]
    listed, read = complete["accounts_listed"], set(complete["accounts_read"])
    missing = [account for account in listed if account not in read]
    calls = ", ".join(f"{outcome} {number:,}" for outcome, number in sorted(complete["calls"].items()))
    accounts = f"{len(read)} of {len(listed)} read" + (f"; not read: {', '.join(missing)}" if missing else "")
    rows = [("Accounts", accounts), ("Calls to AWS", calls or "not recorded")]
    if plan["stale_reason"]:
        rows.append(("Old data accepted", plan["stale_reason"]))
    content: list[Any] = ["What was read, and what was not", page.facts(rows)]
    reasons = {_gap(gap["group"]): f"accepted by {gap['by']}: {gap['reason']}" for gap in plan["accepted"]}
    gaps: list[Sequence[str | int]] = [
        [*_gap(gap)[:3], len(gap["accounts"]), reasons.get(_gap(gap), "")] for gap in complete["gaps"]
    ]
    if gaps:
        content.append(page.words("Gaps: asked, and not answered.", "lead"))
        content += _list(["Service", "Operation", "Outcome", "accounts", "Explained"], gaps, _GAP_SHARES)
    else:
        content.append(page.words("No gaps: every call that was made was answered."))
    skipped: list[Sequence[str | int]] = [[*_gap(gap)[:3], len(gap["accounts"]), ""] for gap in complete["skipped"]]
    if skipped:
        content.append(page.words("Not asked, or not offered there:", "lead"))
        content += _list(["Service", "Operation", "Outcome", "accounts", ""], skipped, _GAP_SHARES)
    if complete["excluded"]:
        content.append(page.words("Left out of the population:", "lead"))
        content += [page.words(f"– {words}") for words in complete["excluded"]]
    return content


_GAP_SHARES = (0.15, 0.27, 0.13, 0.1, 0.35)


def _gap(gap: dict[str, Any]) -> tuple[str, str, str, tuple[str, ...]]:
    return gap["service"], gap["operation"], gap["outcome"], tuple(gap["accounts"])


def _follow_up(dossier: Dossier, _: str) -> list[Any]:
    followed: dict[str, Entry] = {}
    for entry in dossier.entries:
        if entry.kind in ("ordered", "checked"):
            followed[entry.item] = entry
        elif entry.kind == "decided":  # what was checked before is void
            followed.pop(entry.item, None)
    taken: list[Sequence[str | int]] = []
    exceptions: list[Sequence[str | int]] = []
    for item, row in _rows(dossier):
        said = row["decision"]
        if row["state"] in ("revoke", "modify"):
            what = "remove" if row["state"] == "revoke" else f"change to {said['to']}"
            decided = f"{row['decided_by']}, {row['decided_at'][:10]}"
            taken.append([_named(item), what, decided, _followed(followed.get(row["item"]))])
        elif row["state"] == "exception":
            exceptions.append([_named(item), said["owner"] or row["decided_by"], said["until"], said["control"]])
    content: list[Any] = ["What is to be taken away, and exceptions"]
    if taken:
        content.append(page.words(f"{count(len(taken), 'item')} to be removed or changed:", "lead"))
        content += _list(["Item", "What", "Decided by", "Followed up"], taken, (0.42, 0.18, 0.2, 0.2))
    else:
        content.append(page.words("Nothing is to be removed or changed."))
    if exceptions:
        content.append(page.words(f"{count(len(exceptions), 'exception')}:", "lead"))
        content += _list(["Item", "Who answers", "Until", "What compensates"], exceptions, (0.42, 0.2, 0.12, 0.26))
    else:
        content.append(page.words("No exceptions."))
    return content


def _followed(entry: Entry | None) -> str:
    if entry is None:
        return "not yet"
    snapshot = entry.body.get("snapshot")
    state = entry.body.get("state") or entry.kind
    return f"{state}, {entry.at[:10]}" + (f", by snapshot {snapshot}" if snapshot else "")


def _kept(dossier: Dossier, _: str) -> list[Any]:
    rows: list[Sequence[str | int]] = []
    for item, row in _rows(dossier):
        if row["state"] == "attest" and (item["privileged"] or item["external"]):
            what = " and ".join(name for name in ("privileged", "external") if item[name])
            by = f"{row['decided_by']}, {row['decided_at'][:10]}"
            rows.append([_named(item), what, by, row["decision"]["reason"]])
    title = "Privileged access and access from outside that stays"
    if not rows:
        return [title, page.words("None was attested.")]
    return [title, *_list(["Item", "What it is", "Attested by", "Reason"], rows, (0.4, 0.14, 0.2, 0.26))]


def _named(item: dict[str, Any]) -> str:
    """What an item is, and the id by which the files have it."""
    return f"{item['sentence']} [{item['id']}]"


def _in_time(dossier: Dossier, _: str) -> list[Any]:
    campaign = dossier.campaign
    kinds = Counter(entry.kind for entry in dossier.entries)
    late = sum(
        bool(row["decided_at"]) and row["decided_at"][:10] > campaign["plan"]["due"] for row in dossier.decisions
    )
    return [
        "In time",
        page.facts(
            [
                ("Opened", campaign["opened"]),
                ("Due", campaign["plan"]["due"]),
                ("Signed off", campaign["signed_off"] or "not signed off"),
                ("Closed", campaign["closed"] or "not closed"),
                ("Reminders", f"{kinds['reminded']:,}"),
                ("Run out of time", f"{kinds['expired']:,} ledger entries"),
                ("Decided after the due date", count(late, "item")),
                ("Last ledger entry", dossier.entries[-1].at),
            ]
        ),
    ]


def _controls(_: Dossier, __: str) -> list[Any]:
    return [
        "Where to find what controls ask for",
        page.words("In our own words; the numbers are those of the standards. The pack supports them, no more."),
        page.grid(["Asked for", "Controls", "Where"], CONTROLS, (0.36, 0.34, 0.3)),
    ]


def _rows(dossier: Dossier) -> Iterator[Row]:
    return zip(dossier.items(), dossier.decisions, strict=True)


def _list(headings: Sequence[str], rows: Sequence[Sequence[str | int]], shares: Sequence[float]) -> list[Any]:
    """A table of at most ``MOST_ROWS``, and a line that says what is not shown."""
    shown = page.grid(headings, rows[:MOST_ROWS], shares)
    if len(rows) <= MOST_ROWS:
        return [shown]
    return [shown, page.words(f"… and {len(rows) - MOST_ROWS:,} more: population.xlsx has all of them.")]
