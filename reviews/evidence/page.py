"""How the summary looks: fonts, colours, tables, the frame of each page. Text from AWS is text here, never markup."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

INK, GREY, LINE, SHADE = "#1b2733", "#5b6875", "#c9d1d9", "#f3f5f8"
GOOD, BAD = "#1a6b3c", "#a61b1b"
MARGIN, _PADDING, _HIGHEST = 54, 8, 520  # points: around a page, beside the text of a cell, of a row
_SHORT = 150  # characters that are never higher than that


@cache
def _fonts() -> tuple[frozenset[int], frozenset[int]]:
    """Registers the fonts that reportlab brings, which are on every machine alike; their characters."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    found = []
    for name, file in (("Text", "Vera.ttf"), ("Strong", "VeraBd.ttf")):
        font = TTFont(name, file)
        pdfmetrics.registerFont(font)
        found.append(frozenset(font.face.charToGlyph))
    return found[0], found[1]


def drawable(text: str) -> str:
    """``text`` with every character that the font does not have as ``<U+4E2D>``: nothing goes missing unseen."""
    have = _fonts()[0] & _fonts()[1]
    return "".join(
        c if ord(c) in have and c.isprintable() else " " if c in "\n\t" else f"<U+{ord(c):04X}>" for c in text
    )


@cache
def _style(name: str) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    size, font, colour, before, after = {
        "title": (19, "Strong", INK, 0, 2),
        "subtitle": (10, "Text", GREY, 0, 10),
        "heading": (12, "Strong", INK, 14, 5),
        "body": (8.6, "Text", INK, 0, 4),
        "lead": (8.6, "Text", INK, 0, 4),
        "cell": (7.4, "Text", INK, 0, 0),
        "number": (7.4, "Text", INK, 0, 0),
        "head": (7.2, "Strong", GREY, 0, 0),
        "headnumber": (7.2, "Strong", GREY, 0, 0),
        "banner": (11, "Strong", "#ffffff", 0, 0),
    }[name]
    _fonts()
    return ParagraphStyle(
        name,
        fontName=font,
        fontSize=size,
        leading=size * 1.36,
        textColor=HexColor(colour),
        spaceBefore=before,
        spaceAfter=after,
        alignment=TA_RIGHT if name.endswith("number") else 0,
        keepWithNext=name in ("heading", "lead"),
        splitLongWords=1,
    )


def words(text: str, style: str = "body") -> Any:
    """A paragraph of plain text."""
    from reportlab.platypus import Paragraph

    return Paragraph(escape(drawable(text)), _style(style))


def banner(text: str, good: bool) -> Any:
    """The state of the campaign, for all to see."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table, TableStyle

    box = Table([[words(text, "banner")]], colWidths=[_width()])
    padding = [(f"{side}PADDING", (0, 0), (-1, -1), 7) for side in ("TOP", "BOTTOM", "LEFT")]
    box.setStyle(TableStyle([("BACKGROUND", (0, 0), (-1, -1), HexColor(GOOD if good else BAD)), *padding]))
    return box


def facts(rows: Sequence[tuple[str, str]]) -> Any:
    """A table of two columns: what, and which."""
    shares = (0.24, 0.76)
    cells = [[_cell(what, "head", shares[0]), _cell(value, "cell", shares[1])] for what, value in rows]
    return _table(cells, shares, headings=0)


def grid(headings: Sequence[str], rows: Sequence[Sequence[str | int]], shares: Sequence[float]) -> Any:
    """A table with headings that come again on each page; ``shares`` of the width add up to 1. Numbers stand right."""
    numeric = [bool(rows) and all(isinstance(row[place], int) for row in rows) for place in range(len(headings))]
    head = [words(text, "headnumber" if right else "head") for text, right in zip(headings, numeric, strict=True)]
    body = [
        [
            _cell(f"{cell:,}" if isinstance(cell, int) else cell, "number" if right else "cell", share)
            for cell, right, share in zip(row, numeric, shares, strict=True)
        ]
        for row in rows
    ]
    return _table([head, *body], shares, headings=1)


def _cell(text: str, style: str, share: float) -> Any:
    """A text in a column, cut where it would be higher than a page has room for: a row is never split."""
    cell, kept = words(text, style), text
    while len(kept) > _SHORT and cell.wrap(_width() * share - _PADDING, 10_000)[1] > _HIGHEST:
        kept = kept[: len(kept) * 3 // 4]
        cell = words(f"{kept} … (cut: the files have all of it)", style)
    return cell


def bar(parts: Sequence[tuple[str, int, str]]) -> Any:
    """One bar of (name, count, colour), each part as long as its share; parts that are too short have no name."""
    from reportlab.graphics.shapes import Drawing, Rect, String
    from reportlab.lib.colors import HexColor
    from reportlab.pdfbase.pdfmetrics import stringWidth

    _fonts()
    total, height, left = sum(count for _, count, _ in parts) or 1, 22, 0.0
    drawing = Drawing(_width(), height + 6)
    for name, count, colour in parts:
        length = _width() * count / total
        drawing.add(Rect(left, 4, length, height, fillColor=HexColor(colour), strokeColor=None))
        label = f"{name} {count:,}"
        if stringWidth(label, "Strong", 7.4) + 8 < length:
            drawing.add(String(left + 5, 11.5, label, fontName="Strong", fontSize=7.4, fillColor=HexColor("#ffffff")))
        left += length
    return drawing


def _table(rows: list[list[Any]], shares: Sequence[float], headings: int) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table, TableStyle

    table = Table(rows, colWidths=[_width() * share for share in shares], repeatRows=headings, spaceAfter=6)
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING - 3),
    ]
    if headings:
        style.append(("BACKGROUND", (0, 0), (-1, 0), HexColor(SHADE)))
    table.setStyle(TableStyle(style))
    return table


def _width() -> float:
    from reportlab.lib.pagesizes import A4

    return float(A4[0]) - 2 * MARGIN


def document(title: str, top: str, alarm: str, story: list[Any]) -> bytes:
    """The PDF, in memory; equal stories give equal bytes. ``top`` is on every page, ``alarm`` too, in red."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import SimpleDocTemplate

    class Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
        """Knows how many pages there are before it writes "page 1 of 3": pages wait until the last one is made."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.waiting: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802  # the name that reportlab calls
            self.waiting.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.waiting, 1):
                self.__dict__.update(page)
                self._frame(number, len(self.waiting))
                super().showPage()
            super().save()

        def _frame(self, number: int, pages: int) -> None:
            self.setFont("Text", 7)
            self.setFillColor(HexColor(GREY))
            self.drawString(MARGIN, A4[1] - 34, drawable(top)[:110])
            self.drawRightString(A4[0] - MARGIN, 30, f"page {number} of {pages}")
            self.setStrokeColor(HexColor(LINE))
            self.line(MARGIN, A4[1] - 40, A4[0] - MARGIN, A4[1] - 40)
            if alarm:
                self.setFont("Strong", 8)
                self.setFillColor(HexColor(BAD))
                self.drawRightString(A4[0] - MARGIN, A4[1] - 34, drawable(alarm))

    _fonts()
    target = io.BytesIO()
    frame = {"leftMargin": MARGIN - 6, "rightMargin": MARGIN - 6, "topMargin": MARGIN, "bottomMargin": MARGIN - 6}
    SimpleDocTemplate(
        target, pagesize=A4, title=drawable(title), author="grantmap", invariant=1, lang="en", **frame
    ).build(story, canvasmaker=Numbered)
    return target.getvalue()
