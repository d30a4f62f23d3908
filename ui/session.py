"""Who is signed in, and what the pages ask: the home's data, its answers and its reviews.

Nothing here decides who may do what: the reviews check every call themselves. Streamlit's session holds plain data
only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from model.errors import GrantmapError
from model.snapshot import Snapshot, SnapshotListing, list_snapshots, open_snapshot

if TYPE_CHECKING:
    from graph.questions import Questions
    from graph.store import Result
    from reviews.independence import Independence
    from reviews.records import Actor, Population
    from reviews.service import Reviews

LOCAL = "GRANTMAP_UI_LOCAL"
#: A sign-off needs a sign-in that is no older.
FRESH = timedelta(minutes=15)
_NAME = "_signed_in_name"
_WHEN = "_signed_in_at"


class NoDataError(GrantmapError):
    """Nothing was collected and built yet."""


def home() -> Path:
    """The folder of state; ``grantmap ui`` passes it on."""
    return Path(os.environ.get("GRANTMAP_HOME") or ".grantmap")


def reviews_url() -> str | None:
    """Address of the reviews' database, where it is not a file of the home."""
    return os.environ.get("GRANTMAP_REVIEWS") or None


def now() -> str:
    """This moment, as the records write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- signing in


def local() -> bool:
    """Whether the app runs for one person on this machine, without a sign-in of the company."""
    return os.environ.get(LOCAL) == "1"


def signed_in() -> bool:
    """Whether somebody acts."""
    return bool(st.session_state.get(_NAME)) if local() else bool(_user().get("is_logged_in"))


def sign_in_as(name: str) -> None:
    """Local mode: act as ``name`` from now on."""
    st.session_state[_NAME] = name.strip().casefold()
    st.session_state[_WHEN] = now()
    _remembered()["name"] = st.session_state[_NAME]


@st.cache_resource(show_spinner=False)
def _remembered() -> dict[str, str]:
    return {}


def last_name() -> str:
    """Local mode: who acted last, to be offered in a new window; empty for nobody."""
    return _remembered().get("name", "")


def sign_out() -> None:
    """End of the sign-in; what was typed into the session goes with it."""
    st.session_state.clear()
    if not local():
        st.logout()


def actor() -> Actor:
    """Who acts, how and since when they are signed in."""
    from reviews.records import Actor

    if local():
        return Actor(name=st.session_state[_NAME], how="local", signed_in=st.session_state[_WHEN])
    user = _user()
    name = str(user.get("email") or user.get("preferred_username") or user.get("sub") or "")
    since = user.get("auth_time") or user.get("iat")
    when = datetime.fromtimestamp(int(since), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else "1970-01-01T00:00:00Z"
    return Actor(name=name.casefold(), how="oidc", signed_in=when)


def is_fresh() -> bool:
    """Whether the sign-in is recent enough to sign off with."""
    when = datetime.strptime(actor().signed_in, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return datetime.now(UTC) - when <= FRESH


def _user() -> Mapping[str, Any]:
    return st.user.to_dict() if hasattr(st.user, "to_dict") else dict(st.user)


def roles() -> frozenset[str]:
    """The roles of who acts."""
    return reviews().roles_of(actor())


# -- what the pages ask


@st.cache_resource(show_spinner=False, max_entries=4)
def _reviews(where: str, url: str | None) -> Reviews:
    from reviews.service import Reviews

    return Reviews.open(Path(where), url)


def reviews() -> Reviews:
    """The reviews of the home."""
    return _reviews(str(home()), reviews_url())


def snapshots() -> list[SnapshotListing]:
    """Everything collected, newest first."""
    return list_snapshots(home())


def built() -> list[str]:
    """Snapshots that can be asked, newest first. Raises ``NoDataError`` saying what to do when there are none."""
    from graph.generations import built as whole

    complete = {item.id for item in snapshots() if item.complete}
    found = sorted(complete & set(whole(home())), reverse=True)
    if found:
        return found
    if complete:
        raise NoDataError("data was collected but not worked out yet: run `grantmap build`")
    raise NoDataError("no data yet: run `grantmap collect`, then `grantmap build`; or `grantmap demo` to try it out")


def current() -> str:
    """The snapshot that the pages show: the newest one that is built."""
    return built()[0]


def snapshot(id: str) -> Snapshot:
    """One snapshot's manifest; raises ``SnapshotError`` when it went away."""
    return open_snapshot(home(), id)


@st.cache_resource(show_spinner=False, max_entries=3)
def _questions(where: str, id: str, _stamp: int) -> Questions:
    from graph.generations import folder_of
    from graph.questions import Questions
    from graph.tables import Tables

    return Questions(Tables(folder_of(Path(where), id)))


def questions(id: str) -> Questions:
    """The answers of one snapshot; shared by all who look at it, made anew after a new build of it."""
    from graph.generations import GRAPH_FILE, folder_of

    graph = folder_of(home(), id) / GRAPH_FILE
    if not graph.is_file():
        raise NoDataError(f"the data of `{id}` is not here any more: choose newer data, or run `grantmap build {id}`")
    return _questions(str(home()), id, graph.stat().st_mtime_ns)


@st.cache_resource(show_spinner=False, max_entries=3)
def _independence(_asked: Questions, where: str, id: str) -> Independence:
    from reviews.independence import Independence

    assert where and id  # what the cache tells answers apart by
    return Independence(_asked)


def independence(id: str) -> Independence:
    """Who may decide on what, by the graph of one snapshot."""
    return _independence(questions(id), str(home()), id)


@st.cache_resource(show_spinner=False, max_entries=4)
def _population(where: str, id: str, scope: tuple[tuple[str, tuple[str, ...]], ...]) -> Population:
    from reviews.population import population

    return population(questions(id), open_snapshot(Path(where), id), dict(scope))


def population(id: str, scope: Mapping[str, tuple[str, ...]]) -> Population:
    """Everything that a review of this scope would ask about."""
    return _population(str(home()), id, tuple(sorted(scope.items())))


@st.cache_resource(show_spinner=False, max_entries=64)
def _answer(where: str, id: str, _stamp: int, query: str, values: tuple[tuple[str, str], ...]) -> Result:
    from cypher.library import run_query
    from graph.generations import GRAPH_FILE, folder_of
    from graph.store import open_store

    store = open_store(folder_of(Path(where), id) / GRAPH_FILE)
    try:
        return run_query(store, query, dict(values))
    finally:
        store.close()


def answer(id: str, query: str, values: Mapping[str, str] | None = None) -> Result:
    """The answer of the query library, by texts as typed; asked once for all who look."""
    from graph.generations import GRAPH_FILE, folder_of

    path = folder_of(home(), id) / GRAPH_FILE
    if not path.is_file():
        raise NoDataError(f"the data of `{id}` is not here any more: choose newer data, or run `grantmap build {id}`")
    return _answer(str(home()), id, path.stat().st_mtime_ns, query, tuple(sorted((values or {}).items())))
