"""My reviews: decide, one item at a time; the list left, the open item right, the buttons always in view."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from model.errors import GrantmapError
from reviews.records import CampaignView, DecisionKind, ItemView
from ui import deciding, kit, session
from ui.item import detail
from ui.words import counted, day, number, percent, plain

PER_PAGE = 20
#: The item that the address named last: ours, or one that a link asks for.
_LINKED = "_linked_item"


@dataclass(frozen=True)
class Filter:
    """A pill over the list, as the reviews filter."""

    states: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


UNDECIDED = ("open",)
FILTERS = {
    "To decide": Filter(states=UNDECIDED),
    "New or wider": Filter(states=UNDECIDED, changes=("new", "wider")),
    "High risk": Filter(states=UNDECIDED, risks=("critical", "high")),
    "Unchanged, low risk": Filter(states=UNDECIDED, risks=("low",), changes=("unchanged",)),
    "Decided": Filter(states=("attest", "revoke", "modify", "exception", "abstain")),
}
ORDERS = {"By risk": "risk", "By person": "person", "By resource": "resource", "By account": "account"}


def _campaign() -> CampaignView | None:
    """The review that is worked on: from the address, else the one that ends first."""
    name = session.actor().name.casefold()
    mine = [view for view in session.reviews().campaigns() if view.phase == "open" and name in view.reviewers]
    mine.sort(key=lambda view: (view.reviewers[name][0] == view.reviewers[name][1], view.due))
    if not mine:
        return None
    ids = [view.id for view in mine]
    wanted = st.query_params.get("campaign", "")
    if len(mine) > 1:
        labels = {view.id: f"{view.name}, due {day(view.due)} ({view.id})" for view in mine}
        wanted = st.selectbox(
            "Review",
            ids,
            index=ids.index(wanted) if wanted in ids else 0,
            format_func=labels.__getitem__,
            key="inbox_campaign",
        )
    return next((view for view in mine if view.id == wanted), mine[0])


def _progress(view: CampaignView) -> None:
    items, decided = view.reviewers[session.actor().name.casefold()]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plain(view.name)}** · {number(decided)} of {number(items)} decided ({percent(decided, items)}) · "
            f"due {day(view.due, weekday=True)}",
            width="content",
        )
        kit.badge(kit.due(view.due))
        deciding.last(view.id)
    st.progress(decided / items if items else 1.0)


@dataclass(frozen=True)
class Listed:
    """One page of the list, and where it stands in the whole."""

    views: list[ItemView]
    total: int
    offset: int


def _choices() -> tuple[Filter, str]:
    """The filter and the order that are chosen."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.pills(
            "Show", list(FILTERS), default="To decide", required=True, key="inbox_filter", label_visibility="collapsed",
            wrap=True, on_change=_turned,
        )  # fmt: skip
        st.space("stretch")
        order = st.selectbox(
            "Order", list(ORDERS), key="inbox_order", label_visibility="collapsed", width=150, on_change=_turned
        )
    return FILTERS[chosen or "To decide"], ORDERS[order]


