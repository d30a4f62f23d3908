"""Drawing ways: a layered layout computed here, and the chart's specification.

The picture never says more than the table under it; ink and background come from the theme.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

LineState = Literal["allowed", "conditional", "gains", "blocked", "unused", "unread"]

#: More than these nobody can read.
MOST_NODES = 40
MOST_IN_LAYER = 12
_SWEEPS = 5
_ROW = 104
_WIDEST = 18

#: State: line, and the sign that its label begins with.
_LINES: dict[str, tuple[dict[str, Any], str]] = {
    "allowed": ({"type": "solid", "width": 1.6, "color": "#6F7A91"}, ""),
    "conditional": ({"type": "dashed", "width": 2, "color": "#C9660F"}, "? "),
    "gains": ({"type": "solid", "width": 2.6, "color": "#D0453B"}, "! "),
    "blocked": ({"type": "dotted", "width": 1.6, "color": "#6F7A91"}, "× "),
    "unused": ({"type": "solid", "width": 1, "color": "#6F7A91"}, ""),
    "unread": ({"type": "dashed", "width": 1.6, "color": "#6F7A91"}, "~ "),
}
LEGEND = "Solid line: allowed · dashed line with ?: only if a condition holds · thick red line with !: gains rights"


@dataclass(frozen=True)
class Node:
    """A disc: ``name`` below it, ``place`` (its account) under that."""

    id: str
    name: str
    place: str
    glyph: str


@dataclass(frozen=True)
class Line:
    """From one disc to another; ``label`` is a verb."""

    source: str
    target: str
    label: str
    state: LineState = "allowed"


def shortened(text: str, widest: int = _WIDEST) -> str:
    """``abc…xyz``: cut in the middle, because names differ at their ends."""
    if len(text) <= widest:
        return text
    head = (widest - 1) // 2 + (widest - 1) % 2
    return f"{text[:head]}…{text[-(widest - 1 - head) :]}"


def layers(nodes: Sequence[str], lines: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Layer of each node: the longest way to it from a node without any line in. Circles are cut where they close."""
    out: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in lines:
        out[source].append(target)
    order: list[str] = []
    state: dict[str, int] = {}
    kept: set[tuple[str, str]] = set()
    for start in nodes:
        stack = [(start, iter(out[start]))] if start not in state else []
        if stack:
            state[start] = 1
        while stack:
            node, after = stack[-1]
            for target in after:
                if state.get(target) != 1:
                    kept.add((node, target))
                if target not in state:
                    state[target] = 1
                    stack.append((target, iter(out[target])))
                    break
            else:
                state[node] = 2
                order.append(node)
                stack.pop()
    found = dict.fromkeys(nodes, 0)
    for node in reversed(order):
        for target in out[node]:
            if (node, target) in kept:
                found[target] = max(found[target], found[node] + 1)
    return found


def slots(layer: dict[str, int], lines: Sequence[tuple[str, str]]) -> tuple[dict[str, float], dict[int, list[str]]]:
    """Height of each node, from the middle: neighbours near each other; lines that jump layers keep a slot in each."""
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for node, place in layer.items():
        columns[place].append(node)
    joined: defaultdict[str, list[str]] = defaultdict(list)
    for number, (source, target) in enumerate(lines):
        way = [source]
        first, last = sorted((layer[source], layer[target]))
        for between in range(first + 1, last):
            dummy = f"\0{number}:{between}"
            columns[between].append(dummy)
            way.append(dummy)
        for one, other in zip(way, [*way[1:], target], strict=True):
            joined[one].append(other)
            joined[other].append(one)
    height = {node: float(place) for column in columns.values() for place, node in enumerate(column)}
    for sweep in range(_SWEEPS):
        for place in sorted(columns, reverse=bool(sweep % 2)):
            column = columns[place]
            wanted = {
                node: sum(height[other] for other in joined[node]) / len(joined[node]) if joined[node] else height[node]
                for node in column
            }
            column.sort(key=lambda node: (wanted[node], node))
            for slot, node in enumerate(column):
                height[node] = slot - (len(column) - 1) / 2
    return height, dict(columns)


