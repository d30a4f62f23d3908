"""A review from its opening to its evidence, in a real browser; nothing leaves the machine."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from model.snapshot import open_snapshot
from reviews.records import Actor, Decision, ItemView
from reviews.service import Reviews
from tests.conftest import ROOT
from tests.ui import parts
from tests.ui.test_serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PICTURE = ROOT / "docs" / "images" / "app.png"
#: Pages that are looked at in both themes: address and what has to be on them.
LOOKED_AT = {
    "home": "Home",
    "my-reviews": "My reviews",
    "overview": "Overview",
    "paths?from=person:priya.raman@meridian.example": "Access paths",
    "evidence": "Evidence",
    "sources": "Data sources",
}
REASON = "checked with the team"


@pytest.fixture
def at(chromium: Browser, home: Path) -> Iterator[tuple[str, Callable[..., Page], list[str]]]:
    """The app's address, a maker of windows in it, and the requests that went elsewhere."""
    outside: list[str] = []
    contexts: list[BrowserContext] = []
    with serving(home) as (_, port):
        base = f"http://127.0.0.1:{port}"

        def window(**options: Any) -> Page:
            context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
            contexts.append(context)
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("request", lambda request: _note(request.url, port, outside))
            page.on("websocket", lambda socket: _note(socket.url, port, outside))
            return page

        yield base, window, outside
        for context in contexts:
            context.close()


def _note(url: str, port: int, outside: list[str]) -> None:
    if not re.match(rf"(https?|wss?)://127\.0\.0\.1:{port}/|data:|blob:", url):
        outside.append(url)


def settled(page: Page) -> None:
    """Waits until the app has nothing more to do."""
    page.wait_for_timeout(250)
    page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")
    page.wait_for_timeout(250)


def go(page: Page, base: str, address: str, name: str, title: str) -> None:
    """Opens an address, signs in as ``name`` and waits for the page of that title."""
    page.goto(f"{base}/{address}")
    settled(page)
    box = page.get_by_label("Your e-mail address")
    box.fill(name)
    box.press("Tab")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name=title, level=1).wait_for()
    settled(page)


def test_a_review_is_opened_decided_signed_off_and_handed_out(
    at: tuple[str, Callable[..., Page], list[str]], home: Path, tmp_path: Path
) -> None:
    base, window, outside = at
    page = window(accept_downloads=True)
    _open(page, base)
    campaign = parts.only_campaign(home)
    first, second = _waiting(home, campaign.id, 2)
    _decide(page, base)
    _decide_the_rest(home, campaign.id)
    decided = {each.item.id: each.state for each in _items(home, campaign.id)}
    assert (decided[first.item.id], decided[second.item.id]) == ("attest", "revoke")
    pack = _sign_off_and_download(page, base, campaign.id, tmp_path)
    from reviews.evidence.checking import verify_zip

    found = verify_zip(pack.read_bytes())
    assert found["ok"], found["failures"]
    assert parts.only_campaign(home).phase == "signed-off"
    assert outside == []


def _open(page: Page, base: str) -> None:
    """Opens a review of outside access through the one page of the wizard, accepting the gap."""
    go(page, base, "start?template=external", parts.OWNER, "Start a review")
    named = page.get_by_label("E-mail addresses, divided by commas")
    named.fill(parts.REVIEWER)
    named.press("Tab")
    settled(page)
    assert page.get_by_role("button", name="Open the review").is_disabled()
    reason = page.get_by_label("Why the review may start without it")
    reason.fill("sealed on purpose")
    reason.press("Tab")
    settled(page)
    page.get_by_text("I accept this gap").click()
    settled(page)
    page.get_by_role("button", name="Open the review").click()
    page.get_by_text("Sign-off waits for").wait_for()