def _list(campaign: CampaignView, which: Filter, order: str) -> Listed:
    reviews, actor = session.reviews(), session.actor()
    total = reviews.count(
        campaign.id, reviewer=actor.name, states=which.states, risks=which.risks, changes=which.changes
    )
    page = min(st.session_state.get("inbox_page", 1) - 1, max(0, (total - 1) // PER_PAGE))
    views = reviews.items(
        campaign.id,
        actor,
        reviewer=actor.name,
        states=which.states,
        risks=which.risks,
        changes=which.changes,
        order=order,
        offset=page * PER_PAGE,
        limit=PER_PAGE,
    )
    _pin_linked(campaign)
    pinned = st.session_state.get(deciding.PINNED)
    if pinned and all(view.item.id != pinned for view in views):
        views = [reviews.item(campaign.id, pinned, actor), *views]
    return Listed(views, total, page * PER_PAGE)


def _pin_linked(campaign: CampaignView) -> None:
    """An item that the address names is the one that opens, also when the filter leaves it out."""
    wanted = st.query_params.get("item", "")
    if not wanted or st.session_state.get(_LINKED) == wanted:
        return
    st.session_state[_LINKED] = wanted
    actor = session.actor()
    try:
        mine = session.reviews().item(campaign.id, wanted, actor).reviewer == actor.name
    except GrantmapError:
        mine = False
    if mine:
        st.session_state[deciding.OPEN] = st.session_state[deciding.PINNED] = wanted
    else:
        st.caption("The access that the link names is not yours to decide in this review; here is what is.")


def _label(view: ItemView) -> str:
    """What one entry of the list says; the end of the item's id makes it unique."""
    badges = [kit.inline(kit.risk(view.item.risk))] if view.item.risk != "low" else []
    badges += [kit.inline(kit.change(view.change))] if view.change in ("wider", "narrower") else []
    badges += [kit.inline(kit.decision(view.state))] if view.state != "open" else []
    who = f"**{plain(view.item.principal_name)}** {plain(view.item.entitlement.in_words)}"
    return " ".join([*badges, who, f":small[:gray[{plain(view.item.id[:8])}]]"])


def _open(listed: Listed) -> ItemView:
    """The open item: the one that was open, else the one now standing where it stood."""
    ids = [view.item.id for view in listed.views]
    wanted = st.query_params.get("item", "")
    opened = st.session_state.get(deciding.OPEN, wanted)
    place = ids.index(opened) if opened in ids else min(st.session_state.get("_place", 0), len(ids) - 1)
    st.session_state["inbox_list"] = ids[place]
    picked = st.radio(
        "Access to decide on",
        ids,
        format_func={view.item.id: _label(view) for view in listed.views}.__getitem__,
        key="inbox_list",
        label_visibility="collapsed",
        on_change=_picked,
    )
    pages = -(-listed.total // PER_PAGE)
    if pages > 1:
        st.pagination(pages, key="inbox_page", max_visible_pages=5, on_change=_turned)
    place = ids.index(picked) if picked in ids else 0
    st.session_state[deciding.OPEN] = ids[place]
    st.session_state["_place"] = place
    st.query_params["item"] = st.session_state[_LINKED] = ids[place]
    return listed.views[place]


def _picked() -> None:
    st.session_state[deciding.OPEN] = st.session_state["inbox_list"]
    st.session_state.pop(deciding.PINNED, None)


def _turned() -> None:
    for name in (deciding.OPEN, deciding.PINNED):
        st.session_state.pop(name, None)
    st.session_state["_place"] = 0


def _move(ids: list[str], place: int) -> None:
    st.session_state[deciding.OPEN] = ids[place]


def _bar(campaign: CampaignView, listed: Listed, view: ItemView) -> None:
    ids = [each.item.id for each in listed.views]
    place = ids.index(view.item.id)
    quiet = kit.dialog_open()

    def keys(text: str) -> str | None:
        return None if quiet else text

    with st.bottom, st.container(horizontal=True, vertical_alignment="center"):
        st.button("Previous", key="go_back", icon=":material/arrow_back:", shortcut=keys("Alt+P"), disabled=place == 0,
                  on_click=_move, args=(ids, place - 1))  # fmt: skip
        st.button("Next", key="go_on", icon=":material/arrow_forward:", shortcut=keys("Alt+N"),
                  disabled=place + 1 >= len(ids), on_click=_move, args=(ids, place + 1))  # fmt: skip
        st.caption(f"{listed.offset + place + 1:,} of {max(listed.total, place + 1):,}", width="content")
        st.space("stretch")
        no = bool(view.may_decide)
        buttons: tuple[tuple[DecisionKind, str, str | None], ...] = (
            ("attest", "check", keys("Alt+K")),
            ("revoke", "remove_circle", keys("Alt+X")),
            ("modify", "tune", None),
        )
        for kind, icon, shortcut in buttons:
            st.button(deciding.BUTTONS[kind], key=f"do_{kind}", icon=f":material/{icon}:", shortcut=shortcut,
                      disabled=no, on_click=deciding.ask, args=(kind, campaign.id, view))  # fmt: skip
        st.menu_button("Other", ["exception", "abstain"], key="do_other", disabled=no,
                       format_func=lambda kind: deciding.BUTTONS[kind],
                       on_click=_other, args=(campaign.id, view))  # fmt: skip


def _other(campaign: str, view: ItemView) -> None:
    kind = st.session_state.get("do_other")
    if kind in ("exception", "abstain"):
        deciding.ask(kind, campaign, view)


def _nothing(campaign: CampaignView) -> None:
    items, decided = campaign.reviewers[session.actor().name.casefold()]
    if decided == items:
        kit.empty(
            f"All {number(items)} decided. You can change a decision until the owner, {plain(campaign.owner)}, signs "
            "the review off: choose *Decided* above."
        )
    elif st.session_state.get("inbox_filter") == "To decide":
        kit.empty(
            f"Nothing is left for you to decide. {counted(items - decided, 'item')} that you handed over "
            f"{'waits' if items - decided == 1 else 'wait'} for the owner, {plain(campaign.owner)}, to find somebody."
        )
    else:
        kit.empty("Nothing here. Choose another filter above.")


def main() -> None:
    """The page."""
    campaign = _campaign()
    if campaign is None:
        kit.header("My reviews")
        kit.empty("Nothing is waiting for you: no open review asks you to decide.")
        return
    kit.header("My reviews", campaign.snapshot)
    _progress(campaign)
    which, order = _choices()
    left, right = st.columns([4, 7], gap="medium")
    with left:
        listed = _list(campaign, which, order)
        if not listed.views:
            _nothing(campaign)
            return
        view = _open(listed)
        st.caption("Saved as you go. You can change a decision until the owner signs the review off.")
        _together(campaign, listed)
    with right, st.container(border=True, gap="xsmall"):
        detail(view)
    _bar(campaign, listed, view)
    deciding.dialog(campaign.id)


def _together(campaign: CampaignView, listed: Listed) -> None:
    """Several at once, where the filter shows nothing but what may be decided so."""
    able = [view for view in listed.views if not view.may_decide and deciding.one_click(view) and view.state == "open"]
    if st.session_state.get("inbox_filter") != "Unchanged, low risk" or len(able) < 2:
        return
    seen = [(view.item.id, view.version) for view in able]
    st.button(f"Keep these {counted(len(able), 'item')}", key="bulk", on_click=kit.open_dialog, args=("bulk", seen))
    deciding.bulk(campaign.id, able)


main()
