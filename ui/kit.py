"""The parts that all pages are made of: header, badges, the primary button, states, one safe way to act."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from model.errors import GrantmapError
from ui import session
from ui.naming import ScreenNames
from ui.words import (
    CHANGE_WORDS,
    DECISION_WORDS,
    PHASE_WORDS,
    RISK_WORDS,
    ROLE_WORDS,
    VERDICT_WORDS,
    counted,
    days_left,
    left_in_words,
    moment,
    plain,
    printable,
)

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]
#: Word, icon, colour.
Badge = tuple[str, str, Colour]

_LOG = logging.getLogger("grantmap.ui")
_SAID = "_said"

_RISKS: Mapping[str, tuple[str, Colour]] = {
    "critical": ("error", "red"),
    "high": ("priority_high", "orange"),
    "medium": ("remove", "yellow"),
    "low": ("", "gray"),
}
_CHANGES: Mapping[str, tuple[str, Colour]] = {
    "new": ("fiber_new", "blue"),
    "wider": ("trending_up", "violet"),
    "narrower": ("trending_down", "gray"),
    "unchanged": ("", "gray"),
}
_VERDICTS: Mapping[str, tuple[str, Colour]] = {
    "Allowed": ("check_circle", "blue"),
    "Conditional": ("help", "orange"),
    "ImplicitlyDenied": ("block", "gray"),
    "ExplicitlyDenied": ("gpp_bad", "gray"),
}
_DECISIONS: Mapping[str, tuple[str, Colour]] = {
    "open": ("pending", "gray"),
    "attest": ("check", "green"),
    "revoke": ("remove_circle", "violet"),
    "modify": ("tune", "violet"),
    "exception": ("event", "blue"),
    "abstain": ("swap_horiz", "gray"),
}
_PHASES: Mapping[str, tuple[str, Colour]] = {
    "open": ("pending", "blue"),
    "signed-off": ("verified", "green"),
    "closed": ("lock", "gray"),
}

INCOMPLETE: Badge = ("Incomplete", "visibility_off", "yellow")
OLD_DATA: Badge = ("Old data", "hourglass_top", "orange")
VERIFIED: Badge = ("Holds", "verified", "green")
BROKEN: Badge = ("Does not verify", "error", "red")


# -- badges, one function a family


def risk(level: str) -> Badge:
    icon, colour = _RISKS.get(level, ("help", "gray"))
    return RISK_WORDS.get(level, level), icon, colour


def change(kind: str) -> Badge:
    icon, colour = _CHANGES.get(kind, ("help", "gray"))
    return CHANGE_WORDS.get(kind, kind), icon, colour


def verdict(name: str) -> Badge:
    icon, colour = _VERDICTS.get(name, ("visibility_off", "yellow"))
    return VERDICT_WORDS.get(name, "Unknown"), icon, colour


def decision(state: str, until: str = "") -> Badge:
    icon, colour = _DECISIONS.get(state, ("help", "gray"))
    word = DECISION_WORDS.get(state, state)
    return (f"{word} {until}" if until else word), icon, colour


def phase(name: str) -> Badge:
    icon, colour = _PHASES.get(name, ("help", "gray"))
    return PHASE_WORDS.get(name, name), icon, colour


def due(date: str) -> Badge:
    days = days_left(date)
    if days > 3:
        return left_in_words(days), "schedule", "blue"
    return left_in_words(days), "hourglass_top", "orange" if days >= 0 else "red"


def show(*badges: Badge) -> None:
    """Badges side by side."""
    with st.container(horizontal=True, gap="small"):
        for word, icon, colour in badges:
            st.badge(plain(word), icon=f":material/{icon}:" if icon else None, color=colour)


def inline(badge: Badge) -> str:
    """A badge inside a label or a table cell."""
    word, icon, colour = badge
    return f":{colour}-badge[{f':material/{icon}: ' if icon else ''}{plain(word)}]"


# -- header


def header(title: str, snapshot_id: str = "", *, foreign: bool = False) -> None:
    """Title left; right, which data the figures of the page are from, and whether something is missing in them."""
    text = plain(title) if foreign else title
    if not snapshot_id:
        st.title(text, anchor=False)
        return
    left, right = st.columns([4, 5], vertical_alignment="bottom")
    left.title(text, anchor=False)
    with right:
        data_line(snapshot_id)


def data_line(id: str) -> None:
    """``AWS read on 21 Nov 2026, 06:00 UTC · 12 accounts`` and, where there are gaps, the badge that links to them."""
    try:
        manifest = session.snapshot(id).manifest
    except GrantmapError:  # a review is frozen: it can be worked on without the data it came from
        with st.container(horizontal=True, horizontal_alignment="right"):
            st.caption("The data that this is from is not on this machine any more", width="content")
        return
    read = sum(1 for account in manifest.accounts if account.collected)
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
        st.caption(f"AWS read on {moment(manifest.started)} · {counted(read, 'account')}", width="content")
        if -days_left(manifest.started) > 7:
            badge(OLD_DATA)
        if manifest.gaps or read < len(manifest.accounts):
            badge(INCOMPLETE)
            st.page_link("screens/sources.py", label="What is missing", query_params={"snapshot": id}, width="content")


def badge(one: Badge) -> None:
    """One badge, as wide as its word."""
    word, icon, colour = one
    st.badge(plain(word), icon=f":material/{icon}:" if icon else None, color=colour)


# -- buttons and links


def _on_primary(label: str) -> str:
    """White on the dark theme's primary colour is too faint: the label is written dark there."""
    dark = getattr(st.context.theme, "type", None) == "dark"
    return f':color[{label}]{{foreground="#10141F"}}' if dark else label


