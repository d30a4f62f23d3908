"""One small organisation, collected and asked for real, against the naive evaluator."""

from pathlib import Path

import pytest

from tests.oracle.rehearse import rehearse


def test_the_product_and_the_naive_evaluator_agree_about_an_organisation(tmp_path: Path) -> None:
    pytest.importorskip("moto", reason="moto is not installed: the rehearsal needs the emulated cloud")
    counts, found = rehearse(seed=11, triples=12, questions=1, home=tmp_path)
    assert counts.total() > 12
    assert not found, "\n\n".join(map(str, found))
