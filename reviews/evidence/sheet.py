"""``population.xlsx``: the population, the decisions and the completeness as tables that people can filter.

Every cell with text is written as text: a name that begins with ``=``, ``+``, ``-`` or ``@`` stays a name. The same
data give the same bytes: the time inside the file is that of the campaign's opening.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from reviews.evidence.dossier import Dossier, count, status_line

#: What a cell can hold; and the rows of a sheet, less the two at the top.
CELL, ROWS = 32_767, 1_048_574
CUT = " … (cut: the whole text is in the .jsonl files)"
#: What XML cannot hold, besides the control characters that xlsxwriter writes as escapes itself.
NOT_XML = re.compile("[\ufffe\uffff]")

Cell = str | int | None
Column = tuple[str, int]  # heading, width in characters

ITEM_COLUMNS: tuple[Column, ...] = (
    ("Item", 22),
    ("Identity", 26),
    ("Identity in AWS", 40),
    ("Kind of identity", 16),
    ("Person", 9),
    ("Account", 14),
    ("Account name", 18),
    ("Kind of entitlement", 20),
    ("Entitlement", 40),
    ("Entitlement in AWS", 40),
    ("In one sentence", 70),
    ("How they get it", 60),
    ("Access rows", 11),
    ("Goes with the item", 17),
    ("Risk", 10),
    ("Why", 50),
    ("Compared with the last review", 14),
    ("Recommendation", 16),
    ("Why it is recommended", 50),
    ("Could not be taken in", 30),
    ("Last used", 12),
    ("Use", 36),
    ("Privileged", 10),
    ("External", 10),
    ("Owners by tag", 26),
)
DECISION_COLUMNS: tuple[Column, ...] = (
    ("Item", 22),
    ("Identity", 26),
    ("Entitlement", 40),
    ("Risk", 10),
    ("Decision", 12),
    ("Reason", 50),
    ("Decided by", 26),
    ("Decided at (UTC)", 21),
    ("Assigned to", 26),
    ("By the rule", 30),
    ("Not independent because", 40),
    ("Lower grant", 30),
    ("Exception until", 14),
    ("Compensating control", 40),
    ("Who answers for it", 26),
    ("Handed to", 26),
    ("In bulk", 8),
    ("Version", 8),
    ("Ledger entry", 12),
)
FACT_COLUMNS: tuple[Column, ...] = (("What", 28), ("Which", 44), ("Count", 9), ("In words", 90))


def workbook(dossier: Dossier) -> bytes:
    """The file, in memory."""
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    opened = datetime.strptime(dossier.campaign["opened"], "%Y-%m-%dT%H:%M:%SZ")
    book.set_properties({"title": text(f"Access review {dossier.campaign['plan']['name']}"), "created": opened})
    bold = book.add_format({"bold": True, "bg_color": "#E8EDF3", "bottom": 1})
    title = status_line(dossier.campaign)
    _sheet(book, "items", ITEM_COLUMNS, _items(dossier), title, bold)
    _sheet(book, "decisions", DECISION_COLUMNS, _decisions(dossier), title, bold)
    _sheet(book, "completeness", FACT_COLUMNS, _facts(dossier), title, bold)
    book.close()
    return target.getvalue()


def text(value: str) -> str:
    """What a cell shows of a text: all of it, but for what no cell can hold."""
    value = NOT_XML.sub("\ufffd", value)
    return value if len(value) <= CELL else value[: CELL - len(CUT)] + CUT


def _sheet(
    book: Any, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], title: str, bold: Any
) -> None:
    """One table: the campaign's state in the first row, headings in the second; goes on in ``name 2`` when full."""
    part, sheet, at = 0, None, ROWS
    for row in _at_least_none(rows):
        if at == ROWS and (part == 0 or row is not None):
            part, at = part + 1, 0
            sheet = book.add_worksheet(name if part == 1 else f"{name} {part}")
            sheet.write_string(0, 0, text(title), bold)
            for place, (heading, width) in enumerate(columns):
                sheet.set_column(place, place, width)
                sheet.write_string(1, place, heading, bold)
            sheet.freeze_panes(2, 1)
            sheet.set_landscape()
            sheet.set_footer("&L" + text(title)[:180].replace("&", "&&") + "&R&P / &N")
        if row is None:
            break
        assert sheet is not None
        for place, cell in enumerate(row):
            if isinstance(cell, int):
                sheet.write_number(at + 2, place, cell)
            elif cell:
                sheet.write_string(at + 2, place, text(cell))
        at += 1
    if sheet is not None:
        sheet.autofilter(1, 0, max(at, 1) + 1, len(columns) - 1)


