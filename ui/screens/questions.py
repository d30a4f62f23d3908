"""Questions: the query library; parameters as fields, the answer as a table, the Cypher text for who wants it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from cypher.errors import QueryError
from cypher.library import Query, load_queries
from cypher.parameters import Parameter
from graph.store import StoreError
from ui import kit, session
from ui.answers import csv_of, heading, table
from ui.words import counted, plain

PER_PAGE = 100


def _field(query: Query, parameter: Parameter) -> str:
    """The field of one parameter; what was typed, as text."""
    label, key = heading(parameter.name), f"q_{query.id}_{parameter.name}"
    default = parameter.default
    if parameter.type == "flag":
        return "yes" if st.checkbox(label, value=bool(default), key=key) else "no"
    shown = ", ".join(default) if isinstance(default, list) else "" if default is None else str(default)
    hint = {"number": "a whole number", "texts": "several, divided by commas", "text": "text"}[parameter.type]
    return st.text_input(f"{label} ({hint})", value=shown, key=key, max_chars=2_000) or ""


def _ask(id: str, query: Query, values: dict[str, str]) -> None:
    try:
        result = session.answer(id, query.id, values)
    except (QueryError, StoreError) as error:
        st.error(kit.sentence(error), icon=":material/error:")
        return
    headings, cells = table(result, kit.names(id))
    st.subheader(counted(len(cells), "row"), anchor=False)
    if not cells:
        st.write("No row: nothing in this data fits.")
        return
    page = kit.page_of(f"rows_{query.id}", len(cells), PER_PAGE)
    st.dataframe(
        pd.DataFrame(cells[page * PER_PAGE : (page + 1) * PER_PAGE], columns=headings), hide_index=True, width="stretch"
    )
    st.download_button(
        "Download as CSV", csv_of(result), f"{query.id}.csv", "text/csv", key=f"qcsv_{query.id}", on_click="ignore"
    )


kit.require("engineer", "admin")
id = session.current()
kit.header("Questions", id)
queries = load_queries()
left, right = st.columns([4, 7], gap="medium")
with left:
    names = list(queries)
    wanted = st.query_params.get("question", "")
    chosen = st.radio(
        "Questions",
        names,
        index=names.index(wanted) if wanted in queries else 0,
        format_func=lambda name: plain(queries[name].title),
        key="questions_list",
    )
with right, st.container(border=True):
    query = queries[chosen or names[0]]
    st.header(plain(query.title), anchor=False)
    st.write(plain(query.answers))
    if query.parameters:
        with st.form(f"ask_{query.id}", border=False):
            typed = {parameter.name: _field(query, parameter) for parameter in query.parameters}
            asked = kit.primary_submit("Ask", key=f"go_{query.id}")
        needed = [p.name for p in query.parameters if p.required and not typed[p.name].strip()]
        if needed:
            st.caption(f"Fill in {', '.join(heading(name) for name in needed)}, then ask.")
        else:
            _ask(id, query, typed)
    else:
        _ask(id, query, {})
    with st.expander("Show the Cypher text"):
        st.code(query.text, language="cypher", wrap_lines=True)
