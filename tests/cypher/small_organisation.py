"""A hand-made graph of two accounts, small enough to know every answer by reading it."""

from __future__ import annotations

from graph.kinds import EdgeTable
from graph.store import Rows, edge_rows, node_rows

ONE, TWO, GONE, FOREIGN, VENDOR = "111111111111", "222222222222", "333333333333", "999999999999", "888888888888"

ANA, BEN, CARA = "person:ana@example.com", "person:ben@example.com", "person:cara"
ALICE, BOB, CAROL, DAVE = (f"arn:aws:iam::{ONE}:user/{name}" for name in ("alice", "bob", "carol", "dave"))
ADMIN_1, ADMIN_2, DEPLOY, AUDIT, UNUSED, SCAN = (
    f"arn:aws:iam::{account}:role/{name}"
    for account, name in (
        (ONE, "sso-admin"),
        (TWO, "sso-admin"),
        (TWO, "deploy"),
        (ONE, "audit"),
        (TWO, "unused"),
        (ONE, "scan"),
    )
)
ROOT_1 = f"arn:aws:iam::{ONE}:root"
GITHUB = f"arn:aws:iam::{ONE}:oidc-provider/token.actions.githubusercontent.com"
OKTA = f"arn:aws:iam::{ONE}:saml-provider/okta"
SITE, DATA, KEY = "arn:aws:s3:::site", "arn:aws:s3:::data", f"arn:aws:kms:eu-west-1:{TWO}:key/k"


