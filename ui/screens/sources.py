"""Data sources: what was read of each account and service, what could not be, and which permission is missing."""

from __future__ import annotations

from collections import Counter, defaultdict

import streamlit as st

from model.snapshot import Snapshot
from ui import kit, session
from ui.words import OUTCOME_WORDS, SERVICE_WORDS, counted, moment, number, plain


def _choose() -> str:
    """The snapshot that the page is about: from the address, else the one that answers."""
    listed = [item.id for item in session.snapshots() if item.complete]
    if not listed:
        session.built()  # says what to do
    wanted = st.query_params.get("snapshot", "")
    return wanted if wanted in listed else listed[0]


def _gaps(snapshot: Snapshot) -> None:
    st.header("What could not be read", anchor=False)
    if not snapshot.gaps:
        st.write("Nothing: everything that was asked for was answered.")
    else:
        st.write(
            f"{counted(len(snapshot.gaps), 'question')} to AWS had no answer. Where it matters, access is shown as "
            "*only if*, never as *no*."
        )
        names = {account.id: account.name for account in snapshot.manifest.accounts}
        cells = [
            (
                plain(SERVICE_WORDS.get(gap.service, gap.service)),
                plain(names.get(gap.account, gap.account)),
                OUTCOME_WORDS.get(gap.outcome, gap.outcome),
                plain(gap.affects.rsplit(":", 1)[-1]),
                f"`{gap.service}:{gap.operation}`" if gap.outcome == "denied" else "–",
            )
            for gap in snapshot.gaps
        ]
        per = 50
        page = kit.page_of("gaps_page", len(cells), per)
        kit.rows(
            ("Service", "Account", "Why", "Of what", "Missing permission"),
            cells[page * per : page * per + per],
            "What could not be read, and the permission that is missing",
        )
    if snapshot.skipped:
        groups = Counter((gap.service, gap.outcome) for gap in snapshot.skipped)
        told = [
            f"{plain(SERVICE_WORDS.get(service, service))}: {counted(count, 'question')} "
            f"{OUTCOME_WORDS.get(outcome, outcome)}"
            for (service, outcome), count in sorted(groups.items())
        ]
        with st.expander(f"Left out on purpose ({len(snapshot.skipped):,})"):
            st.markdown("\n".join(f"- {line}" for line in told))


def _completeness(snapshot: Snapshot) -> None:
    st.header("What was read", anchor=False)
    read: defaultdict[str, int] = defaultdict(int)
    missing: defaultdict[str, int] = defaultdict(int)
    for part in snapshot.manifest.parts:
        for total in part.operations:
            read[part.account] += total.calls
    for gap in snapshot.gaps:
        missing[gap.account] += 1
    cells = [
        (
            plain(account.name or account.id),
            account.id,
            "read" if account.collected else "could not be entered",
            number(read[account.id]) if account.collected else "–",
            number(missing[account.id]) if account.collected else "everything",
        )
        for account in snapshot.manifest.accounts
    ]
    per = 50
    page = kit.page_of("accounts_page", len(cells), per)
    kit.rows(
        ("Account", "Number", "State", "Answers", "Without an answer"),
        cells[page * per : page * per + per],
        "How completely each account was read",
    )


def _history() -> None:
    st.header("All data", anchor=False)
    ready = set(session.built())
    cells = []
    for item in session.snapshots()[:50]:
        manifest = item.manifest
        state = "answers questions" if item.id in ready else "read, not worked out: `grantmap build`"
        if manifest is None:
            state = plain(item.problem) or "not finished: `grantmap collect --resume`"
        cells.append(
            (
                moment(manifest.started) if manifest else "–",
                number(len(manifest.accounts)) if manifest else "–",
                number(len(manifest.gaps)) if manifest else "–",
                state,
                f"`{item.id}`",
            )
        )
    kit.rows(("Read on", "Accounts", "Gaps", "State", "Name"), cells, "All data that was read, newest first")


chosen = _choose()
found = session.snapshot(chosen)
kit.header("Data sources", chosen)
st.write(
    f"AWS was read from {moment(found.manifest.started)} to {moment(found.manifest.ended)}, "
    f"as {plain(found.manifest.caller.rsplit(':', 1)[-1] or 'files that were given to us')}."
)
_gaps(found)
_completeness(found)
_history()
