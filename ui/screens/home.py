"""Home: what needs me, and will we finish? A reviewer sees the own part only."""

from __future__ import annotations

import streamlit as st

from reviews.records import CampaignView
from ui import kit, session
from ui.words import counted, day, days_left, number, percent, plain


def _progress(views: list[CampaignView]) -> None:
    items, decided = sum(view.items for view in views), sum(view.decided for view in views)
    first = min(views, key=lambda view: view.due)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{number(decided)} of {number(items)} decided ({percent(decided, items)})** · "
            f"next due {day(first.due, weekday=True)}",
            width="content",
        )
        kit.badge(kit.due(first.due))
    st.progress(decided / items if items else 1.0)


def _needs(views: list[CampaignView]) -> None:
    """At most four cards: what does not go by itself."""
    cards: list[tuple[kit.Badge, str, str, CampaignView]] = []
    for view in views:
        late = days_left(view.due) < 0
        waiting = [name for name, (items, decided) in view.reviewers.items() if decided < items]
        if view.decided == view.items:
            cards.append((kit.phase("open"), "everything is decided: look at it and sign it off", "Sign off", view))
        elif late:
            cards.append((kit.due(view.due), f"{counted(len(waiting), 'reviewer')} did not finish", "Open", view))
        elif days_left(view.due) <= 3:
            cards.append((kit.due(view.due), f"{counted(len(waiting), 'reviewer')} have items left", "Open", view))
        if view.states["abstain"]:
            text = f"{counted(view.states['abstain'], 'item')} handed over: somebody has to be found"
            cards.append((kit.decision("abstain"), text, "Reassign", view))
        if "" in view.reviewers:
            text = f"{counted(view.reviewers[''][0], 'item')} without a reviewer"
            cards.append((kit.decision("open"), text, "Open", view))
        if view.gaps:
            text = f"{counted(view.gaps, 'accepted gap')}: part of AWS was not read"
            cards.append((kit.INCOMPLETE, text, "Look", view))
    if not cards:
        return
    st.header("Needs you", anchor=False)
    with st.grid(4, min_column_width=220):
        for place, (badge, text, label, view) in enumerate(cards[:4]):
            with st.container(border=True, height="stretch", key=f"card_{place}"):
                kit.badge(badge)
                st.markdown(f"**{plain(view.name)}**: {text}.")
                _link(label, view)


def _link(label: str, view: CampaignView) -> None:
    """The way from a card to where its matter is dealt with."""
    icon = ":material/arrow_forward:"
    if label == "Look":
        st.page_link("screens/sources.py", label=label, icon=icon, query_params={"snapshot": view.snapshot})
        return
    query = {"campaign": view.id} | ({"outcome": "abstain"} if label == "Reassign" else {})
    st.page_link("screens/campaign.py", label=label, icon=icon, query_params=query)


def _open(views: list[CampaignView]) -> None:
    st.header("Open reviews", anchor=False)
    for view in views:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{plain(view.name)}** · {plain(view.scope_in_words)} · {number(view.decided)} of "
                f"{number(view.items)} decided",
                width="stretch",
            )
            kit.badge(kit.due(view.due))
            st.page_link("screens/campaign.py", label="Open", icon=":material/arrow_forward:",
                         query_params={"campaign": view.id}, width="content")  # fmt: skip


def _reviewers(views: list[CampaignView]) -> None:
    st.header("Reviewers", anchor=False)
    cells = [
        (
            plain(name) or "nobody yet",
            plain(view.name),
            f"{number(decided)} of {number(items)}",
            kit.inline(("Done", "check", "green") if decided == items else kit.due(view.due)),
        )
        for view in views
        for name, (items, decided) in view.reviewers.items()
    ]
    cells.sort(key=lambda row: (row[3].startswith(":green"), row[0]))
    page = kit.page_of("home_reviewers", len(cells), 20)
    kit.rows(("Reviewer", "Review", "Decided", "State"), cells[page * 20 : page * 20 + 20], "Progress of reviewers")


def main() -> None:
    """The page."""
    name = session.actor().name.casefold()
    roles = session.roles()
    everything = session.reviews().campaigns()
    views = [view for view in everything if view.phase == "open"]
    officer = bool(roles & {"owner", "admin"})
    if not officer:
        views = [view for view in views if name in view.reviewers]
    kit.header("Home", views[0].snapshot if views else "")
    if views:
        _progress(views)
    else:
        closed = next((view for view in everything if view.phase != "open"), None)
        ended = f" The last one was signed off on {day(closed.signed_off)}." if closed is not None else ""
        kit.empty(f"No review is open.{ended}")
    if officer:
        if kit.primary("Start a review", key="home_start", icon=":material/add:"):
            st.switch_page("screens/start.py")
        _needs(views)
    if views:
        _open(views)
    if views and any(name in view.reviewers for view in views):
        st.page_link("screens/inbox.py", label="My reviews", icon=":material/fact_check:")
    if officer and views:
        _reviewers(views)


main()
