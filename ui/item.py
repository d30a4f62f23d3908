"""The open item: the sentence, how the access comes about, our suggestion, both consequences, and the exact rule."""

from __future__ import annotations

import streamlit as st

from reviews.records import Item, ItemView
from ui import kit
from ui.deciding import standing
from ui.words import SUGGESTION_WORDS, counted, day, plain

MOST_ROWS = 25
MOST_LIMITS = 2
MOST_UNSEEN = 1


def detail(view: ItemView) -> None:
    """Everything that a decision is made from."""
    item = view.item
    used = "Used" if item.last_used else "Use not recorded" if item.last_used is None else "Never used"
    where = item.account_name or "the whole organisation"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kit.badge(kit.risk(item.risk))
        kit.badge(kit.change(view.change))
        kit.badge((f"{used} {day(item.last_used)}" if item.last_used else used, "history", "gray"))
        st.caption(f"{plain(where)} · item {plain(item.id[:8])}", width="content")
    st.header(plain(item.sentence), anchor=False)
    standing(view)
    way, suggestion = st.columns(2, gap="medium")
    with way:
        st.markdown("**How this access comes about**")
        st.markdown("\n".join(f"{place}. {_small(text)}" for place, text in enumerate(_steps(item), 1)))
        if item.usage and item.usage not in item.if_kept:
            st.caption(plain(item.usage))
    with suggestion:
        _suggestion(view)
    kept, removed = st.columns(2, gap="medium")
    with kept.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown("**If you keep it**")
        st.markdown(_small(item.if_kept))
    with removed.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown("**If you remove it**")
        st.markdown(_small(item.if_removed))
    _access(view)
    with st.expander("Show the exact AWS rule"):
        st.code(item.entitlement.id, language=None, wrap_lines=True)
        for step in item.path:
            if step.id and step.id != item.entitlement.id:
                st.caption(plain(step.in_words))
                st.code(step.id, language=None, wrap_lines=True)


def _small(text: str) -> str:
    """Foreign text in the size of the list, so that all that a decision needs is in view together."""
    return f":small[{plain(text)}]"


def _steps(item: Item) -> list[str]:
    """The way in words; many limits, which only narrow it, are one step."""
    limits = [step for step in item.path if step.kind == "limit"]
    if len(limits) <= MOST_LIMITS:
        return [step.in_words for step in item.path]
    others = [step.in_words for step in item.path if step.kind != "limit"]
    return [*others, f"within {len(limits)} limits, which are below under the exact rule"]


def _suggestion(view: ItemView) -> None:
    found = view.item.recommendation
    lines = [f"**We suggest: {SUGGESTION_WORDS[found.verdict]}**", ""]
    reasons = found.reasons or view.item.signals
    lines += [f"- {_small(reason.in_words)}" for reason in reasons]
    if found.unseen:
        lines += ["", ":small[What we could not see:]", ""]
        lines += [f"- {_small(text)}" for text in found.unseen[:MOST_UNSEEN]]
        if len(found.unseen) > MOST_UNSEEN:
            lines += [f"- :small[and {len(found.unseen) - MOST_UNSEEN:,} more, below under everything it reaches]"]
    if view.conflict:
        lines += ["", f"Independence: {plain(view.conflict)}"]
    st.info("\n".join(lines))


def _access(view: ItemView) -> None:
    access = view.item.access
    count = len(access.rows) + access.more
    if not count and len(view.item.recommendation.unseen) <= MOST_UNSEEN:
        return
    with st.expander(f"Everything it reaches: {counted(count, 'entry', 'entries')}"):
        page = kit.page_of(f"access_{view.item.id}", len(access.rows), MOST_ROWS)
        kit.rows(
            ("State", "Access", "If removed"),
            [
                (
                    kit.inline(kit.verdict(row.verdict)),
                    plain(row.in_words),
                    "stays, another way"
                    if len(row.shared) == len(row.levels)
                    else "goes"
                    if not row.shared
                    else "goes in part",
                )
                for row in access.rows[page * MOST_ROWS : (page + 1) * MOST_ROWS]
            ],
            "Everything that this access reaches",
        )
        if access.more:
            st.caption(f"And {access.more:,} more, which are counted and not listed.")
        for text in view.item.recommendation.unseen[MOST_UNSEEN:]:
            st.caption(f"Not seen: {plain(text)}")
