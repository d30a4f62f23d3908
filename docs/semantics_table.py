"""Makes `docs/semantics.md`: for every rule what it says, where the code implements it and what proves it.

`python docs/semantics_table.py > docs/semantics.md`. A place is found by reading the source: it is what a docstring or
a comment that cites the rule's number belongs to.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from policy.rules import DISAGREEMENTS, GROUPS, RULES, Rule  # noqa: E402  # the rooms lie beside this folder

#: Rooms that may implement a rule. The registry itself is no place.
ROOMS = ("policy", "model", "graph", "collectors", "cli", "reviews")
CASES = ROOT / "tests" / "cases" / "policy"
_REGISTRY = ROOT / "policy" / "rules.py"
_NUMBER = re.compile(r"\b([MPCLU])(\d{1,2})\b(?:-\1?(\d{1,2})\b)?")

_RANGE = re.compile(r"\b([MPCLU])\d{1,2}-\1?\d{1,2}\b")

#: What holds citations: where it begins and ends, and what it is called (empty: the module).
Span = tuple[int, int, str]


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A module, and the function, class or constant in it whose docstring or comment cites a rule (empty: none)."""

    file: str
    name: str


def cited(text: str) -> Iterator[str]:
    """The numbers in a text, ranges spelled out: `M1-M3` is M1, M2, M3."""
    for letter, first, last in _NUMBER.findall(text):
        yield from (f"{letter}{number}" for number in range(int(first), int(last or first) + 1))


def citations(source: str, *, overviews: bool = False) -> Iterator[tuple[str, str]]:
    """(number, name of the function, class or constant) of each citation in a module's text.

    A range in the docstring of a module (`L1-L18`) says what the module is about, not that every rule of it is there:
    it counts as citations only with ``overviews``.
    """
    tree = ast.parse(source)
    spans = list(_spans(tree, ""))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for text, line in _docstrings(node):
            if isinstance(node, ast.Module) and not overviews:
                text = _RANGE.sub("", text)
            yield from ((number, _innermost(spans, line)) for number in cited(text))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            place = _innermost(spans, token.start[0]) or _below(tree, token.start[0])
            yield from ((number, place) for number in cited(token.string))


def _docstrings(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, int]]:
    """Every text that stands alone in a body: the docstring, and those of fields; with the line it begins on."""
    for item in node.body:
        if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) and isinstance(item.value.value, str):
            yield item.value.value, item.lineno


def _spans(node: ast.AST, prefix: str) -> Iterator[Span]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{child.name}"
            yield child.lineno, child.end_lineno or child.lineno, name
            if isinstance(child, ast.ClassDef):  # what is inside a function belongs to it
                yield from _spans(child, f"{name}.")
        elif isinstance(child, ast.Assign | ast.AnnAssign) and not prefix:
            yield child.lineno, child.end_lineno or child.lineno, _target(child)


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else ""


def _innermost(spans: list[Span], line: int) -> str:
    return min(((end - start, name) for start, end, name in spans if start <= line <= end), default=(0, ""))[1]


def _below(tree: ast.Module, line: int) -> str:
    """What a comment between definitions stands above."""
    for node in tree.body:
        if node.lineno > line:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                return _target(node)
            return node.name if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""
    return ""


def sources() -> Iterator[Path]:
    """The modules that may implement a rule."""
    for room in ROOMS:
        yield from (file for file in sorted((ROOT / room).rglob("*.py")) if file != _REGISTRY)


def places() -> dict[str, list[Place]]:
    """Where each number is cited; a module as a whole only where nothing in it is."""
    found: defaultdict[str, set[Place]] = defaultdict(set)
    for file in sources():
        for number, name in citations(file.read_text(encoding="utf-8")):
            found[number].add(Place(str(file.relative_to(ROOT)), name))
    return {number: _precise(at) for number, at in found.items()}


def _precise(at: set[Place]) -> list[Place]:
    named = {place.file for place in at if place.name}
    return sorted(place for place in at if place.name or place.file not in named)


