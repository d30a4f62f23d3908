"""``--store URL``: the graph in a server, the tables in the home; and every way in which that fails, in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from graph.store import open_store
from tests.cli.conftest import Command
from tests.cli.test_bad_input import one_line
from tests.cypher.small_organisation import organisation
from tests.neo4j_server import Neo4jServer, free_port

CARDS = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"
QUESTIONS = (
    ("can", "anonymous", "s3:GetObject", CARDS),
    ("who-can", "s3:GetObject", CARDS),
    ("reach", "anonymous"),
    ("paths", "anonymous", "--to-admin"),
    ("query", "admins"),
)


@pytest.fixture
def small_home(grantmap: Command, tmp_path: Path) -> Path:
    """One account of a few principals, imported."""
    home = tmp_path / "small"
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    user = {
        "Path": "/",
        "UserName": "ana",
        "UserId": "AIDA1",
        "Arn": "arn:aws:iam::111111111111:user/ana",
        "CreateDate": "2024-01-01T00:00:00Z",
        "UserPolicyList": [{"PolicyName": "all", "PolicyDocument": policy}],
        "GroupList": [],
        "AttachedManagedPolicies": [],
    }
    details = {"UserDetailList": [user], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    (tmp_path / "details.json").write_text(json.dumps(details))
    assert grantmap("import", str(tmp_path / "details.json"), home=home).status == 0
    return home


@pytest.fixture
def server(neo4j: Neo4jServer) -> str:
    """The address of an empty database."""
    neo4j.empty()
    return neo4j.address


def test_a_build_goes_into_both_and_both_answer_alike(grantmap: Command, small_home: Path, server: str) -> None:
    built = grantmap("build", "--store", server, "--json", home=small_home)
    assert built.status == 0, built.err
    assert "store" in built.json["seconds"]
    here, there = open_store(small_home), open_store(server)
    assert here.generation() == there.generation() == built.json["snapshot"]
    assert here.counts() == there.counts()
    assert dict(there.counts().nodes) == built.json["nodes"]
    for arguments in (("query", "admins"), ("query", "admins", "--json"), ("query", "weak-credentials")):
        answer = grantmap(*arguments, home=small_home)
        assert answer.status == 0
        assert grantmap(*arguments, "--store", server, home=small_home) == answer
    assert "arn:aws:iam::111111111111:user/ana" in grantmap("query", "admins", "--store", server, home=small_home).out
    question = ("can", "111111111111/ana", "s3:GetObject", "*", "--json")
    assert grantmap(*question, "--store", server, home=small_home) == grantmap(*question, home=small_home)
    for store in (here, there):
        store.close()


def test_a_query_of_a_server_needs_no_home(grantmap: Command, server: str) -> None:
    open_store(server).load("s1", *organisation())
    answer = grantmap("query", "admins", "--store", server)
    assert answer.status == 0
    assert answer.out.rstrip().endswith("From snapshot s1.")
    assert grantmap("query", "admins", "--store", server, "--snapshot", "s1") == answer


def test_a_snapshot_that_the_server_lacks_is_one_line(ask: Command, server: str) -> None:
    open_store(server).load("s1", *organisation())
    for question in QUESTIONS:
        one_line(ask(*question, "--store", server, "--snapshot", "s2"), "no graph of snapshot `s2`", "`s1`")


def test_a_snapshot_that_the_home_lacks_is_one_line(ask: Command, server: str) -> None:
    open_store(server).load("s1", *organisation())
    for question in QUESTIONS[:-1]:
        one_line(ask(*question, "--store", server), "answers from snapshot `s1`", "does not have", "--snapshot")


def test_an_empty_server_says_how_to_fill_it(ask: Command, server: str) -> None:
    for question in QUESTIONS:
        one_line(ask(*question, "--store", server), "no graph in", "grantmap build")


def test_a_server_that_does_not_run_is_one_line_before_any_work(grantmap: Command, small_home: Path) -> None:
    address = f"bolt://127.0.0.1:{free_port()}"
    for question in (*QUESTIONS, ("build",), ("snapshot", "prune", "--keep", "1")):
        ran = grantmap(*question, "--store", address, home=small_home)
        one_line(ran, f"cannot reach `{address}`", "connection refused")
    assert not (small_home / "graphs" / "current").exists()


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("bolt://neo4j:hunter2@127.0.0.1:1", ("no credentials", "NEO4J_PASSWORD")),
        ("bolt://", ("wrong store address",)),
        ("bolt://x:y", ("wrong store address",)),
        ("https://x", ("unknown store `https://`",)),
    ],
)
def test_an_address_that_is_none_is_one_line(grantmap: Command, store: str, words: tuple[str, ...]) -> None:
    for question in QUESTIONS:
        ran = grantmap(*question, "--store", store)
        one_line(ran, *words)
        assert "hunter2" not in ran.err


def test_a_wrong_password_is_one_line(grantmap: Command, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", "nobody")
    monkeypatch.setenv("NEO4J_PASSWORD", "hunter2")
    ran = grantmap("query", "admins", "--store", server)
    one_line(ran, "NEO4J_PASSWORD")
    assert "hunter2" not in ran.err


def test_prune_removes_graphs_of_the_server_too(grantmap: Command, small_home: Path, server: str) -> None:
    shutil.rmtree(small_home / "graphs", ignore_errors=True)
    store = open_store(server)
    for name in ("s1", "s2", "s3"):
        store.load(name, *organisation())
    ran = grantmap("snapshot", "prune", "--keep", "2", "--store", server, "--json", home=small_home)
    assert (ran.status, ran.json) == (0, {"removed": [], "graphs": ["s1"]})
    assert store.generations() == ("s2", "s3")
    store.close()