def _decide(page: Page, base: str) -> None:
    """Keeps the first item with the mouse, removes the next with the keyboard."""
    go(page, base, "my-reviews", parts.REVIEWER, "My reviews")
    if os.environ.get("GRANTMAP_PICTURE"):
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.get_by_role("button", name="Other").wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1_000)
        page.mouse.move(720, 20)
        page.screenshot(path=str(PICTURE))
    page.get_by_role("button", name="Keep").first.click()
    _confirm(page, "Keep access")
    page.keyboard.press("Alt+x")
    _confirm(page, "Remove access")


def _confirm(page: Page, label: str) -> None:
    """Gives a reason in the open dialog and confirms it."""
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    settled(page)
    dialog.get_by_role("textbox").first.fill(REASON)
    dialog.get_by_role("button", name=label).click()
    dialog.wait_for(state="detached")
    settled(page)
    page.get_by_text("Saved").first.wait_for()


def _waiting(home: Path, campaign: str, count: int) -> list[ItemView]:
    """The items that the reviewer is shown first."""
    with Reviews.open(home) as reviews:
        reviewer = Actor(name=parts.REVIEWER, how="command")
        return reviews.items(campaign, reviewer, reviewer=parts.REVIEWER, states=("open",), limit=count)


def _items(home: Path, campaign: str) -> list[ItemView]:
    with Reviews.open(home) as reviews:
        return reviews.items(campaign)


def _decide_the_rest(home: Path, campaign: str) -> None:
    """What is left, by the service: the same acts, without a hundred clicks."""
    with Reviews.open(home) as reviews:
        actor = Actor(name=parts.REVIEWER, how="command")
        for each in reviews.items(campaign, actor, states=("open",)):
            kept = Decision(kind="attest", reason=REASON)
            reviews.decide(campaign, each.item.id, kept, actor, version=each.version, key=f"rest-{each.item.id}")


def _sign_off_and_download(page: Page, base: str, campaign: str, folder: Path) -> Path:
    go(page, base, f"campaign?campaign={campaign}", parts.OWNER, "Access from outside")
    page.get_by_role("button", name="Sign off").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Sign off now").click()
    page.get_by_text("Signed off on").wait_for()
    go(page, base, f"evidence?campaign={campaign}", parts.OWNER, "Evidence")
    page.get_by_role("button", name="Prepare the pack").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the pack").click()
    target = folder / "pack.zip"
    waiting.value.save_as(target)
    return target


def test_what_names_hold_is_read_by_a_browser_as_text(
    at: tuple[str, Callable[..., Page], list[str]], home: Path
) -> None:
    base, window, outside = at
    evil = (
        "![x](https://evil.example/p.png) [go](https://evil.example) :red-badge[Approved] :star: :material/check: "
        "www.evil.example a@evil.example https://evil.example/x -> -- >= <b>b</b> **b** `c` $x$ &amp; # h"
    )
    parts.opened(home, [parts.item(1, sentence=evil, principal_name=evil, risk="critical")], open_snapshot(home).id)
    page = window()
    go(page, base, "my-reviews", parts.REVIEWER, "My reviews")
    main = page.locator('[data-testid="stMain"]')
    heading = main.get_by_role("heading", level=2).first
    assert heading.inner_text().replace("\u2060", "") == evil
    assert main.locator('a[href*="evil"], img[src*="evil"]').count() == 0
    assert main.locator("mark, .stMarkdownBadge", has_text=re.compile("^Approved$")).count() == 0
    assert outside == []


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_main_pages_have_no_serious_barrier(
    at: tuple[str, Callable[..., Page], list[str]], home: Path, theme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    base, window, outside = at
    items = [parts.item(number, risk=("critical", "high", "medium", "low")[number % 4]) for number in range(30)]
    parts.opened(home, items, open_snapshot(home).id)
    page = window(color_scheme=theme)
    for address, title in LOOKED_AT.items():
        go(page, base, address, parts.REVIEWER, title)
        found = Axe().run(page).response["violations"]
        serious = [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found if rule["impact"] in BARRIERS]
        assert serious == [], address
    assert outside == []


BARRIERS = ("serious", "critical")
