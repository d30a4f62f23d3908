"""Parts of contents that two builds cut in other places: what hangs on the same there is no difference."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from graph.differences import diff
from graph.world import World
from tests.graph.worlds import ONE, allow, bucket, deny, document, made_world, questions_of, role, trust

BUCKET = "arn:aws:s3:::b"
#: Its team is what whoever assumes it says.
TEAM = role(
    "team",
    ONE,
    allow("s3:DeleteObject", BUCKET + "/${aws:PrincipalTag/team}/*"),
    allow("s3:GetObject", f"{BUCKET}/red/*"),
    deny("s3:PutObject", f"{BUCKET}/*/secret*"),
    trusts=document(trust({"AWS": ONE}, ["sts:AssumeRole", "sts:TagSession"])),
)


def with_others(*globs: str) -> World:
    others = [role(f"other{n}", ONE, allow("s3:GetObject", f"{BUCKET}/{glob}")) for n, glob in enumerate(globs)]
    return made_world(roles=(TEAM, *others), resources=(bucket("b"),))


@pytest.mark.parametrize("others", [("*/secret?*",), ("red/s*", "*t*"), ()])
def test_a_variable_in_a_pattern_says_the_same_of_every_text_of_a_part(tmp_path: Path, others: tuple[str, ...]) -> None:
    before, after = (
        questions_of(world, Path(tempfile.mkdtemp(dir=tmp_path)))
        for world in (with_others("red/*", "*/secret*"), with_others(*others))
    )
    found = diff(before, after)
    assert not [row for _, rows in found.named for row in rows if row.principal == TEAM.arn]
