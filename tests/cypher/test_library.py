"""The query library: its answers on a graph small enough to read, and everything its loader refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cypher.errors import QueryError
from cypher.library import documentation, load_queries, parse_query, run_query
from graph.store import Result, Store, Value, open_store
from tests.cypher.small_organisation import (
    ADMIN_1,
    ADMIN_2,
    ALICE,
    ANA,
    AUDIT,
    BEN,
    BOB,
    CARA,
    CAROL,
    DATA,
    DEPLOY,
    FOREIGN,
    GITHUB,
    GONE,
    KEY,
    ONE,
    ROOT_1,
    SCAN,
    SITE,
    TWO,
    UNUSED,
    VENDOR,
    organisation,
)

ROOT = Path(__file__).parents[2]

EXPECTED: dict[str, tuple[dict[str, object], list[tuple[Value, ...]]]] = {
    "admins": (
        {},
        [
            (ONE, "one", "Role", ADMIN_1, False),
            (ONE, "one", "RootUser", ROOT_1, True),
            (TWO, "two", "Role", ADMIN_2, False),
        ],
    ),
    "cross-account-trusts": (
        {},
        [
            (ONE, ADMIN_1, TWO, DEPLOY, "sts:AssumeRole", False),
            (ONE, ALICE, TWO, DEPLOY, "sts:AssumeRole", True),
        ],
    ),
    "direct-assignments": (
        {},
        [
            (ONE, "Admin", "Person", ANA, False, True),
            (TWO, "Admin", "Person", ANA, False, False),
            (TWO, "View", "DirectoryGroup", "group-gone", True, False),
            (GONE, "View", "Person", CARA, True, False),
        ],
    ),
    "holders": (
        {"arn": DATA, "level": "Write"},
        [
            ("Outsider", f"account:{FOREIGN}", None, ["s3:GetObject", "s3:PutObject"], True, "g-shared"),
            ("Role", ADMIN_2, "sso-admin", ["*"], False, "g-admin"),
            ("User", ALICE, "alice", ["s3:PutObject"], False, "g-alice"),
        ],
    ),
    "open-roles": ({}, [(ONE, AUDIT, "yes", None), (TWO, DEPLOY, "conditional", "")]),
    "outside-grants": (
        {},
        [
            (ONE, "s3:bucket", SITE, f"arn:aws:iam::{VENDOR}:role/scanner", ["Read:data"], True, "g-more"),
            (TWO, "kms:key", KEY, f"account:{FOREIGN}", ["Read:data", "Write"], True, "g-shared"),
            (TWO, "s3:bucket", DATA, f"account:{FOREIGN}", ["Read:data", "Write"], True, "g-shared"),
            (TWO, "s3:bucket", DATA, f"arn:aws:iam::{VENDOR}:role/scanner", ["Read:data"], False, "g-scans"),
        ],
    ),
    "outside-trusts": (
        {},
        [(ONE, SCAN, f"arn:aws:iam::{VENDOR}:role/scanner", VENDOR, None, True)],
    ),
    "people-everywhere": ({"percent": 50}, [(ANA, "Ana", "yes", 2, 2), (BEN, "Ben", "unknown", 1, 2)]),
    "provider-trusts": ({}, [(TWO, DEPLOY, GITHUB, "token.actions.githubusercontent.com", False, False)]),
    "public-resources": ({}, [(ONE, "s3:bucket", SITE, ["Read:data"], False, "g-public")]),
    "unassumable-roles": ({}, [(TWO, UNUSED, "")]),
    "weak-credentials": (
        {},
        [
            (ONE, ALICE, True, 91, False, "yes", "yes"),
            (ONE, BOB, False, 90, True, "yes", "no"),
            (ONE, CAROL, False, None, True, "yes", "unknown"),
        ],
    ),
}

QUERY = """// id: x
// title: T
// answers: A.
// parameters: days: number = 90
// columns: user, age
// severity: low
// controls: ISO 27001:2022 A.8.2, SOC 2 CC6.3
MATCH (u:User {snapshot: $snapshot})
WHERE u.key_age_days > $days
RETURN u.arn AS user, u.key_age_days AS age
ORDER BY user, age
"""
BODY = QUERY[QUERY.index("MATCH") :]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("home"))
    opened.load("s1", *organisation())
    yield opened
    opened.close()


def test_every_query_has_a_known_answer() -> None:
    assert set(EXPECTED) == set(load_queries())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_query_answers_as_the_small_graph_reads(store: Store, name: str) -> None:
    params, rows = EXPECTED[name]
    assert run_query(store, name, params) == Result(load_queries()[name].columns, tuple(rows))


def test_defaults_fill_what_is_not_given_and_typed_text_is_read(store: Store) -> None:
    assert [row[0] for row in run_query(store, "people-everywhere").rows] == [ANA]
    assert [row[0] for row in run_query(store, "people-everywhere", {"percent": "50"}).rows] == [ANA, BEN]
    assert [row[1] for row in run_query(store, "weak-credentials", {"days": "89"}).rows] == [ALICE, BOB, CAROL]
    assert run_query(store, "holders", {"arn": "x' OR 1 = 1 //"}).rows == ()


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("admin", {}, "unknown query `admin`: did you mean `admins`"),
        ("trusts", {}, "did you mean .*`cross-account-trusts`"),
        ("zzzzz", {}, "unknown query `zzzzz`: there are admins, "),
        ("admins", {"days": 1}, "query `admins` has no parameter `days`: it takes none"),
        ("holders", {"arm": "x"}, "has no parameter `arm`: it takes `arn`, `level`"),
        ("holders", {}, r"query `holders` needs parameter `arn` \(text\)"),
        ("holders", {"arn": 7}, "parameter `arn` is `7`, expected a text"),
        ("weak-credentials", {"days": "soon"}, "parameter `days` is `soon`, expected a whole number"),
        ("weak-credentials", {"days": True}, "expected a whole number"),
        ("weak-credentials", {"days": None}, "expected a whole number"),
    ],
)
def test_a_wrong_question_says_what_is_wrong(store: Store, name: str, params: dict[str, object], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        run_query(store, name, params)


def test_a_whole_file_is_read() -> None:
    query = parse_query(QUERY, "x.cypher")
    assert (query.columns, query.severity, query.controls) == (
        ("user", "age"),
        "low",
        ("ISO 27001:2022 A.8.2", "SOC 2 CC6.3"),
    )
    assert [(p.name, p.type, p.default) for p in query.parameters] == [("days", "number", 90)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("// title: T\n", "", "the header lacks `title`"),
        ("// title: T", "// title:", "line 2: `title` is empty"),
        ("// title: T", "// titel: T", "line 2: unknown key `titel`"),
        ("// title: T", "// title: T\n// title: U", "line 3: `title` is given twice"),
        ("// title: T", "// severity: low\n// title: T", "line 3: `title` is out of order"),
        ("// title: T", "// a remark", "line 2: expected `// key: value`"),
        ("id: x", "id: X y", "id `X y` is not in small letters"),
        ("severity: low", "severity: bad", "unknown severity `bad`"),
        ("SOC 2 CC6.3", "SOC 2", "control `SOC 2` is not"),
        ("days: number = 90", "days = 90", "is not written `name: type = default`"),
        ("days: number = 90", "days: integer = 90", "has the unknown type `integer`"),
        ("days: number = 90", "days: number = soon", "parameter `days` is `soon`"),
        ("days: number = 90", "days: number = 90\n// parameters: days: text", "`days` is declared twice"),
        ("days: number = 90", "none", "parameter `days` is not declared"),
        ("days: number = 90", "days: number = 90\n// parameters: more: text", "parameter `more` is not used"),
        ("columns: user, age", "columns: age, user", "it returns user, age and declares age, user"),
        ("u.arn AS user", "u.arn", "every returned value needs a name"),
        ("ORDER BY user, age", "ORDER BY user", "ORDER BY lacks `age`"),
        ("ORDER BY user, age", "", "a query ends in one ORDER BY"),
        ("(u:User ", "(u:Usr ", "line 8: unknown node kind `Usr`"),
        ("u.key_age_days >", "u.key_age >", "line 9: `u` has no property `key_age`"),
        ("u.key_age_days >", "v.key_age_days >", "line 9: `v` is no node or edge"),
        ("{snapshot: $snapshot}", "{nope: $days, snapshot: $snapshot}", "line 8: unknown property `nope`"),
        ("{snapshot: $snapshot}", "", "line 8: no node of the pattern is tied"),
        ("{snapshot: $snapshot}", "{key: 'x'}", "line 8: no node of the pattern is tied"),
        ("MATCH (u:User {snapshot: $snapshot})", "MATCH (u:User {snapshot: $snapshot}), (r:Role)", "tied"),
        ("WHERE u", "MATCH (r:Role)\nWHERE u", "line 9: no node of the pattern is tied"),
        ("WHERE u", "WHERE EXISTS { MATCH (r:Role) } AND u", "line 9: no node of the pattern is tied"),
        ("WHERE u", "WHERE COUNT { MATCH (u)-[:HOLD]->() } > 1 AND u", "unknown edge kind `HOLD`"),
        ("})\n", "})-[]->()\n", "an edge has no kind"),
        ("})\n", "})-->()\n", "an edge has no kind"),
        ("})\n", "})-[:HOLDS]->(g)\n", "node `g` has no kind"),
        ("})\n", "})-[:HOLDS|NOPE]->()\n", "unknown edge kind `NOPE`"),
        ("})\n", "})-[:CAN_ASSUME*]->()\n", "variable length must end at 3 at most"),
        ("})\n", "})-[:CAN_ASSUME*2..]->()\n", "variable length must end at 3 at most"),
        ("})\n", "})-[:CAN_ASSUME*1..4]->()\n", "variable length must end at 3 at most"),
        ("})\n", "})-[:HOLDS]->(:Grant)<-[:HOLDS]-()\n", "`HOLDS` twice in one MATCH"),
        ("})\n", "})-[e:CAN_ASSUME {sid: 'x'}]->()\n", "unknown property `sid`"),
        ("u.arn AS user", "u.arn AS group", "column `group` is a reserved word"),
        ("columns: user, age", "columns: u, age", "column `u` is a node's name too"),
        ("u.arn AS user", "u.arn AS `user`", "is quoted"),
        ("(u:User", "(end:User", "variable `end` is a reserved word"),
        ("$days", "$ends", "parameter `ends` is a reserved word"),
        ("u.arn AS user", "labels(u) AS user", "function `labels` is not known to both stores alike"),
        ("u.arn AS user", "sum(u.key_age_days) AS user", r"write `coalesce\(sum"),
        ("u.arn AS user", "u.name[0] AS user", "no subscripts"),
        ("u.arn AS user", "[x IN $days | x] AS user", "no list comprehension"),
        ("RETURN", "WITH u ORDER BY u.arn LIMIT 5 RETURN", "a query ends in one ORDER BY"),
        ("RETURN", "SET u.name = 'x' RETURN", "only reads, `SET` is refused"),
        ("RETURN", "CALL db.labels() RETURN", "only reads, `CALL` is refused"),
        ("ORDER BY", "UNION MATCH (u:User {snapshot: $snapshot}) RETURN u.arn AS user, 1 AS age ORDER BY", "no UNION"),
    ],
)
def test_the_loader_refuses(old: str, new: str, message: str) -> None:
    assert old in QUERY
    with pytest.raises(QueryError, match=message) as caught:
        parse_query(QUERY.replace(old, new, 1), "x.cypher")
    assert str(caught.value).startswith("x.cypher")


@pytest.mark.parametrize(
    ("columns", "body", "message"),
    [
        ("l", "RETURN g.levels AS l ORDER BY l", "ORDER BY names the list `l`"),
        ("k, l", "RETURN g.key AS k, g.levels AS l ORDER BY k, l", "ORDER BY names the list `l`"),
        ("v, l", "RETURN g.verdict AS v, g.levels AS l ORDER BY v", "ORDER BY lacks the key of `g`"),
        ("k, l", "RETURN g.key AS k, g.levels AS l ORDER BY k", ""),
    ],
)
def test_a_list_is_settled_by_the_key_of_its_node(columns: str, body: str, message: str) -> None:
    head = QUERY[: QUERY.index("MATCH")].replace("user, age", columns).replace("days: number = 90", "none")
    text = f"{head}MATCH (g:Grant {{snapshot: $snapshot}}) {body}\n"
    if not message:
        assert parse_query(text, "x.cypher").columns == ("k", "l")
        return
    with pytest.raises(QueryError, match=message):
        parse_query(text, "x.cypher")


@pytest.mark.parametrize(
    "pattern",
    [
        "(u:User {snapshot: $snapshot})-[e:CAN_ASSUME*1..3]->(r:Role)",
        "(u:User {snapshot: $snapshot})\nMATCH (u)-[:HOLDS]->(g:Grant)\nMATCH (u)-[:HOLDS]->(h:Grant)",
        "p = (u:User {key: 'it''s (x)', snapshot: $snapshot})-[:CAN_ASSUME|HOLDS]->()",
        "(u:User {snapshot: $snapshot}), (u)-[:MEMBER_OF]->(g:UserGroup)",
        "(u:User {snapshot: $snapshot}) WHERE NOT EXISTS { MATCH (u)-[:HOLDS]->() } WITH u MATCH (u)-[:HOLDS]->()",
        "(u:User {snapshot: $snapshot}) WHERE (u.mfa = 'no' OR u.name IN ['a', 'b']) WITH u",
    ],
)
def test_the_loader_accepts_what_both_stores_do(pattern: str) -> None:
    parse_query(QUERY.replace("(u:User {snapshot: $snapshot})", pattern), "x.cypher")


def test_a_file_is_named_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "y.cypher").write_text(QUERY)
    with pytest.raises(QueryError, match=r"y.cypher: its id is `x`: the file must be named `x.cypher`"):
        load_queries(tmp_path)


def test_the_page_is_made_from_the_library() -> None:
    page = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    assert page == documentation(), "run: python -m cypher.library > docs/queries.md"
