"""The shipped configuration: nothing leaves the machine, and every pair of colours can be read."""

from __future__ import annotations

import tomllib

import pytest

from tests.conftest import ROOT

CONFIG = tomllib.loads((ROOT / "ui" / ".streamlit" / "config.toml").read_text())
FAMILIES = ("red", "orange", "yellow", "green", "blue", "violet", "gray")
MODES = ("light", "dark")


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", MODES)
def test_text_and_links_can_be_read_on_both_backgrounds(mode: str) -> None:
    theme = CONFIG["theme"][mode]
    for back in ("backgroundColor", "secondaryBackgroundColor"):
        for ink in ("textColor", "linkColor"):
            assert contrast(theme[ink], theme[back]) >= 4.5, (ink, back)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_badges_can_be_read(mode: str, family: str) -> None:
    theme = CONFIG["theme"][mode]
    assert contrast(theme[f"{family}TextColor"], theme[f"{family}BackgroundColor"]) >= 4.5
    assert contrast(theme[f"{family}Color"], theme["backgroundColor"]) >= 3


def test_the_label_of_a_primary_button_can_be_read_in_both_modes() -> None:
    assert contrast("#FFFFFF", CONFIG["theme"]["light"]["primaryColor"]) >= 4.5
    assert contrast("#10141F", CONFIG["theme"]["dark"]["primaryColor"]) >= 4.5


def test_the_server_keeps_to_itself() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["server"]["enableXsrfProtection"] is True
    assert CONFIG["server"]["maxUploadSize"] <= 1
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"] == {"showErrorDetails": "none", "showErrorLinks": False, "toolbarMode": "minimal"}


def test_fonts_are_shipped_with_their_licences() -> None:
    static = ROOT / "ui" / "static"
    for face in CONFIG["theme"]["fontFaces"]:
        assert (static / face["url"].removeprefix("app/static/")).is_file()
    assert "SIL OPEN FONT LICENSE" in (static / "inter-LICENSE.txt").read_text().upper()
    assert "SIL OPEN FONT LICENSE" in (static / "jetbrains-mono-LICENSE.txt").read_text().upper()
