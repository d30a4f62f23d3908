"""Signing in: the company's sign-in, or in local mode a name to act as."""

from __future__ import annotations

import streamlit as st

from model.errors import GrantmapError
from ui import kit, session
from ui.words import plain

#: Names that one can choose from without searching.
_MOST = 15


def _candidates() -> list[str]:
    """Names that have something to do here: owners and reviewers of open reviews, people with roles."""
    found: set[str] = set()
    try:
        reviews = session.reviews()
        found.update(reviews.members())
        for campaign in reviews.campaigns():
            if campaign.phase != "closed":
                found.update((campaign.owner, *campaign.reviewers))
    except GrantmapError as error:
        st.error(kit.sentence(error), icon=":material/error:")
    return sorted(name for name in found if name)


def _local() -> None:
    st.title("Who are you?", anchor=False)
    st.write(
        "This app runs on this machine for you alone. What you decide is recorded under the name you give here, as "
        "*chosen on this machine, not signed in*."
    )
    known = _candidates()[:_MOST]
    if known:
        chosen = st.radio("People of the open reviews", known, index=None, format_func=plain, key="sign_in_known")
        st.caption("Or somebody else:")
    else:
        chosen = None
    with st.form("sign_in", border=False):
        typed = st.text_input("Your e-mail address", key="sign_in_name", type="email", max_chars=200)
        if kit.primary_submit("Continue", key="sign_in_go"):
            name = (typed or "").strip() or (chosen or "")
            if not name:
                st.error("Choose a name or type your e-mail address.", icon=":material/error:")
            else:
                session.sign_in_as(name)
                st.rerun()


def _company() -> None:
    st.title("Sign in", anchor=False)
    st.write("Sign in with your company account to see what is waiting for you.")
    if kit.primary("Sign in", key="sign_in_company"):
        st.login()


def show() -> None:
    """In place of whatever page was asked for; that page is shown afterwards."""
    with st.columns([1, 2, 1])[1]:
        if session.local():
            _local()
        else:
            _company()
