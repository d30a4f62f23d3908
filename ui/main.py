"""The entry of the app: sign-in, the pages that a role sees, and one place for what goes wrong.

``streamlit run ui/main.py``, better by ``grantmap ui``.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import kit, session, sign_in
from ui.words import plain

ICON = str(Path(__file__).parent / "static" / "icon.svg")
ABOUT = "**grantmap**: who can reach what in an AWS organisation, and who answers for it."

#: Name: (file, title, address, icon).
PAGES = {
    "home": ("home", "Home", "home", "home"),
    "inbox": ("inbox", "My reviews", "my-reviews", "fact_check"),
    "campaigns": ("campaigns", "Reviews", "reviews", "inventory"),
    "start": ("start", "Start a review", "start", "add_circle"),
    "followup": ("followup", "Follow-up", "follow-up", "construction"),
    "evidence": ("evidence", "Evidence", "evidence", "verified"),
    "overview": ("overview", "Overview", "overview", "monitoring"),
    "paths": ("paths", "Access paths", "paths", "route"),
    "findings": ("findings", "What to fix", "findings", "report"),
    "questions": ("questions", "Questions", "questions", "help_center"),
    "sources": ("sources", "Data sources", "sources", "database"),
    "people": ("people", "People and roles", "people", "group"),
    "campaign": ("campaign", "Review", "campaign", "inventory"),
    "identity": ("identity", "Who", "identity", "person"),
    "resource": ("resource", "What", "resource", "folder"),
}
#: Role: the pages it may use, by the heading they stand under.
MENUS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "reviewer": (("", ("home", "inbox")),),
    "owner": (
        ("", ("home", "inbox")),
        ("Reviews", ("campaigns", "start", "followup", "evidence")),
        ("Explore", ("overview",)),
        ("Set-up", ("sources",)),
    ),
    "engineer": (
        ("", ("inbox",)),
        ("Explore", ("overview", "paths", "findings", "questions")),
        ("Set-up", ("sources",)),
    ),
    "auditor": (("Reviews", ("campaigns", "evidence")), ("Set-up", ("sources",))),
    "admin": (
        ("", ("home", "inbox")),
        ("Reviews", ("campaigns", "start", "followup", "evidence")),
        ("Explore", ("overview", "paths", "findings", "questions")),
        ("Set-up", ("sources", "people")),
    ),
}
LANDINGS = (
    ("admin", "home"),
    ("owner", "home"),
    ("auditor", "evidence"),
    ("engineer", "overview"),
    ("reviewer", "inbox"),
)
HEADINGS = ("", "Reviews", "Explore", "Set-up")


def menu(roles: frozenset[str]) -> dict[str, list[str]]:
    """Names of pages by heading for somebody with these roles, in the order of the menu; every name once."""
    wanted: dict[str, set[str]] = {heading: set() for heading in HEADINGS}
    for role in roles or {"reviewer"}:
        for heading, pages in MENUS[role]:
            wanted[heading].update(pages)
    return {heading: [name for name in PAGES if name in pages] for heading, pages in wanted.items() if pages}


def landing(roles: frozenset[str]) -> str:
    """The page that opens first."""
    return next((page for role, page in LANDINGS if role in roles), "inbox")


def _pages(listed: set[str]) -> dict[str, st.Page]:
    """Every page by name; those of ``listed`` are in the menu, the others have an address only."""
    return {
        name: st.Page(
            f"screens/{file}.py",
            title=title,
            url_path=address,
            icon=f":material/{icon}:",
            visibility="visible" if name in listed else "hidden",
        )
        for name, (file, title, address, icon) in PAGES.items()
    }


def _no_page() -> None:
    """What stands at the bare address: nothing, one is led on. So every page keeps its address for every role."""


def main() -> None:
    """One run of the app."""
    st.set_page_config("grantmap", page_icon=ICON, layout="wide", menu_items={"About": ABOUT})
    try:
        _run()
    except Exception as error:  # noqa: BLE001 - the last place before the person who looks
        kit.failed(error)


def _run() -> None:
    bare = st.Page(_no_page, title="grantmap", url_path="start-here", default=True, visibility="hidden")
    if not session.signed_in():
        # All addresses exist, so that a link to an item still leads there after the sign-in.
        st.navigation([bare, *_pages(set()).values()], position="hidden")
        sign_in.show()
        return
    roles = session.roles()
    shown = menu(roles)
    made = _pages({name for found in shown.values() for name in found})
    pages = {heading: [made[name] for name in found] for heading, found in shown.items()}
    listed = [page for found in pages.values() for page in found]
    others = [page for page in made.values() if page not in listed]
    pages[""] = [bare, *pages.get("", []), *others]
    chosen = st.navigation(pages, position="top")
    if chosen is bare:
        st.switch_page(made[landing(roles)])
    kit.said()
    chosen.run()
    _footer()


def _footer() -> None:
    mode = "Acting on this machine as" if session.local() else "Signed in as"
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.caption(f"{mode} {plain(session.actor().name)}", width="content")
        st.button("Sign out", key="sign_out", type="tertiary", on_click=session.sign_out)


main()