def cases() -> dict[str, list[tuple[str, str]]]:
    """(file, name) of the named cases of each rule."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for file in sorted(CASES.glob("*.json")):
        for case in json.loads(file.read_text(encoding="utf-8")):
            found[case["rule"]].append((file.name, case["name"]))
    return dict(found)


def page() -> str:
    """The page, markdown."""
    where, proofs = places(), cases()
    lines = [
        "# The rules",
        "",
        "How AWS decides, rule by rule, in our own words: where the code implements each, and which named cases prove",
        "it. Docstrings and comments cite the numbers, so a search for `L5` finds everything about it. Made by",
        "`python docs/semantics_table.py > docs/semantics.md`; how the rules fit together is told in",
        "[how it decides](how-it-decides.md).",
        "",
        "A named case is one request with its policies and the verdict that the cited page of AWS demands. Besides",
        "these, documented and live-measured cases, thousands on which two independent engines agree, and random",
        "worlds decided by a [second evaluator](../tests/oracle/evaluate.py) that shares no code with this one check",
        "all rules together.",
        "",
        "| rule | about | implemented in | proved by |",
        "|---|---|---|---|",
        *(_row(rule, where.get(rule.number, []), proofs.get(rule.number, [])) for rule in RULES.values()),
        "",
    ]
    for letter, title in GROUPS.items():
        lines += [f"## {title}", ""]
        for rule in RULES.values():
            if rule.number[0] == letter:
                lines += _section(rule, where.get(rule.number, []), proofs.get(rule.number, []))
    return "\n".join([*lines, *_disagreements()]).rstrip() + "\n"


def _row(rule: Rule, at: list[Place], proofs: list[tuple[str, str]]) -> str:
    modules = ", ".join(f"`{file}`" for file in dict.fromkeys(place.file for place in at))
    count = f"{len(proofs)} case{'s' if len(proofs) != 1 else ''}" if proofs else ""
    tests = f"{len(rule.tests)} test{'s' if len(rule.tests) != 1 else ''}" if rule.tests else ""
    anchor = re.sub(r"[^\w -]", "", f"{rule.number} {rule.title}").lower().replace(" ", "-")
    return f"| [{rule.number}](#{anchor}) | {rule.title} | {modules} | {', '.join(filter(None, (count, tests)))} |"


def _section(rule: Rule, at: list[Place], proofs: list[tuple[str, str]]) -> list[str]:
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for place in at:
        by_file[place.file] += [f"`{place.name}`"] if place.name else []
    named: defaultdict[str, list[str]] = defaultdict(list)
    for file, name in proofs:
        named[file].append(name)
    lines = [f"### {rule.number} {rule.title}", "", f"{rule.says} [AWS]({rule.source})", ""]
    lines += [
        f"- in [`{file}`](../{file}){': ' if names else ''}{', '.join(names)}"
        for file, names in sorted(by_file.items())
    ]
    lines += [
        f"- proved in [`{file}`](../tests/cases/policy/{file}): {'; '.join(names)}" for file, names in named.items()
    ]
    lines += [f"- proved by `{test.partition('::')[2]}` in [`{_file(test)}`](../{_file(test)})" for test in rule.tests]
    return [*lines, ""]


def _file(test: str) -> str:
    return test.partition("::")[0]


def _disagreements() -> list[str]:
    """What other engines answer otherwise, with the rule that decides it."""
    lines = [
        "## Where other engines answer otherwise",
        "",
        "Of 4,570 generated requests that other engines decided too, these get another answer here. The rule decides."
        if DISAGREEMENTS
        else "Of 4,570 generated requests that other engines decided too, none gets another answer here.",
        "",
        *(("| cases | rule | why |", "|---|---|---|") if DISAGREEMENTS else ()),
    ]
    lines += [f"| {', '.join(item.cases)} | {item.rule} | {item.why} [AWS]({item.source}) |" for item in DISAGREEMENTS]
    lines += [
        "",
        "Some engines fill in variables in fewer places (M3). Where only a Deny that they skip makes a denial",
        "explicit, the answer to a decision case uses their word for it; nothing is allowed or denied by that:",
        "[`policy/readings.py`](../policy/readings.py).",
    ]
    return lines


if __name__ == "__main__":
    sys.stdout.write(page())
