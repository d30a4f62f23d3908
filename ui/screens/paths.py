"""Access paths: from whom, to what; the answer in a sentence, as a picture, as a table, and its proof."""

from __future__ import annotations

import streamlit as st

from model.errors import GrantmapError
from ui import kit, session
from ui.answers import principals, resources
from ui.naming import ScreenNames
from ui.picture import LEGEND, drawing, folded, height_of
from ui.ways import ANY_ADMIN, Way, answer_in_words, drawn, name_of, steps_in_words, ways
from ui.words import LAYER_WORDS, conditions_in_words, counted, day, plain


def _ends(id: str) -> tuple[str, str]:
    asked, names = session.questions(id), kit.names(id)
    people, things = principals(asked, names), resources(asked, names)
    left, middle, right = st.columns([8, 2, 8], vertical_alignment="bottom")
    with left:
        start = kit.chooser("From", people, "paths_from", st.query_params.get("from", ""))
    with right:
        ends = {ANY_ADMIN: "any administrator (can do everything in an account)", **things, **people}
        end = kit.chooser("To", ends, "paths_to", st.query_params.get("to", ANY_ADMIN))
    with middle:
        st.button(
            "Swap",
            key="paths_swap",
            icon=":material/swap_horiz:",
            width="stretch",
            disabled=end not in people or not start,
            on_click=_swap,
            args=(start, end),
            help="From and To change places; only between people, users and roles",
        )
    return start, end


def _swap(start: str, end: str) -> None:
    st.session_state["paths_from"], st.session_state["paths_to"] = end, start


def _picture(id: str, found: list[Way], shown: list[Way]) -> None:
    asked, names = session.questions(id), kit.names(id)
    nodes, lines, left_out = folded(*drawn(asked, shown, names))
    spec = drawing(nodes, lines)
    first, last = plain_ends(found[0], names)
    st.echarts_chart(
        spec,
        height=max(190, height_of(spec) + 60),
        key="paths_picture",
        alt=f"{counted(len(found), 'way')} from {first} to {last}; the same in the table below",
    )
    more = f" {left_out} more are in the table only." if left_out else ""
    st.caption(f"{LEGEND}.{more}")


def plain_ends(way: Way, names: ScreenNames) -> tuple[str, str]:
    """Names of the two ends."""
    return name_of(way.nodes[0], names), name_of(way.nodes[-1], names)


def _table(found: list[Way], names: ScreenNames) -> None:
    kit.rows(
        ("Way", "Steps", "State", "Through"),
        [
            (
                f"{place}",
                f"{len(way.steps)}",
                kit.inline(kit.verdict("Conditional" if way.conditional else "Allowed")),
                plain(steps_in_words(way, names)),
            )
            for place, way in enumerate(found, 1)
        ],
        "Every way, with its steps",
    )


def _proof(way: Way, names: ScreenNames) -> None:
    need = conditions_in_words(way.conditional)
    if need:
        st.markdown(f"This way works {plain(need)}.")
    for place, step in enumerate(way.steps, 1):
        st.markdown(
            f"**{place}.** {plain(name_of(step.source, names))} *{plain(step.verb)}* "
            f"{plain(name_of(step.target, names))}"
        )
        cells = [
            (
                plain(LAYER_WORDS.get(reason["layer"], reason["layer"])),
                plain(_document(reason, names)),
                plain(reason["sid"] or ("–" if reason["statement"] is None else f"rule {reason['statement'] + 1}")),
                "allows" if reason["effect"] == "Allow" else "forbids",
            )
            for reason in step.because
        ]
        if cells:
            kit.rows(("What decides", "Where", "Rule", "Effect"), cells, f"What decides step {place}")
    with st.expander("Show the exact AWS names"):
        for key in way.nodes:
            st.code(key, language=None, wrap_lines=True)


def _document(reason: dict[str, object], names: ScreenNames) -> str:
    policy = str(reason["policy"])
    return names.assignment(policy) if reason["layer"] == "assignment" else names.document(policy)


def _nothing(id: str) -> None:
    taken = session.snapshot(id).manifest.started
    gaps = session.questions(id).deciding_gaps
    unread = (
        f" {counted(len(gaps), 'question')} to AWS had no answer, so a way may exist that nobody sees." if gaps else ""
    )
    kit.empty(f"No way found in the data of {day(taken)}.{unread}")


kit.require("engineer", "admin")
id = session.current()
kit.header("Access paths", id)
start, end = _ends(id)
if not start or not end:
    kit.empty("Choose where to start and where to end; then every way between the two is shown.")
else:
    st.query_params.from_dict({"from": start, "to": end})
    names = kit.names(id)
    try:
        with st.spinner("Looking for ways"):
            every = ways(session.questions(id), start, end)
    except GrantmapError as error:
        st.error(kit.sentence(error), icon=":material/error:")
        st.stop()
    certain_only = not st.toggle("Also show ways that need a condition", value=True, key="paths_conditional")
    found = [way for way in every if not (certain_only and way.conditional)]
    if not found:
        _nothing(id)
    else:
        st.subheader(plain(answer_in_words(found)), anchor=False)
        chosen = st.pills(
            "Show",
            [0, *range(1, len(found) + 1)],
            format_func=lambda place: "All ways" if place == 0 else f"Way {place}",
            default=0,
            required=True,
            key=f"paths_way_{start}_{end}_{certain_only}",
        )
        _picture(id, found, found if not chosen else [found[chosen - 1]])
        st.header("The same as a table", anchor=False)
        _table(found, names)
        place = max(chosen or 0, 1)
        st.header(f"Proof of way {place}", anchor=False)
        _proof(found[place - 1], names)
