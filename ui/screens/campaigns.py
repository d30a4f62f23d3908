"""All reviews, the newest first."""

from __future__ import annotations

import streamlit as st

from ui import kit, session
from ui.words import day, number, percent, plain

PER_PAGE = 20

kit.require("owner", "auditor", "admin")
views = session.reviews().campaigns()
kit.header("Reviews")
if not views:
    kit.empty("No review was opened yet.")
    if session.roles() & {"owner", "admin"}:
        st.page_link("screens/start.py", label="Start a review", icon=":material/add:")
page = kit.page_of("campaigns_page", len(views), PER_PAGE)
for view in views[page * PER_PAGE : (page + 1) * PER_PAGE]:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(view.name)}** · {plain(view.scope_in_words)}", width="stretch")
            kit.badge(kit.phase(view.phase))
            if view.phase == "open":
                kit.badge(kit.due(view.due))
        st.caption(
            f"{number(view.decided)} of {number(view.items)} decided ({percent(view.decided, view.items)}) · opened "
            f"{day(view.opened)} by {plain(view.opened_by)} · data of {day(view.taken)}"
        )
        st.page_link("screens/campaign.py", label=f"Open review {view.id}", icon=":material/arrow_forward:",
                     query_params={"campaign": view.id})  # fmt: skip
