"""What to fix: every finding of the query library, the worst first; list left, detail right."""

from __future__ import annotations

import streamlit as st

from ui import kit, session
from ui.answers import SEVERITIES, csv_of, findings, table
from ui.words import RISK_WORDS, counted, plain

PER_PAGE = 25


def _detail(id: str, number: int) -> None:
    query, result = found[number]
    kit.show(kit.risk(query.severity))
    st.header(plain(query.title), anchor=False)
    st.write(plain(query.answers))
    headings, cells = table(result, kit.names(id))
    page = kit.page_of(f"rows_of_{query.id}", len(cells), PER_PAGE)
    kit.rows(
        headings,
        [[plain(text) for text in row] for row in cells[page * PER_PAGE : (page + 1) * PER_PAGE]],
        f"{counted(len(cells), 'finding')}: {query.title}",
    )
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV", csv_of(result), f"{query.id}.csv", "text/csv", key=f"csv_{query.id}", on_click="ignore"
        )
        if query.controls:
            st.caption(f"Counts towards {', '.join(query.controls)}")


kit.require("engineer", "admin")
id = session.current()
kit.header("What to fix", id)
found = findings(id)
if not found:
    kit.empty("Nothing was found in this data. That says nothing of what could not be read.")
else:
    there = [level for level in SEVERITIES if any(query.severity == level for query, _ in found)]
    chosen = st.pills(
        "How serious", there, selection_mode="multi", format_func=RISK_WORDS.__getitem__, key="findings_severity"
    )
    shown = [place for place, (query, _) in enumerate(found) if not chosen or query.severity in chosen]
    left, right = st.columns([4, 7], gap="medium")
    with left:
        wanted = st.query_params.get("finding", "")
        ids = [found[place][0].id for place in shown]
        picked = st.radio(
            "Findings",
            shown,
            index=ids.index(wanted) if wanted in ids else 0,
            format_func=lambda place: (
                f"{kit.inline(kit.risk(found[place][0].severity))} {plain(found[place][0].title)}: "
                f"{len(found[place][1].rows):,}"
            ),
            key="findings_list",
        )
    with right, st.container(border=True):
        if picked is not None:
            _detail(id, picked)
