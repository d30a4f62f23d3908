"""One review: progress, by reviewer, by outcome; remind, hand on, sign off, close."""

from __future__ import annotations

import streamlit as st

from reviews.assignment import Independent
from reviews.records import CampaignView, ItemView
from ui import kit, session
from ui.words import DECISION_WORDS, RISK_WORDS, counted, day, moment, number, percent, plain

PER_PAGE = 20
STATEMENT = (
    "I looked at the decisions of this review. I confirm that it covered the access in its scope, that its gaps were "
    "accepted knowingly, and that what was decided shall be carried out."
)


def _view() -> CampaignView | None:
    wanted = st.query_params.get("campaign", "")
    return session.reviews().campaign(wanted) if wanted else None


def _facts(view: CampaignView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        kit.badge(kit.phase(view.phase))
        if view.phase == "open":
            kit.badge(kit.due(view.due))
        st.caption(
            f"{plain(view.scope_in_words)} · due {day(view.due, weekday=True)} · owner {plain(view.owner)} · opened "
            f"{moment(view.opened)} by {plain(view.opened_by)}",
            width="content",
        )
    st.markdown(
        f"**{number(view.decided)} of {number(view.items)} decided** ({percent(view.decided, view.items)}), "
        f"{number(view.items - view.decided)} left"
    )
    st.progress(view.decided / view.items if view.items else 1.0)
    if view.signed_off:
        st.markdown(f"Signed off on {moment(view.signed_off)} by {plain(view.signed_off_by)}.")
    if view.closed:
        st.markdown(f"Closed on {moment(view.closed)}.")


def _reviewers(view: CampaignView) -> None:
    st.header("By reviewer", anchor=False)
    cells = [
        (plain(name) or "nobody yet", f"{number(decided)} of {number(items)}", number(items - decided))
        for name, (items, decided) in view.reviewers.items()
    ]
    page = kit.page_of("campaign_reviewers", len(cells), PER_PAGE)
    kit.rows(("Reviewer", "Decided", "Left"), cells[page * PER_PAGE : (page + 1) * PER_PAGE], "Progress by reviewer")


def _outcomes(view: CampaignView) -> None:
    st.header("By outcome", anchor=False)
    kit.rows(
        ("Outcome", "Items"),
        [(kit.inline(kit.decision(state)), number(count)) for state, count in view.states.items() if count],
        "Items by outcome",
    )


def _actions(view: CampaignView) -> None:
    reviews, actor = session.reviews(), session.actor()
    left = view.items - view.decided
    with st.container(horizontal=True, vertical_alignment="center"):
        if view.phase == "open":
            kit.primary("Sign off", key="sign_off", icon=":material/verified:", disabled=left > 0,
                        on_click=kit.open_dialog, args=("sign-off", view.id))  # fmt: skip
            if st.button("Remind reviewers", key="remind", icon=":material/notifications:", disabled=left == 0):
                kit.act(lambda: reviews.remind(view.id, actor), "Reminders are written; they go out as configured.")
                st.rerun()
        if view.phase == "signed-off" and st.button("Close the review", key="close", icon=":material/lock:"):
            kit.act(lambda: reviews.close_campaign(view.id, actor, key=kit.key()), "The review is closed.")
            st.rerun()
        if view.phase != "open":
            st.page_link("screens/evidence.py", label="Evidence", icon=":material/verified:",
                         query_params={"campaign": view.id}, width="content")  # fmt: skip
            st.page_link("screens/followup.py", label="Follow-up", icon=":material/construction:",
                         query_params={"campaign": view.id}, width="content")  # fmt: skip
    if view.phase == "open" and left:
        st.caption(f"Sign-off waits for {counted(left, 'decision')}.")


def _sign_off(view: CampaignView) -> None:
    if kit.dialog_about("sign-off") != view.id or view.phase != "open":
        return

    @st.dialog("Sign off the review", width="medium", on_dismiss=kit.close_dialog)
    def shown() -> None:
        told = [f"{number(count)} {DECISION_WORDS[state].lower()}" for state, count in view.states.items() if count]
        st.markdown(f"**{plain(view.name)}**: {', '.join(told)}. After this no decision can be changed.")
        if not session.is_fresh():
            st.warning("You signed in more than 15 minutes ago. Sign in again, then sign off.", icon=":material/lock:")
            if st.button("Sign in again", key="sign_in_again"):
                session.sign_out()
                st.rerun()
            return
        with st.form("sign_off_form", border=False):
            statement = st.text_area("What you confirm", value=STATEMENT, max_chars=4_000, required=True) or ""
            if kit.primary_submit("Sign off now", key="sign_off_go"):
                kit.act(
                    lambda: session.reviews().sign_off(view.id, statement, session.actor(), key=kit.key()),
                    "Signed off.",
                )
                kit.close_dialog()
                st.rerun()

    shown()


def _said(each: ItemView) -> str:
    """What was written with the decision, for who signs off on it."""
    decision = each.decision
    if decision is None:
        return ""
    told = (
        ("until", day(decision.until) if decision.until else ""),
        ("to remain", decision.to),
        ("makes up for the risk", decision.control),
        ("proposed", decision.hand_to),
        ("reason", decision.reason),
    )
    return "".join(f" · *{label}:* {plain(text)}" for label, text in told if text)


def _items(view: CampaignView) -> None:
    st.header("Items", anchor=False)
    reviews = session.reviews()
    text = st.text_input("Search", key="campaign_search", type="search", max_chars=200) or ""
    there = [state for state, count in view.states.items() if count]
    asked = st.query_params.get("outcome", "")
    states = st.pills(
        "Outcome", there, selection_mode="multi", default=[asked] if asked in there else None,
        format_func=DECISION_WORDS.__getitem__, key="campaign_states",
    )  # fmt: skip
    wanted = tuple(states or ())
    total = reviews.count(view.id, states=wanted, search=text)
    page = kit.page_of("campaign_items", total, PER_PAGE)
    found = reviews.items(view.id, session.actor(), states=wanted, search=text, offset=page * PER_PAGE, limit=PER_PAGE)
    if not found:
        kit.empty("Nothing fits.")
        return
    kit.rows(
        ("Risk", "Outcome", "Reviewer", "Access"),
        [
            (
                kit.inline(kit.risk(each.item.risk)),
                kit.inline(kit.decision(each.state)),
                plain(each.reviewer) or "nobody yet",
                f"{plain(each.item.sentence)} :small[:gray[{plain(each.item.id[:8])}]]{_said(each)}",
            )
            for each in found
        ],
        f"{counted(total, 'item')}",
    )
    if view.phase == "open":
        _reassign(view, found)


def _reassign(view: CampaignView, found: list[ItemView]) -> None:
    with st.expander("Hand an item of this page to somebody else"), st.form("reassign", border=False):
        labels = {each.item.id: f"{each.item.principal_name} {each.item.entitlement.in_words} ({each.item.id[:8]})"
                  for each in found}  # fmt: skip
        item = st.selectbox("Item", list(labels), format_func=labels.__getitem__, key="reassign_item")
        to = st.text_input("New reviewer (e-mail address)", max_chars=200, required=True) or ""
        reason = st.text_area("Reason", max_chars=4_000, required=True) or ""
        if st.form_submit_button("Hand over", key="reassign_go"):
            version = next(each.version for each in found if each.item.id == item)
            kit.act(
                lambda: session.reviews().assign(
                    view.id,
                    str(item),
                    to,
                    reason,
                    session.actor(),
                    version=version,
                    key=kit.key(),
                    independence=_independence(view),
                ),
                f"Handed to {plain(to)}.",
            )
            st.rerun()


def _independence(view: CampaignView) -> Independent | None:
    """The graph that the review was frozen from, where it is still here."""
    return session.independence(view.snapshot) if view.snapshot in session.built() else None


def main() -> None:
    """The page."""
    kit.require("owner", "auditor", "admin")
    view = _view()
    if view is None:
        kit.header("Review")
        kit.empty("Which one? Choose it under Reviews.")
        st.page_link("screens/campaigns.py", label="All reviews")
        return
    kit.header(view.name, foreign=True)
    gaps = f" · {counted(view.gaps, 'accepted gap')}" if view.gaps else ""
    risks = " · ".join(f"{RISK_WORDS[risk]} risk {number(count)}" for risk, count in view.risks.items() if count)
    st.caption(f"Frozen from the data of {moment(view.taken)}{gaps} · {risks}")
    _facts(view)
    if session.roles() & {"owner", "admin"}:
        _actions(view)
        _sign_off(view)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        _reviewers(view)
    with right:
        _outcomes(view)
    _items(view)


main()
