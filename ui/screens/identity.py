"""One identity: what it can reach, in sentences; how it can gain more; who can become it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from graph.names import subject_of
from graph.questions import Questions
from graph.reaching import Reached, reach
from ui import kit, session
from ui.answers import principals
from ui.naming import ScreenNames, kind_in_words
from ui.words import counted, levels_in_words, plain

PER_PAGE = 20


@st.cache_resource(show_spinner=False, max_entries=32)
def _reached(_asked: Questions, id: str, key: str) -> Sequence[Reached]:
    assert id
    return reach(_asked, key)


def _row(row: Reached, names: ScreenNames) -> tuple[str, str, str]:
    resource = row.resource_class
    what = names.resource(resource.pattern.split(" ∩ ")[0], resource.account)
    more = f" and {counted(len(resource.members) - 1, 'other')} like it" if len(resource.members) > 1 else ""
    can = "can" if row.verdict.value in ("Allowed", "Conditional") else "cannot"
    return (
        kit.inline(kit.verdict(str(row.verdict))),
        plain(f"{can} {levels_in_words(row.levels, resource.type)} {what}{more}"),
        plain(names.way(row.via)),
    )


def _reaches(id: str, key: str, names: ScreenNames) -> None:
    st.header("What it can reach", anchor=False)
    rows = _reached(session.questions(id), id, key)
    text = st.text_input("Search", key="identity_search", type="search", live=True, max_chars=200) or ""
    shown = rows if not text else [row for row in rows if text.lower() in _searched(_row(row, names))]
    if not shown:
        kit.empty("Nothing that was read." if not text else "Nothing fits the search.")
        return
    st.caption(f"{counted(len(shown), 'entry', 'entries')}, by account and name")
    page = kit.page_of("identity_page", len(shown), PER_PAGE)
    # Somebody may reach hundreds of thousands of things: only those of the page are put into words.
    cells = [_row(row, names) for row in shown[page * PER_PAGE : (page + 1) * PER_PAGE]]
    kit.rows(("State", "Access", "How"), cells, "What it can reach")


def _searched(cells: tuple[str, str, str]) -> str:
    return " ".join(cells).lower().replace("\\", "").replace("\u2060", "")


def _become(id: str, key: str, names: ScreenNames) -> None:
    if ":role/" not in key:
        return
    st.header("Who can become it", anchor=False)
    action = "sts:AssumeRoleWithSAML" if "/aws-reserved/sso.amazonaws.com/" in key else "sts:AssumeRole"
    found = session.questions(id).who_can(action, key)["principals"]
    if not found:
        kit.empty("Nobody that was read.")
        return
    page = kit.page_of("become_page", len(found), PER_PAGE)
    kit.rows(
        ("State", "Who", "How"),
        [
            (kit.inline(kit.verdict(row["verdict"])), plain(names.who(row["principal"])), plain(names.way(row["via"])))
            for row in found[page * PER_PAGE : (page + 1) * PER_PAGE]
        ],
        "Who can become it",
    )


def _shown(asked: Questions, id: str, key: str, names: ScreenNames) -> None:
    subject = subject_of(asked.world, key)
    st.caption(kind_in_words(subject.kind, member=names.collected(subject.account)))
    if session.roles() & {"engineer", "admin"}:
        st.page_link(
            "screens/paths.py",
            label="Ways to do everything",
            icon=":material/arrow_forward:",
            query_params={"from": subject.key, "to": "*admin"},
        )
    _reaches(id, subject.key, names)
    _become(id, subject.key, names)
    with st.expander("Show the exact AWS name"):
        st.code(subject.key, language=None, wrap_lines=True)


def main() -> None:
    """The page."""
    kit.require("engineer", "owner", "auditor", "admin")
    id = session.current()
    asked, names = session.questions(id), kit.names(id)
    key = st.query_params.get("key", "")
    if key:
        kit.header(names.who(key), id, foreign=True)
    else:
        kit.header("Who", id)
        key = kit.chooser("Somebody", principals(asked, names), "identity_choice")
    if key:
        _shown(asked, id, key, names)
    else:
        kit.empty("Choose a person, a user or a role to see what it can reach.")


main()
