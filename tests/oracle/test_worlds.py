"""The product against the naive evaluator, on random cases that their seeds bring back.

python -m tests.oracle.worlds FIRST COUNT
"""

import copy
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.oracle.cases import world
from tests.oracle.evaluate import ALLOWED, EXPLICIT, IMPLICIT, Case, evaluate
from tests.oracle.partial import check_all
from tests.oracle.worlds import Compared, compare, compare_all

WORLDS, CHUNK = 20_000, 1_000
PARTIAL, PARTIAL_CHUNK = 2_000, 250
MANY = 1_000_000


def assert_agreed(compared: Compared) -> None:
    found = compared.disagreements
    assert not found, "\n\n".join([f"{len(found)} disagreements", *map(str, found[:5])])


@pytest.mark.parametrize("first", range(0, WORLDS, CHUNK))
def test_policy_and_the_naive_evaluator_agree_on_random_cases(first: int) -> None:
    compared = compare(range(first, first + CHUNK))
    assert_agreed(compared)
    share = {verdict: count / CHUNK for verdict, count in compared.verdicts.items()}
    assert 0.25 < share[ALLOWED] < 0.45, share
    assert min(share[IMPLICIT], share[EXPLICIT]) > 0.15, share


@pytest.mark.long
def test_policy_and_the_naive_evaluator_agree_on_a_million_random_cases() -> None:
    compared = compare_all(WORLDS, MANY)
    assert_agreed(compared)
    assert compared.verdicts.total() == MANY


@pytest.mark.parametrize("first", range(0, PARTIAL, PARTIAL_CHUNK))
def test_what_is_said_of_a_case_that_is_not_fully_known_holds_under_every_completion(first: int) -> None:
    counts, wrong = check_all(range(first, first + PARTIAL_CHUNK))
    assert not wrong, "\n\n".join(f"seed {one.seed}: {one.verdict}, but {one.wrong}" for one in wrong[:5])
    assert counts["Conditional"] > PARTIAL_CHUNK / 5
    assert counts["definite"] >= 0.98 * counts["same"] - 1


def test_one_seed_draws_one_case() -> None:
    assert world(7) == world(7)
    assert world(7) != world(8)


def test_the_random_cases_hang_on_their_statements() -> None:
    """In two of five cases there is a statement without which the answer would be another."""
    decisive: Counter[bool] = Counter()
    for seed in range(300):
        case = world(seed)
        verdict = evaluate(case)
        decisive[any(evaluate(without(case, path)) != verdict for path in statements_of(case))] += 1
    assert decisive[True] > 0.4 * decisive.total()


def statements_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the statements of a case stand."""
    if isinstance(value, dict) and "Effect" in value:
        yield path
    elif isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from statements_of(item, (*path, name))


def without(case: Case, path: tuple[Any, ...]) -> Case:
    changed = copy.deepcopy(case)
    holder: Any = changed
    for name in path[:-1]:
        holder = holder[name]
    if isinstance(holder, list):
        del holder[path[-1]]
    else:
        holder[path[-1]] = []
    return changed


def test_a_disagreement_says_how_to_have_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.fold.RCP_SERVICES", frozenset())
    found = compare(range(300)).disagreements
    assert found
    text = str(found[random.Random(1).randrange(len(found))])
    assert text.startswith("seed ")
    assert "the naive evaluator says" in text
    assert '"principal"' in text