def organisation() -> tuple[dict[str, Rows], dict[EdgeTable, Rows]]:
    """Nodes and edges for ``Store.load``."""
    kinds: dict[str, dict[str, list[object]]] = {
        "Account": {
            "key": [f"account:{ONE}", f"account:{TWO}", f"account:{GONE}"],
            "name": ["one", "two", "gone"],
            "account_id": [ONE, TWO, GONE],
            "status": ["ACTIVE", "ACTIVE", "SUSPENDED"],
        },
        "Person": {
            "key": [ANA, BEN, CARA],
            "name": ["Ana", "Ben", None],
            "active": ["yes", "unknown", "no"],
        },
        "DirectoryGroup": {"key": ["group-admins", "group-gone"], "name": ["admins", "gone"]},
        "PermissionSet": {"key": ["ps-admin", "ps-view"], "name": ["Admin", "View"]},
        "User": {
            "key": [ALICE, BOB, CAROL, DAVE],
            "name": ["alice", "bob", "carol", "dave"],
            "arn": [ALICE, BOB, CAROL, DAVE],
            "account_id": [ONE] * 4,
            "mfa": ["yes", "no", "unknown", "no"],
            "password": ["yes", "yes", "yes", "no"],
            "key_age_days": [91, 90, None, -1],
        },
        "Role": {
            "key": [ADMIN_1, ADMIN_2, DEPLOY, AUDIT, UNUSED, SCAN],
            "name": ["sso-admin", "sso-admin", "deploy", "audit", "unused", "scan"],
            "arn": [ADMIN_1, ADMIN_2, DEPLOY, AUDIT, UNUSED, SCAN],
            "account_id": [ONE, TWO, TWO, ONE, TWO, ONE],
            "last_used": ["2026-01-02", "", "", None, "", ""],
            "open_trust": ["no", "no", "conditional", "yes", None, "no"],
        },
        "RootUser": {"key": [ROOT_1], "arn": [ROOT_1], "account_id": [ONE]},
        "Provider": {
            "key": [GITHUB, OKTA],
            "name": ["token.actions.githubusercontent.com", "okta"],
            "account_id": [ONE] * 2,
            "type": ["oidc", "saml"],
        },
        "Outsider": {
            "key": [f"account:{FOREIGN}", f"arn:aws:iam::{VENDOR}:role/scanner", f"account:{TWO}"],
            "account_id": [FOREIGN, VENDOR, TWO],
        },
        "Anonymous": {"key": ["anonymous"]},
        "Grant": {
            "key": ["g-public", "g-shared", "g-alice", "g-admin", "g-more", "g-scans"],
            "verdict": ["Allowed", "Conditional", "Allowed", "Allowed", "Conditional", "Allowed"],
            "conditional": [False, True, False, False, True, False],
            "levels": [
                *(["Read:data"], ["Read:data", "Write"], ["Write"], ["List", "Read:data", "Write"]),
                *(["Read:data"], ["Read:data"]),
            ],
            "actions": [
                *(["s3:GetObject"], ["s3:GetObject", "s3:PutObject"], ["s3:PutObject"], ["*"]),
                *(["s3:GetObject*"], ["s3:GetObject"]),
            ],
        },
        "ResourceClass": {
            "key": ["c-site", "c-data", "c-open", "c-wide"],
            "open": [False, False, True, False],
            "size": [1, 2, 0, 2],
            "wide": [False, False, False, True],
        },
        "Resource": {
            "key": [SITE, DATA, KEY],
            "arn": [SITE, DATA, KEY],
            "type": ["s3:bucket", "s3:bucket", "kms:key"],
            "account_id": [ONE, TWO, TWO],
        },
    }
    nodes = {kind: node_rows(kind, columns) for kind, columns in kinds.items()}
    edges: dict[EdgeTable, Rows] = {}

    def join(kind: str, source: str, target: str, pairs: list[tuple[str, str]], **properties: list[object]) -> None:
        ends = {"source": [a for a, _ in pairs], "target": [b for _, b in pairs]}
        edges[EdgeTable(kind, source, target)] = edge_rows(EdgeTable(kind, source, target), {**ends, **properties})

    account = {ONE: f"account:{ONE}", TWO: f"account:{TWO}"}
    places = [(ADMIN_1, ONE), (ADMIN_2, TWO), (DEPLOY, TWO), (AUDIT, ONE), (UNUSED, TWO), (SCAN, ONE)]
    join("IN_ACCOUNT", "Role", "Account", [(role, account[place]) for role, place in places])
    join("ADMIN_OF", "Role", "Account", [(ADMIN_1, account[ONE]), (ADMIN_2, account[TWO])], conditional=[False, False])
    join("ADMIN_OF", "RootUser", "Account", [(ROOT_1, account[ONE])], conditional=[True])
    # Ana has one account by her group and one by herself; Cara is in the group too, and disabled.
    by_themselves = [(ANA, ADMIN_2), (BEN, ADMIN_1), (BEN, AUDIT)]
    join("CAN_ASSUME", "Person", "Role", by_themselves, action=["sts:AssumeRoleWithSAML"] * 3)
    by_group = [("group-admins", ADMIN_1)]
    join("CAN_ASSUME", "DirectoryGroup", "Role", by_group, action=["sts:AssumeRoleWithSAML"])
    join(
        "CAN_ASSUME",
        "User",
        "Role",
        [(ALICE, DEPLOY), (ALICE, AUDIT)],
        action=["sts:AssumeRole"] * 2,
        conditional=[True, False],
    )
    join("CAN_ASSUME", "Role", "Role", [(ADMIN_1, DEPLOY)], action=["sts:AssumeRole"], conditional=[False])
    scanner = f"arn:aws:iam::{VENDOR}:role/scanner"
    # A member whose principals were not read is no outsider.
    lets_in = [(scanner, SCAN), (scanner, AUDIT), (f"account:{TWO}", SCAN)]
    join("CAN_ASSUME", "Outsider", "Role", lets_in, conditional=[True, False, True])
    trusts = [(GITHUB, DEPLOY), (OKTA, AUDIT)]
    join("CAN_ASSUME", "Provider", "Role", trusts, conditional=[False, True], tenant_bound=[False, None])
    join("HOLDS", "Anonymous", "Grant", [("anonymous", "g-public")])
    # What anyone has is no news of an outsider; what only an outsider has is.
    outside = [
        (f"account:{FOREIGN}", "g-shared"),
        (scanner, "g-public"),
        (scanner, "g-more"),
        (scanner, "g-scans"),
        (f"account:{TWO}", "g-more"),
    ]
    join("HOLDS", "Outsider", "Grant", outside)
    join("HOLDS", "User", "Grant", [(ALICE, "g-alice"), (BOB, "g-public")])
    join("HOLDS", "Role", "Grant", [(ADMIN_2, "g-admin")])
    join(
        "COVERS",
        "Grant",
        "ResourceClass",
        [
            *(("g-public", "c-site"), ("g-public", "c-open"), ("g-shared", "c-data")),
            # What scans covers a wide class, of which one resource is public.
            *(("g-more", "c-site"), ("g-scans", "c-wide")),
            *(("g-alice", "c-data"), ("g-admin", "c-data"), ("g-admin", "c-open")),
        ],
    )
    inside = [("c-site", SITE), ("c-data", DATA), ("c-data", KEY)]
    join("CONTAINS", "ResourceClass", "Resource", [*inside, ("c-wide", SITE), ("c-wide", DATA)])
    join("MEMBER_OF", "Person", "DirectoryGroup", [(ANA, "group-admins"), (CARA, "group-admins")])
    join(
        "ASSIGNED",
        "Person",
        "PermissionSet",
        [(ANA, "ps-admin"), (ANA, "ps-admin"), (CARA, "ps-view")],
        account_id=[ONE, TWO, GONE],
        orphan=[False, False, True],
    )
    join(
        "ASSIGNED",
        "DirectoryGroup",
        "PermissionSet",
        [("group-admins", "ps-admin"), ("group-admins", "ps-view"), ("group-gone", "ps-view")],
        account_id=[ONE, ONE, TWO],
        orphan=[False, False, True],
    )
    return nodes, edges
