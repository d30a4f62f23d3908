"""People and roles: who may do what in this app."""

from __future__ import annotations

import streamlit as st

from reviews.records import ROLES
from ui import kit, session
from ui.words import ROLE_WORDS, listed, plain

_MEANING = {
    "admin": "may do everything, also give roles",
    "owner": "opens reviews, follows them, signs them off",
    "reviewer": "decides on the items that are assigned to them",
    "engineer": "asks who can reach what, and sees what to fix",
    "auditor": "reads reviews and their evidence",
}

kit.require("admin")
kit.header("People and roles")
members = session.reviews().members()
if members:
    cells = [(plain(name), listed([ROLE_WORDS[role] for role in roles])) for name, roles in sorted(members.items())]
    page = kit.page_of("people_page", len(cells), 50)
    kit.rows(("Person", "Roles"), cells[page * 50 : page * 50 + 50], "People and their roles")
else:
    kit.empty("Nobody has a role yet. Reviewers get theirs when a review is opened.")
st.header("Give or take roles", anchor=False)
st.caption(" · ".join(f"{ROLE_WORDS[role]}: {_MEANING[role]}" for role in ROLES))
with st.form("roles"):
    name = st.text_input("E-mail address", max_chars=200, required=True, key="roles_name") or ""
    chosen = st.pills(
        "Roles from now on", list(ROLES), selection_mode="multi", format_func=ROLE_WORDS.__getitem__, key="roles_chosen"
    )
    if kit.primary_submit("Save", key="roles_save"):
        kit.act(
            lambda: session.reviews().set_roles(name, tuple(chosen or ()), session.actor()),
            f"Saved the roles of {plain(name)}." if chosen else f"{plain(name)} has no role any more.",
        )
        st.rerun()
