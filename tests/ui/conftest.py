"""What the tests of the app share: a home that may be written to, the app in this process, a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MAIN = ROOT / "ui" / "main.py"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def home(demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the demo's home without its reviews, and the app told to use it in local mode."""
    copy = tmp_path / "home"
    shutil.copytree(demo_home, copy, ignore=shutil.ignore_patterns("reviews.db*", "keys"))
    _local(monkeypatch, copy)
    return copy


@pytest.fixture
def bare_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it."""
    folder = tmp_path / "bare"
    folder.mkdir()
    _local(monkeypatch, folder)
    return folder


def _local(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("GRANTMAP_HOME", str(home))
    monkeypatch.setenv("GRANTMAP_UI_LOCAL", "1")
    monkeypatch.delenv("GRANTMAP_REVIEWS", raising=False)


@pytest.fixture(autouse=True)
def no_caches() -> Iterator[None]:
    """Nothing that one test's app kept is seen by the next."""
    import streamlit as st

    yield
    st.cache_resource.clear()


def app(name: str = "", page: str = "", **query: str) -> AppTest:
    """The app after its first run; ``name``: signed in as, ``page``: opened there."""
    at = AppTest.from_file(str(MAIN), default_timeout=60)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    if name:
        at.text_input(key="sign_in_name").set_value(name)
        at.button(key="sign_in_go").click().run()
    if page:
        at.switch_page(f"screens/{page}.py")
        for key, value in query.items():
            at.query_params[key] = value
        at.run()
    return at


def choose(at: AppTest, key: str, value: Any) -> AppTest:
    """Chooses in pills, which the test driver knows by their key only."""
    pills: Any = at.get_by_key(key)
    return pills.set_value(value).run()  # type: ignore[no-any-return]


def texts(at: AppTest) -> str:
    """Everything that the page says."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "success", "info")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(at, kind))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless; a test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of a command that works on a home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRANTMAP_", "STREAMLIT_"))}
    return {**kept, "GRANTMAP_HOME": str(home)}
