"""What a question from a cold shell must not wait for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WHO = "sofia.almeida@meridian.example"
CARDS = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"
#: pyarrow imports pandas as soon as it takes or gives what is not its own, which takes as long as an answer.
ASKED = """
import sys
from cli.main import run
status = run(sys.argv[1:])
assert status == 0, status
assert "pyarrow" in sys.modules and "pandas" not in sys.modules
"""


@pytest.mark.parametrize(
    "question",
    [
        ("can", WHO, "s3:GetObject", CARDS),
        ("can", WHO, "s3:ListBucket", CARDS.partition("/")[0]),
        ("who-can", "s3:GetObject", CARDS),
        ("reach", WHO),
        ("what-if", "revoke", WHO, "--assignment", "PaymentsDeveloper@payments-dev"),
    ],
    ids=lambda question: " ".join(question[::2]),
)
def test_questions_do_not_import_pandas(question: tuple[str, ...], demo_home: Path) -> None:
    env = {**os.environ, "GRANTMAP_HOME": str(demo_home)}
    ran = subprocess.run(
        [sys.executable, "-c", ASKED, *question, "--json"], env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
