"""The declaration of the graph: fit for both stores, and the page made from it true."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from graph.kinds import RESERVED, EdgeGroup, EdgeKind, NodeKind, Property, SchemaError, Type, check
from graph.schema import EDGE_GROUPS, EDGE_KINDS, EDGE_TABLES, NODE_KINDS, PRINCIPAL_KINDS, documentation

ROOT = Path(__file__).parents[2]
A = NodeKind("Alpha", "alpha", "")


def test_the_page_is_made_from_the_declaration() -> None:
    page = (ROOT / "docs" / "graph.md").read_text(encoding="utf-8")
    assert page == documentation(), "run: python -m graph.schema > docs/graph.md"


def test_every_kind_has_a_key_and_every_edge_its_own_tables() -> None:
    assert all(node.all_properties[0].name == "key" for node in NODE_KINDS.values())
    assert len(set(EDGE_TABLES)) == len(EDGE_TABLES)
    assert set(PRINCIPAL_KINDS) <= set(NODE_KINDS)
    assert {kind for group in EDGE_GROUPS for kind in group.kinds} <= set(EDGE_KINDS)


@pytest.mark.parametrize("word", ["Group", "ORDER", "table", "Column", "In", "on", "Trail"])
def test_words_reserved_in_either_dialect_are_no_names(word: str) -> None:
    assert word.upper() in RESERVED
    with pytest.raises(SchemaError, match="is a reserved word"):
        check((dataclasses.replace(A, name=word),), ())
    with pytest.raises(SchemaError, match="is a reserved word"):
        check((A,), (EdgeKind(word, "", (("Alpha", "Alpha"),)),))
    with pytest.raises(SchemaError, match="is a reserved word"):
        check((dataclasses.replace(A, properties=(Property(word, Type.STRING, ""),)),), ())


@pytest.mark.parametrize("name", ["", "1st", "two words", "semi;colon", "tick`", "é"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(SchemaError, match="is no plain name"):
        check((dataclasses.replace(A, name=name),), ())


def test_what_does_not_fit_together_is_refused() -> None:
    edge = EdgeKind("TO_IT", "", (("Alpha", "Alpha"),))
    text, number = Property("x", Type.STRING, ""), Property("x", Type.INT64, "")
    check((A,), (edge,), (EdgeGroup("SOME", "", ("TO_IT",)),))
    for nodes, edges, groups, message in (
        ((A, A), (), (), "kind `Alpha` is declared twice"),
        ((A,), (dataclasses.replace(edge, name="ALPHA"),), (), "kind `ALPHA` is declared twice"),
        ((A,), (EdgeKind("TO_IT", "", (("Alpha", "Beta"),)),), (), "joins the unknown kind `Beta`"),
        ((A,), (edge,), (EdgeGroup("SOME", "", ("TO_IT", "NOPE")),), "holds the unknown edge `NOPE`"),
        ((dataclasses.replace(A, properties=(text, text)),), (), (), "`x` of Alpha is declared twice"),
        (
            (dataclasses.replace(A, properties=(text,)),),
            (dataclasses.replace(edge, properties=(number,)),),
            (),
            "`x` is STRING in Alpha and INT64 in TO_IT",
        ),
    ):
        with pytest.raises(SchemaError, match=message):
            check(nodes, edges, groups)