def folded(nodes: Sequence[Node], lines: Sequence[Line]) -> tuple[list[Node], list[Line], int]:
    """As much as can be read: what is left out of the picture is counted, and stays in the table."""
    layer = layers([node.id for node in nodes], [(line.source, line.target) for line in lines])
    used: defaultdict[int, int] = defaultdict(int)
    kept: list[Node] = []
    for node in nodes:
        if len(kept) < MOST_NODES and used[layer[node.id]] < MOST_IN_LAYER:
            used[layer[node.id]] += 1
            kept.append(node)
    ids = {node.id for node in kept}
    shown = [line for line in lines if line.source in ids and line.target in ids]
    return kept, shown, len(nodes) - len(kept)


def height_of(spec: dict[str, Any]) -> int:
    """How high the chart should be, in pixels."""
    return int(spec["baseOption"]["yAxis"]["max"] - spec["baseOption"]["yAxis"]["min"]) * _ROW


def drawing(nodes: Sequence[Node], lines: Sequence[Line]) -> dict[str, Any]:
    """The specification for ``st.echarts_chart``: data in the order of ``nodes`` and ``lines``."""
    pairs = [(line.source, line.target) for line in lines]
    layer = layers([node.id for node in nodes], pairs)
    height, columns = slots(layer, pairs)
    last = max(columns, default=0)
    top, bottom = max(height.values(), default=0), min(height.values(), default=0)
    series = {
        "type": "graph",
        "coordinateSystem": "cartesian2d",
        "symbolSize": 44,
        "edgeSymbol": ["none", "arrow"],
        "edgeSymbolSize": 9,
        "label": {"show": True, "position": "bottom", "fontSize": 12, "lineHeight": 15, "fontWeight": 600},
        "edgeLabel": {"show": True, "formatter": "{c}", "fontSize": 11},
        "lineStyle": {"opacity": 1},
        "emphasis": {"focus": "adjacency"},
        "selectedMode": "single",
        "data": [
            {
                "id": node.id,
                "name": shortened(node.name) + (f"\n{shortened(node.place, 22)}" if node.place else ""),
                "value": [layer[node.id], -height[node.id]],
                "symbol": f"image:///app/static/glyph-{node.glyph}.svg",
            }
            for node in nodes
        ],
        "links": [_link(line, number, layer, height) for number, line in enumerate(lines)],
    }
    base = {
        "animation": False,
        "tooltip": {"show": False},
        "grid": {"left": 70, "right": 70, "top": 34, "bottom": 54},
        "xAxis": {"type": "value", "show": False, "min": 0, "max": max(last, 1)},
        "yAxis": {"type": "value", "show": False, "min": -top - 0.5, "max": -bottom + 0.4},
        "series": [series],
    }
    return {
        "baseOption": base,
        "media": [
            {"query": {"maxWidth": 950}, "option": {"series": [{"label": {"fontSize": 11}, "symbolSize": 36}]}},
            {"query": {"maxWidth": 700}, "option": {"series": [{"edgeLabel": {"show": False}, "symbolSize": 34}]}},
        ],
    }


def _link(line: Line, number: int, layer: dict[str, int], height: dict[str, float]) -> dict[str, Any]:
    style, sign = _LINES[line.state]
    bend = 0.0
    first, last = layer[line.source], layer[line.target]
    between = [height[f"\0{number}:{place}"] for place in range(min(first, last) + 1, max(first, last))]
    if between and first != last:
        middle = (height[line.source] + height[line.target]) / 2
        bend = max(-0.45, min(0.45, (sum(between) / len(between) - middle) * -0.25))
    end = " (never used)" if line.state == "unused" else ""
    return {
        "source": line.source,
        "target": line.target,
        "value": f"{sign}{line.label}{end}",
        "lineStyle": {**style, "opacity": 1, "curveness": bend},
        # The label of a bent line would lie on what it bends around; the table under the picture has it.
        **({"label": {"show": False}} if bend and line.state == "allowed" else {}),
    }
