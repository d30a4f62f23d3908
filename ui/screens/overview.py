"""Overview: what is missing, four figures, who can do everything, what to fix first, and where to look further."""

from __future__ import annotations

from collections import Counter
from typing import Any

import streamlit as st

from ui import kit, session
from ui.answers import findings, resources
from ui.words import counted, day, number, plain

_SHOWN = 5


def _figures(id: str) -> dict[str, int]:
    """The four figures of one snapshot."""
    asked = session.questions(id)
    admins = {str(row[3]) for row in session.answer(id, "admins").rows}
    outside = {str(row[2]) for row in session.answer(id, "outside-grants").rows}
    outside |= {str(row[1]) for row in session.answer(id, "outside-trusts").rows}
    return {
        "People": len(asked.world.inventory.people),
        "Can do everything": len(admins),
        "Open to outsiders": len(outside),
        "Open to anyone": len({str(row[2]) for row in session.answer(id, "public-resources").rows}),
    }


_MEANING = {
    "People": "People who sign in through Identity Center.",
    "Can do everything": "Users, roles and people who can do everything in an account, some only under a condition.",
    "Open to outsiders": "Roles and resources that an account outside the organisation can use.",
    "Open to anyone": "Resources that anyone on the internet can use, or may under a condition.",
}


def _four(id: str) -> None:
    now = _figures(id)
    others = session.built()[1:]
    before = _figures(others[0]) if others else None
    since = f"since {day(session.snapshot(others[0]).manifest.started)}" if others else ""
    with st.grid(4, min_column_width=200):
        for name, count in now.items():
            st.metric(
                name,
                number(count),
                delta=count - before[name] if before else None,
                delta_color="off",
                delta_description=since or None,
                help=_MEANING[name],
                border=True,
            )


def _bars(id: str) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Administrators by account, certain and conditional: the chart and the same as rows."""
    rows = session.answer(id, "admins").rows
    certain = Counter(str(row[1] or row[0]) for row in rows if not row[4])
    maybe = Counter(str(row[1] or row[0]) for row in rows if row[4])
    accounts = sorted(certain | maybe, key=lambda name: (-(certain[name] + maybe[name]), name))[:12]
    spec = {
        "animation": False,
        "aria": {"enabled": True, "decal": {"show": True}},
        "grid": {"left": 8, "right": 16, "top": 34, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0},
        "xAxis": {"type": "value", "minInterval": 1},
        "yAxis": {"type": "category", "data": accounts, "inverse": True},
        "series": [
            {"type": "bar", "stack": "all", "name": "Always", "data": [certain[name] for name in accounts]},
            {"type": "bar", "stack": "all", "name": "Only if …", "data": [maybe[name] for name in accounts]},
        ],
    }
    return spec, [(plain(name), number(certain[name]), number(maybe[name])) for name in accounts]


def _admins(id: str) -> None:
    st.header("Who can do everything, by account", anchor=False)
    spec, cells = _bars(id)
    if not cells:
        kit.empty("Nobody can do everything in any account, as far as was read.")
        return
    st.echarts_chart(
        spec,
        height=60 + 34 * len(cells),
        key="overview_admins",
        alt="Number of users and roles that can do everything in each account; the same in the table below",
    )
    with st.expander("The same as a table"):
        kit.rows(("Account", "Always", "Only if …"), cells, "Who can do everything, by account")


def _fix(id: str) -> None:
    st.header("Fix these first", anchor=False)
    found = findings(id)
    may_open = bool(session.roles() & {"engineer", "admin"})  # the page of the list is theirs
    if not found:
        kit.empty("Nothing was found in this data.")
    for query, result in found[:_SHOWN]:
        with st.container(border=True):
            kit.show(kit.risk(query.severity))
            st.markdown(f"{plain(query.title)}: **{len(result.rows):,}**")
            if may_open:
                st.page_link("screens/findings.py", label="Open this list", icon=":material/arrow_forward:",
                             query_params={"finding": query.id})  # fmt: skip
    if len(found) > _SHOWN and may_open:
        st.page_link("screens/findings.py", label=f"All {counted(len(found), 'kind')} of findings")


def _look_up(id: str) -> None:
    st.header("Who can reach …", anchor=False)
    asked, names = session.questions(id), kit.names(id)
    arn = kit.chooser("What", resources(asked, names), key="overview_resource")
    if arn and kit.primary("Show who can reach it", key="overview_reach"):
        st.switch_page("screens/resource.py", query_params={"arn": arn})


kit.require("engineer", "owner", "admin")
id = session.current()
kit.header("Overview", id)
gaps = session.snapshot(id).gaps
if gaps:
    st.caption(f"{counted(len(gaps), 'question')} to AWS had no answer; what was not read could add to these figures.")
_four(id)
wide, narrow = st.columns([7, 5], gap="medium")
with wide:
    _admins(id)
    _look_up(id)
with narrow:
    _fix(id)
