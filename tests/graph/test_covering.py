"""Which globs match which texts, and what parts of containers are alike, against asking one by one."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from graph import covering
from graph import globs as of_globs
from graph.covering import matching
from graph.reaching_parts import told_apart, wider, wider_parts
from graph.whatif_parts import Parted, StoredShapes
from tests.graph.worlds import ONE, allow, bucket, made_world, questions_of, role


def _some(draw: random.Random) -> tuple[list[str], list[str]]:
    letters = ["/", "a", "b", "*", "?", "-x"]
    globs = ["/" + "".join(draw.choices(letters, k=draw.randint(0, 4))) for _ in range(draw.randint(1, 6))]
    return globs, ["/" + "".join(draw.choices("/ab~x-", k=draw.randint(0, 4))) for _ in range(draw.randint(1, 6))]


@pytest.mark.parametrize("most", [1 << 24, 8])
def test_globs_match_what_each_of_them_matches_alone(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "_MOST", most)
    draw = random.Random(3)
    for _ in range(200):
        globs, texts = _some(draw)
        assert matching(globs, texts).tolist() == [
            [bool(of_globs.tested(one)(text)) for text in texts] for one in globs
        ]


def test_parts_are_told_apart_whatever_is_told_of_them_is_called() -> None:
    around = wider(((("/*",), "/~"), (("/a*",), "/a~"), (("/a/*",), "/a/~")))
    for told in ([0, 0, 0], [7, 7, 7], [7, 9, 7], [9, 0, 9], [0, 5, 5]):
        assert Parted(around).told(np.array(told, dtype=np.int32)) == told_apart(around, told, 0)
    assert Parted(around).outermost.tolist() == [0]


def test_containers_of_a_build_have_the_shapes_of_their_classes(tmp_path: Path) -> None:
    inside = f"{bucket('two').arn}/of/{bucket('two').arn}/*"  # the name of a container within its contents
    reader = role(
        "reader", ONE, *(allow("s3:GetObject", one) for one in ("arn:aws:s3:::*/a*", "arn:aws:s3:::*/a/b*", inside))
    )
    built = made_world(roles=(reader,), resources=(bucket("one"), bucket("two"), bucket("three")))
    partition = questions_of(built, tmp_path).tables.of_account(ONE)
    assert partition is not None
    shapes, seen = StoredShapes(partition, {}), []
    for owner in np.unique(partition.owners[partition.contents]).tolist():
        places = np.flatnonzero(partition.contents & (partition.owners == owner)).astype(np.int32)
        found = shapes.of(places)
        assert found._around == wider_parts(partition.classes.some(places))
        assert shapes.of(places) is found
        seen.append((len(places), found))
    assert len({found for _, found in seen}) == 2  # two buckets are parted alike
    assert len({count for count, _ in seen}) == 2
