"""The table of rules: each has a place in the code and a proof, and the page says what is there today."""

from __future__ import annotations

import ast
import importlib.util
import sys
from typing import Any

import pytest

from policy.rules import DISAGREEMENTS, GROUPS, RULES, Rule
from tests.conftest import ROOT


def _table() -> Any:
    spec = importlib.util.spec_from_file_location("semantics_table", ROOT / "docs" / "semantics_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["semantics_table"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


table = _table()
PLACES, CASES = table.places(), table.cases()
EACH = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


def test_the_page_is_made_from_registry_code_and_cases() -> None:
    page = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    assert page == table.page(), "run: python docs/semantics_table.py > docs/semantics.md"


@EACH
def test_every_rule_has_a_place_in_the_code(rule: Rule) -> None:
    assert PLACES.get(rule.number), f"no docstring or comment cites {rule.number}"


@EACH
def test_every_rule_has_a_named_case_or_a_named_test(rule: Rule) -> None:
    assert CASES.get(rule.number) or rule.tests, f"nothing proves {rule.number}"


def test_the_code_and_the_cases_cite_only_rules_that_exist() -> None:
    for file in table.sources():
        numbers = {number for number, _ in table.citations(file.read_text(encoding="utf-8"), overviews=True)}
        assert numbers <= set(RULES), (file, numbers - set(RULES))
    assert set(CASES) <= set(RULES)


@pytest.mark.parametrize("name", [name for rule in RULES.values() for name in rule.tests])
def test_a_named_test_exists(name: str) -> None:
    file, _, test = name.partition("::")
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    assert test in {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_numbers_are_complete_and_in_order() -> None:
    for letter, count in {"M": 6, "P": 4, "C": 6, "L": 18, "U": 7}.items():
        numbers = [number for number in RULES if number.startswith(letter)]
        assert numbers == [f"{letter}{n}" for n in range(1, count + 1)]
    assert {number[0] for number in RULES} == set(GROUPS)


@EACH
def test_a_rule_is_one_short_text_and_a_page_of_aws(rule: Rule) -> None:
    assert rule.says.endswith(".") and rule.says.count(". ") == 0 and len(rule.says) <= 260
    assert rule.source.startswith("https://docs.aws.amazon.com/")


def test_every_disagreement_names_its_rule_and_a_page_of_aws() -> None:
    assert all(item.rule in RULES and item.source.startswith("https://docs.aws.amazon.com/") for item in DISAGREEMENTS)


SOURCE = '''
"""A module (semantics L1, C1-C3)."""
# P4 stands above a constant.
LIMIT = {  # M5
    1: 2,
}


class Thing:
    """M1."""

    field: int
    """M2."""

    def method(self) -> str:
        """C1-C2 and L10."""
        # U7
        return "M6"
'''


def test_citations_are_read_from_docstrings_and_comments_alone() -> None:
    found = sorted(set(table.citations(SOURCE)))
    assert found == sorted(
        [
            ("L1", ""),
            ("P4", "LIMIT"),
            ("M5", "LIMIT"),
            ("M1", "Thing"),
            ("M2", "Thing"),
            ("C1", "Thing.method"),
            ("C2", "Thing.method"),
            ("L10", "Thing.method"),
            ("U7", "Thing.method"),
        ]
    )
    assert {number for number, _ in table.citations(SOURCE, overviews=True)} >= {"C3"}