def primary(label: str, key: str, **options: Any) -> bool:
    """The page's one primary button."""
    return st.button(_on_primary(label), key=key, type="primary", **options)


def primary_submit(label: str, key: str, **options: Any) -> bool:
    """The primary button of a form or dialog."""
    return st.form_submit_button(_on_primary(label), key=key, type="primary", **options)


# -- dialogs: which one is open is kept, so that it stays open while its own fields are used

_DIALOG = "_dialog"


def open_dialog(name: str, about: object = None) -> None:
    """What a click on a button does that opens a dialog; ``about`` is plain data for it."""
    st.session_state[_DIALOG] = (name, about)


def close_dialog() -> None:
    """No dialog is open any more."""
    st.session_state.pop(_DIALOG, None)


def dialog_open() -> bool:
    """Whether one is: shortcuts of the page must not work behind it."""
    return _DIALOG in st.session_state


def dialog_about(name: str) -> Any:
    """What the dialog ``name`` is about while it is open, else ``None``."""
    found = st.session_state.get(_DIALOG)
    return found[1] if found is not None and found[0] == name else None


# -- acting


def act(work: Callable[[], object], done: str = "") -> bool:
    """Does ``work``; what it said, or why it did not, is shown at the top of the page. True when it was done."""
    try:
        work()
    except GrantmapError as error:
        say(sentence(error), bad=True)
        return False
    if done:
        say(done)
    return True


def say(text: str, *, bad: bool = False) -> None:
    """Something to tell on the next run of the page: markdown, foreign parts already ``plain``."""
    st.session_state[_SAID] = (text, bad)


def unsay() -> None:
    """Takes back what was to be told: it was told elsewhere."""
    st.session_state.pop(_SAID, None)


def said() -> None:
    """Shows, once, what an act said."""
    found = st.session_state.pop(_SAID, None)
    if found is not None:
        text, bad = found
        if bad:
            st.error(text, icon=":material/error:")
        else:
            st.success(text, icon=":material/check:")


def sentence(error: BaseException) -> str:
    """A one-line message of the other rooms as a sentence for the screen."""
    text = str(error).strip().replace("`", "")
    ending = "" if text.endswith((".", "?")) else "."
    return f"{plain(text[:1].upper() + text[1:])}{ending}"


def key() -> str:
    """A new idempotency key."""
    return str(uuid.uuid4())


# -- states


def empty(text: str) -> None:
    """Nothing to show: one sentence why. What to do next follows it."""
    with st.container(border=True):
        st.markdown(text)


def failed(error: Exception) -> None:
    """A page that could not be shown: what happened, that nothing was changed, what to do."""
    if isinstance(error, GrantmapError):
        st.title("This page cannot be shown", anchor=False)
        st.error(sentence(error), icon=":material/error:")
        st.caption("Nothing was changed.")
        return
    incident = uuid.uuid4().hex[:8]
    _LOG.error("incident %s", incident, exc_info=error)
    st.title("Something went wrong", anchor=False)
    st.error(
        f"This page met an error of ours. What you decided before is saved. Try again; if it comes back, tell your "
        f"administrator the incident number {incident}, which is in the log of the app.",
        icon=":material/error:",
    )


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """A small table of names and values; values are markdown, foreign parts already ``plain``."""
    st.table({"": [name for name, _ in rows], "Value": [value for _, value in rows]}, border="horizontal")


def rows(headings: Sequence[str], cells: Sequence[Sequence[str]], alt: str) -> None:
    """A table of at most 50 rows as real HTML; cells are markdown, foreign parts already ``plain``."""
    import pandas as pd

    frame = pd.DataFrame([list(row) for row in cells], columns=list(headings))
    st.table(frame, border="horizontal", hide_index=True, alt=alt)


def names(id: str) -> ScreenNames:
    """Short names of one snapshot."""
    return ScreenNames(session.questions(id).world.inventory)


def page_of(name: str, count: int, size: int) -> int:
    """The page of a long list that is looked at, from 0, with the control to change it where there are several."""
    pages = max(1, -(-count // size))
    if st.session_state.get(name, 1) > pages:
        st.session_state[name] = pages
    return (st.pagination(pages, key=name) if pages > 1 else 1) - 1


class NotYourPageError(GrantmapError):
    """A page for a role that this person does not have."""


def require(*roles: str) -> None:
    """Refuses the page to who has none of these roles; the reviews check every act again."""
    if not session.roles() & set(roles):
        told = " or ".join(ROLE_WORDS[role].lower() for role in roles)
        raise NotYourPageError(f"it is for the role {told}; an administrator can give it to you")


def chooser(label: str, labels: Mapping[str, str], key: str, default: str = "") -> str:
    """The key of a chosen thing, empty for none; a long list is searched here rather than sent to the browser."""
    from ui.answers import LISTED, matching

    options = list(labels)
    if len(options) > LISTED:
        text = st.text_input(f"{label}: search", key=f"{key}_search", type="search", live=True, max_chars=200) or ""
        options = matching(dict(labels), text)
    if default and default in labels and default not in options:
        options.insert(0, default)
    chosen = st.selectbox(
        label,
        options,
        index=options.index(default) if default in options else None,
        format_func=lambda each: printable(labels[each]),
        key=key,
        placeholder="Type to search",
    )
    return chosen or ""