def _at_least_none(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell] | None]:
    """The rows, then ``None``, so that an empty table has its headings too."""
    yield from rows
    yield None


def _items(dossier: Dossier) -> Iterator[Sequence[Cell]]:
    for item, decision in zip(dossier.items(), dossier.decisions, strict=True):
        access, advice = item["access"], item["recommendation"]
        yield (
            item["id"],
            item["principal_name"],
            item["principal"],
            item["principal_kind"],
            yes_no(item["human"]),
            item["account"],
            item["account_name"],
            item["entitlement"]["kind"],
            item["entitlement"]["in_words"],
            item["entitlement"]["id"],
            item["sentence"],
            " → ".join(step["in_words"] for step in item["path"]),
            len(access["rows"]) + access["more"],
            access["alone"],
            item["risk"],
            "; ".join(signal["in_words"] for signal in item["signals"]),
            decision["change"],
            advice["verdict"],
            "; ".join(signal["in_words"] for signal in advice["reasons"]),
            "; ".join(advice["unseen"]),
            {None: "not recorded", "": "never"}.get(item["last_used"], item["last_used"]),
            item["usage"],
            yes_no(item["privileged"]),
            yes_no(item["external"]),
            "; ".join(owner for owner in item["owners"] if owner),
        )


def _decisions(dossier: Dossier) -> Iterator[Sequence[Cell]]:
    for item, row in zip(dossier.items(), dossier.decisions, strict=True):
        said = row["decision"] or {}
        yield (
            row["item"],
            item["principal_name"],
            item["entitlement"]["in_words"],
            item["risk"],
            row["state"],
            said.get("reason", ""),
            row["decided_by"],
            row["decided_at"],
            row["reviewer"],
            row["rule"],
            row["conflict"],
            said.get("to", ""),
            said.get("until", ""),
            said.get("control", ""),
            said.get("owner", ""),
            said.get("hand_to", ""),
            yes_no(said["bulk"]) if said else "",
            row["version"],
            row["entry"],
        )


def _facts(dossier: Dossier) -> Iterator[Sequence[Cell]]:
    campaign, complete = dossier.campaign, dossier.completeness
    yield "Snapshot", complete["snapshot"], None, f"taken {complete['taken']} by {complete['collector']}"
    yield "Snapshot", "SHA-256 of its table of contents", None, complete["snapshot_sha256"]
    yield "Population", "items", campaign["items"], f"Merkle root {campaign['root']}"
    yield "Ledger", "entries", campaign["entries"], f"head {campaign['head']}"
    yield "Scope", "", None, campaign["scope_in_words"]
    read = set(complete["accounts_read"])
    yield "Accounts", "listed", len(complete["accounts_listed"]), ""
    yield "Accounts", "read", len(read), ""
    for account in complete["accounts_listed"]:
        if account not in read:
            yield "Account not read", account, None, ""
    for outcome, calls in sorted(complete["calls"].items()):
        yield "Calls", outcome, calls, ""
    for key, what in (("gaps", "Gap"), ("skipped", "Not asked")):
        for gap in complete[key]:
            accounts = count(len(gap["accounts"]), "account")
            words = f"{gap['outcome']} in {accounts}: {', '.join(gap['accounts'])}; affects {', '.join(gap['affects'])}"
            yield what, f"{gap['service']} {gap['operation']}", len(gap["accounts"]), words
    for accepted in campaign["plan"]["accepted"]:
        gap = accepted["group"]
        words = f"accepted by {accepted['by']}: {accepted['reason']}"
        yield "Accepted gap", f"{gap['service']} {gap['operation']} {gap['outcome']}", len(gap["accounts"]), words
    for words in complete["excluded"]:
        yield "Left out", "", None, words
    if campaign["plan"]["stale_reason"]:
        yield "Old data", complete["taken"], None, campaign["plan"]["stale_reason"]


def yes_no(value: bool | None) -> str:
    """In words; what is not known is not "no"."""
    return "not known" if value is None else "yes" if value else "no"
