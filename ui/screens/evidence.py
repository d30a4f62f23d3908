"""Evidence: what the auditor gets of each review, checked when asked. Owners see exactly this page."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from model.errors import GrantmapError
from reviews.evidence.controls import CONTROLS
from reviews.records import CampaignView
from ui import kit, session
from ui.words import counted, day, moment, number, plain

PER_PAGE = 10
_FORMAL = (
    ("Keep", "attest"),
    ("Remove", "revoke"),
    ("Reduce", "modify"),
    ("Keep until (date)", "exception"),
    ("Not mine: hand over", "abstain"),
    ("review, access", "campaign, item"),
    ("data of (date)", "snapshot"),
)


def _key() -> Path:
    """The key that signs packs, made on first use; it never leaves the home."""
    from reviews.evidence.keys import PRIVATE, keygen

    folder = session.home() / "keys"
    path = folder / PRIVATE
    if not path.exists():
        keygen(folder)
    return path


def _pack(id: str, sample: int | None, seed: str | None) -> bytes:
    """The pack as one file."""
    from reviews.evidence.pack import export, zipped

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / f"evidence-{id}"
        export(session.reviews(), id, folder, _key(), sample=sample, seed=seed)
        return zipped(folder)


def _card(view: CampaignView) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(view.name), anchor=False, width="stretch")
            kit.badge(kit.phase(view.phase))
        ended = (
            f"signed off {day(view.signed_off)} by {plain(view.signed_off_by)}" if view.signed_off else "not signed off"
        )
        st.caption(f"{plain(view.scope_in_words)} · opened {day(view.opened)}, due {day(view.due)} · {ended}")
        states = view.states
        with st.grid(4, min_column_width=140):
            st.metric("Items", number(view.items))
            st.metric("Kept", number(states["attest"] + states["exception"]))
            st.metric("Removed or reduced", number(states["revoke"] + states["modify"]))
            st.metric("Not decided", number(view.items - view.decided))
        done = session.reviews().completeness(view.id)
        st.markdown(
            f"Data of {moment(view.taken)}: {len(done['accounts_read'])} of "
            f"{counted(len(done['accounts_listed']), 'account')} read, {counted(len(done['gaps']), 'accepted gap')}."
        )
        _actions(view)
        with st.expander("Show the hashes that pin this review"):
            st.caption("Root over everything that was in scope, frozen when the review opened")
            st.code(view.root, language=None, wrap_lines=True)
            st.caption("Head of the log")
            st.code(view.head, language=None, wrap_lines=True)


def _actions(view: CampaignView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.text_input("Sample size (empty: none)", key=f"sample_{view.id}", max_chars=6, width=190) or ""
        seed = st.text_input("Seed of the sample", key=f"seed_{view.id}", max_chars=100, width=160) or ""
        st.button("Prepare the pack", key=f"prepare_{view.id}", icon=":material/inventory_2:",
                  on_click=_prepare, args=(view.id, size, seed))  # fmt: skip
        st.button("Check again", key=f"check_{view.id}", icon=":material/verified:", on_click=_check, args=(view.id,))
    ready = st.session_state.get("_pack")
    if ready is not None and ready[0] == view.id:
        st.download_button(
            f"Download the pack ({len(ready[1]) // 1024 + 1:,} kB)",
            ready[1],
            f"evidence-{view.id}.zip",
            "application/zip",
            key=f"download_{view.id}",
            icon=":material/download:",
            on_click="ignore",
        )
    checked = st.session_state.get(f"_checked_{view.id}")
    if checked:
        ok, text = checked
        with st.container(horizontal=True, vertical_alignment="center"):
            kit.badge(kit.VERIFIED if ok else kit.BROKEN)
            st.markdown(text, width="content")


def _prepare(id: str, size: str, seed: str) -> None:
    st.session_state.pop("_pack", None)

    def work() -> None:
        sample = _whole(size)
        st.session_state["_pack"] = (id, _pack(id, sample, seed.strip() or None))

    kit.act(work, "The pack is ready to download.")


class SampleError(GrantmapError):
    """A sample size that is no number."""


def _whole(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal():
        raise SampleError(f"the sample size `{text}` is no whole number")
    return int(text)


def _check(id: str) -> None:
    try:
        found = session.reviews().verify(id)
    except GrantmapError as error:
        st.session_state[f"_checked_{id}"] = (False, kit.sentence(error))
        return
    if found.ok:
        told = ", ".join(f"{number(count)} {plain(what)}" for what, count in found.checked.items())
        st.session_state[f"_checked_{id}"] = (True, f"Everything was computed again and holds: {told}.")
    else:
        st.session_state[f"_checked_{id}"] = (False, plain(found.failures[0]))


def main() -> None:
    """The page."""
    kit.require("auditor", "owner", "admin")
    views = session.reviews().campaigns()
    wanted = st.query_params.get("campaign", "")
    views.sort(key=lambda view: view.id != wanted)
    kit.header("Evidence")
    if not views:
        kit.empty("No review was opened yet, so there is nothing to show.")
    page = kit.page_of("evidence_page", len(views), PER_PAGE)
    for view in views[page * PER_PAGE : (page + 1) * PER_PAGE]:
        _card(view)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        st.header("What you ask for, and where it is", anchor=False)
        kit.rows(
            ("You ask for", "In the pack (sections: of summary.pdf)", "Counts towards"),
            [(plain(asked), plain(where), plain(ids)) for asked, ids, where in CONTROLS],
            "What auditors ask for, and where it is",
        )
    with right:
        st.header("Words", anchor=False)
        kit.rows(("On the screens", "In the evidence"), _FORMAL, "Words of the screens and of the evidence")


main()
