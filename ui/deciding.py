"""Deciding on one item: what a click does, and the dialogs that ask for what a decision needs.

A click carries the item's id and the version that was on the screen; the reviews load the item again and check both.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from model.errors import GrantmapError
from reviews.errors import StaleVersionError
from reviews.records import Decision, DecisionKind, ItemView
from ui import kit, session
from ui.words import DECISION_WORDS, counted, day, moment, plain

LAST = "_last_decision"
OPEN = "_open_item"
#: An item that stays in the list although the filter leaves it out.
PINNED = "_pinned"
_FAILED = "_decision_failed"

#: What the buttons say, by kind.
BUTTONS: dict[DecisionKind, str] = {
    "attest": "Keep",
    "revoke": "Remove",
    "modify": "Reduce",
    "exception": "Keep until a date",
    "abstain": "Not mine: hand over",
}
_TITLES: dict[DecisionKind, str] = {
    "attest": "Keep this access",
    "revoke": "Remove this access",
    "modify": "Reduce this access",
    "exception": "Keep this access until a date",
    "abstain": "Hand it over",
}
_ENDS = {"1 month": 30, "3 months": 91, "6 months": 182, "1 year": 365}


def one_click(view: ItemView) -> bool:
    """Whether keeping needs no dialog: low risk and nothing new about it."""
    return view.change == "unchanged" and view.item.risk == "low" and not view.needs_reason


def ask(kind: DecisionKind, campaign: str, view: ItemView) -> None:
    """What a click on a button does: decide at once where nothing has to be said, else open the dialog."""
    if kind == "attest" and one_click(view):
        decide(campaign, view, Decision(kind="attest"))
    else:
        kit.open_dialog("decide", (kind, campaign, view.item.id, view.version))


def decide(campaign: str, view: ItemView, decision: Decision, version: int | None = None) -> bool:
    """Has the reviews record the decision; says what became of it. True when it was recorded."""
    seen = view.version if version is None else version
    item = view.item.id

    try:
        session.reviews().decide(campaign, item, decision, session.actor(), version=seen, key=kit.key())
    except StaleVersionError:
        _overtaken(campaign, item, decision)
        return False
    except GrantmapError as error:
        kit.say(kit.sentence(error), bad=True)
        st.session_state[_FAILED] = kit.sentence(error)
        return False
    st.session_state.pop(PINNED, None)
    what = f"{view.item.principal_name}: {view.item.entitlement.in_words}"
    st.session_state[LAST] = (campaign, item, what, decision.kind)
    return True


def _overtaken(campaign: str, item: str, decision: Decision) -> None:
    """Says who decided in the meantime, opens the item again, and gives back what was typed."""
    now = session.reviews().item(campaign, item, session.actor())
    if now.decision is not None:
        told = (
            f"Decided while you were reading: **{DECISION_WORDS[now.state]}** by {plain(now.decided_by)}, "
            f"{moment(now.decided_at)}."
        )
    else:
        told = f"Changed while you were reading: {plain(now.reviewer) or 'nobody yet'} is to decide now."
    written = "; ".join(text for text in (decision.to, decision.control, decision.reason) if text)
    typed = f" You had written: {plain(written)}" if written else ""
    kit.say(f"{told} Nothing of yours was recorded; the access is open below.{typed}", bad=True)
    st.session_state[OPEN] = st.session_state[PINNED] = item


def dialog(campaign: str) -> None:
    """The open dialog, if any."""
    found = kit.dialog_about("decide")
    if found is None or found[1] != campaign:
        return
    kind, _, item, version = found
    if kind not in BUTTONS:
        kit.close_dialog()
        return
    try:
        view = session.reviews().item(campaign, item, session.actor())
    except GrantmapError as error:
        kit.close_dialog()
        st.error(kit.sentence(error), icon=":material/error:")
        return

    @st.dialog(_TITLES[kind], on_dismiss=kit.close_dialog)
    def shown() -> None:
        _form(kind, campaign, view, version)

    shown()


def _form(kind: DecisionKind, campaign: str, view: ItemView, version: int) -> None:
    item = view.item
    st.markdown(f"**{plain(item.sentence)}**")
    st.write(plain(_consequence(kind, view)))
    with st.form(f"decide_{kind}", border=False):
        needed = _reason_needed(kind, view)
        to = until = control = hand_to = ""
        if kind == "modify":
            to = st.text_input("What should remain", max_chars=500, required=True, help="For example: read only") or ""
        if kind == "exception":
            chosen = st.radio("Until when", list(_ENDS), format_func=_end_in_words, horizontal=True)
            until = _end(chosen or "1 month")
            control = st.text_input("What makes up for the risk meanwhile", max_chars=500, required=True) or ""
        if kind == "abstain":
            hand_to = st.text_input("Who should decide, if you know (e-mail address)", max_chars=200) or ""
        label = "Reason" if needed else "Reason (if you like)"
        reason = (
            st.text_area(label, max_chars=4_000, required=bool(needed), help=needed or None, key="decide_reason") or ""
        )
        if needed:
            st.caption(f"A reason is needed: {plain(needed)}.")
        with st.container(horizontal=True, horizontal_alignment="right"):
            cancelled = st.form_submit_button("Cancel", key="decide_cancel")
            confirmed = kit.primary_submit(_confirm(kind), key="decide_confirm", shortcut="Ctrl+Enter")
    if cancelled:
        kit.close_dialog()
        st.rerun()
    if confirmed:
        decision = Decision(kind=kind, reason=reason, to=to, until=until, control=control, hand_to=hand_to)
        st.session_state.pop(_FAILED, None)
        decide(campaign, view, decision, version)
        failed = st.session_state.pop(_FAILED, None)
        if failed is not None:  # what was typed stays, to be tried again
            kit.unsay()
            st.error(failed, icon=":material/error:")
            return
        kit.close_dialog()
        st.rerun()


def _confirm(kind: DecisionKind) -> str:
    return {
        "attest": "Keep access",
        "revoke": "Remove access",
        "modify": "Reduce access",
        "exception": "Keep until then",
        "abstain": "Hand over",
    }[kind]


def _consequence(kind: DecisionKind, view: ItemView) -> str:
    item = view.item
    return {
        "attest": f"If you keep it: {item.if_kept}",
        "revoke": f"If you remove it: {item.if_removed}",
        "modify": "The access is changed to what you write below; the rest is taken away.",
        "exception": "The access stays until the date, and is asked about again then.",
        "abstain": "Nothing is decided. The owner of the review finds somebody else to decide.",
    }[kind]


def _reason_needed(kind: DecisionKind, view: ItemView) -> str:
    """Why a reason is asked for; empty: it is not. The reviews have the last word."""
    suggested = view.item.recommendation.verdict
    if kind == "exception":
        return "access that is kept for a time is an exception"
    if kind == "attest":
        return view.needs_reason or ("we suggest to remove it" if suggested == "remove" else "")
    if kind == "revoke" and suggested == "keep":
        return "we suggest to keep it"
    return ""


def _end(choice: str) -> str:
    return (datetime.now(UTC).date() + timedelta(days=_ENDS[choice])).isoformat()


def _end_in_words(choice: str) -> str:
    return f"{choice} ({day(_end(choice))})"


def last(campaign: str) -> None:
    """The last decision, with a way back to it: in the row where the progress stands, so that nothing moves."""
    found = st.session_state.get(LAST)
    if found is None or found[0] != campaign:
        return
    _, item, what, kind = found
    st.space("stretch")
    st.caption(f":material/check: Saved: **{DECISION_WORDS[kind]}** · {plain(what)}", width="content")
    if kind != "abstain":
        st.button("Undo", key="undo", type="tertiary", help="Opens it again, to decide anew", on_click=_reopen,
                  args=(item,))  # fmt: skip


def _reopen(item: str) -> None:
    st.session_state[OPEN] = item
    st.session_state[PINNED] = item
    st.session_state.pop(LAST, None)


def standing(view: ItemView) -> None:
    """What was decided on an item so far, and why who looks may not decide."""
    if view.decision is not None:
        until = day(view.decision.until) if view.decision.until else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            kit.badge(kit.decision(view.state, until))
            st.caption(f"by {plain(view.decided_by)}, {moment(view.decided_at)}", width="content")
        for label, text in (
            ("Reason", view.decision.reason),
            ("To remain", view.decision.to),
            ("Makes up for the risk", view.decision.control),
            ("Proposed", view.decision.hand_to),
        ):
            if text:
                st.caption(f"{label}: {plain(text)}")
    if view.may_decide:
        st.warning(f"You cannot decide this: {plain(view.may_decide)}.", icon=":material/lock:")


# -- several at once


def bulk(campaign: str, views: list[ItemView]) -> None:
    """The dialog that keeps unchanged low-risk items together: it lists them and asks a reason."""
    seen = kit.dialog_about("bulk")
    if not seen:
        return
    listed = [view for view in views if (view.item.id, view.version) in seen]

    @st.dialog(f"Keep {counted(len(listed), 'unchanged, low-risk item')}", width="medium", on_dismiss=kit.close_dialog)
    def shown() -> None:
        st.markdown("\n".join(f"- {plain(view.item.sentence)}" for view in listed))
        with st.form("decide_many", border=False):
            reason = st.text_area("Reason, for all of them", max_chars=4_000, required=True) or ""
            if kit.primary_submit("Keep all of these", key="decide_many_go", shortcut="Ctrl+Enter"):
                decision = Decision(kind="attest", reason=reason, bulk=True)
                kit.act(
                    lambda: session.reviews().decide_many(campaign, seen, decision, session.actor(), key=kit.key()),
                    f"Saved: kept {counted(len(seen), 'item')}.",
                )
                kit.close_dialog()
                st.rerun()

    shown()
