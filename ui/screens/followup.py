"""Follow-up: what was decided to go, as orders to carry out, and whether newer data shows that it is gone."""

from __future__ import annotations

import streamlit as st

from reviews.followup import Checked, check
from reviews.records import CampaignView
from reviews.remediation import FORMATS, remediation
from ui import kit, session
from ui.words import counted, day, moment, plain

PER_PAGE = 20
_FORMAT_WORDS = {"text": "For a ticket", "cli": "AWS CLI", "terraform": "Terraform"}
_LANGUAGES = {"text": None, "cli": "bash", "terraform": "hcl"}
_STATES: dict[str, kit.Badge] = {
    "ordered": ("Ordered", "schedule", "blue"),
    "applied": ("Changed", "construction", "blue"),
    "verified": ("Checked", "task_alt", "green"),
    "still reachable another way": ("Still reachable", "warning", "orange"),
    "reappeared": ("Came back", "replay", "red"),
}
#: What needs somebody stands first.
_ORDER = ("reappeared", "still reachable another way", "ordered", "applied", "verified")


def _choose() -> CampaignView | None:
    """The review: from the address, else chosen among those that ended."""
    ended = [view for view in session.reviews().campaigns() if view.phase != "open"]
    if not ended:
        return None
    ids = [view.id for view in ended]
    labels = {view.id: f"{view.name}, signed off {day(view.signed_off)} ({view.id})" for view in ended}
    wanted = st.query_params.get("campaign", "")
    picked = st.selectbox(
        "Review",
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=labels.__getitem__,
        key="followup_campaign",
    )
    return next(view for view in ended if view.id == picked)


def _orders(view: CampaignView) -> None:
    st.header("What to change", anchor=False)
    going = view.states["revoke"] + view.states["modify"]
    if not going:
        st.write("Nothing was removed or reduced.")
        return
    st.write(f"{counted(going, 'item')} shall be removed or reduced. Hand this to whoever changes AWS.")
    chosen = st.pills(
        "As", list(FORMATS), format_func=lambda name: _FORMAT_WORDS.get(name, name), key="followup_format"
    )
    if chosen:
        st.caption("That it was handed out is in the log of the review.")
        text = remediation(session.reviews(), view.id, chosen, session.actor())
        st.code(text, language=_LANGUAGES.get(chosen), wrap_lines=True, height=420)


def _check(view: CampaignView) -> None:
    st.header("Is it gone", anchor=False)
    newer = session.current()
    if newer <= view.snapshot:
        kit.empty("There is no newer data to check against: read AWS again after the changes (`grantmap collect`).")
        return
    taken = session.snapshot(newer).manifest.started
    if kit.primary(f"Check against the data of {day(taken)}", key="followup_check"):
        with st.spinner("Looking whether it is gone"):
            found = check(
                session.reviews(), view.id, session.questions(newer), session.snapshot(newer), session.actor()
            )
        st.session_state["_followup"] = (view.id, newer, found)
    kept = st.session_state.get("_followup")
    if kept is not None and kept[:2] == (view.id, newer):
        st.caption(f"By the data of {moment(taken)}")
        _rows(kept[2])


def _rows(found: list[Checked]) -> None:
    found = sorted(found, key=lambda row: (_ORDER.index(row.state), row.item))
    page = kit.page_of("followup_page", len(found), PER_PAGE)
    kit.rows(
        ("State", "Access", "Note"),
        [
            (kit.inline(_STATES[row.state]), plain(row.sentence), plain(row.note) or "–")
            for row in found[page * PER_PAGE : (page + 1) * PER_PAGE]
        ],
        "What was decided to go, and whether it is gone",
    )


kit.require("owner", "admin")
kit.header("Follow-up")
chosen = _choose()
if chosen is None:
    kit.empty("No review was signed off yet, so nothing has to be changed.")
else:
    _orders(chosen)
    _check(chosen)
