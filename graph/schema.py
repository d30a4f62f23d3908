"""What the graph consists of: kinds of nodes and edges, their properties and keys, declared once.

The tables of the stores, the checks of a load, the checks of the query library, ``docs/graph.md`` and the legend of
the screens are made from these declarations. ``python -m graph.schema`` prints the documentation page.

A node is found by its kind and its ``key``: a role that is also a resource is two nodes, one ``Role`` and one
``Resource``, with one key. Every label is a kind and a node has exactly one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from graph.kinds import COMMON, EdgeGroup, EdgeKind, NodeKind, Property, Type, check

#: Goes up with every change of kinds, edges, properties or their meaning; a graph of another version is built anew.
GRAPH_VERSION = 7

#: The longest variable-length pattern that both stores answer in time; longer questions go over components.
MAX_VARIABLE_LENGTH = 3


def _text(name: str, doc: str, *values: str) -> Property:
    return Property(name, Type.STRING, doc, values)


def _texts(name: str, doc: str) -> Property:
    return Property(name, Type.STRINGS, doc)


def _flag(name: str, doc: str) -> Property:
    return Property(name, Type.BOOL, doc)


def _number(name: str, doc: str) -> Property:
    return Property(name, Type.INT64, doc)


#: A value that AWS did not tell is neither yes nor no.
_KNOWN = ("yes", "no", "unknown")

_ARN = _text("arn", "Its ARN.")
_ACCOUNT_ID = _text("account_id", "The twelve digits of its account.")
_PATH = _text("path", "Its IAM path, `/` at least.")
_CONDITIONAL = _flag(
    "conditional",
    "Whether something not known must hold for it, beside what a foreign account gives its own principals.",
)
_BECAUSE = _text("because", "JSON: what decided, `[{layer, policy, sid, statement, effect}]`.")
_RESIDUAL = _text("residual", "JSON: the expression over the unknown keys that would allow it; null for none.")
_VERDICT = _text("verdict", "How it was decided.", "Allowed", "Conditional")

_NODES = (
    NodeKind(
        "Account",
        "account",
        "A member account of the organisation; key `account:<id>`.",
        (
            _ACCOUNT_ID,
            _text("email", "The root user's mail address."),
            _text("status", "`ACTIVE`, `SUSPENDED` …"),
            _text("unit", "Id of the unit it is in, empty outside an organisation."),
            _flag("collected", "Whether its own APIs could be read."),
        ),
    ),
    NodeKind("OrgUnit", "unit", "An organisational unit, or the root.", (_text("unit_id", "`ou-…` or `r-…`."),)),
    NodeKind(
        "Person",
        "person",
        "A user of Identity Center; key `person:<mail or user name>`.",
        (
            _text("email", "Primary address, empty for none."),
            _text("user_name", "User name in the directory."),
            _text("active", "Whether the user is enabled.", *_KNOWN),
            _flag("human", "Whether it looks like a person and not like a service."),
        ),
    ),
    NodeKind("DirectoryGroup", "directory group", "A group of Identity Center's directory."),
    NodeKind("PermissionSet", "permission set", "An Identity Center permission set.", (_ARN,)),
    NodeKind(
        "User",
        "IAM user",
        "An IAM user.",
        (
            _ARN,
            _ACCOUNT_ID,
            _text("mfa", "Whether it has an MFA device.", *_KNOWN),
            _text("password", "Whether it can log in to the console.", *_KNOWN),
            _number(
                "key_age_days", "Days since its oldest active key was made; -1 for no active key, null: not known."
            ),
            _PATH,
        ),
    ),
    NodeKind(
        "Role",
        "IAM role",
        "An IAM role.",
        (
            _ARN,
            _ACCOUNT_ID,
            _PATH,
            _flag("service_linked", "Whether a service owns it."),
            _text("permission_set", "Name of the permission set it was made from, empty for none."),
            _text("last_used", "ISO 8601, empty for never or not known."),
            _text("open_trust", "Whether any AWS account in the world may assume it.", "yes", "no", "conditional"),
        ),
    ),
    NodeKind("UserGroup", "IAM group", "An IAM group: holds policies, is never a principal.", (_ARN, _ACCOUNT_ID)),
    NodeKind("RootUser", "root user", "An account's root user.", (_ARN, _ACCOUNT_ID)),
    NodeKind(
        "Provider",
        "identity provider",
        "An IAM identity provider, or one that AWS knows by name.",
        (_ARN, _ACCOUNT_ID, _text("type", "Its protocol.", "oidc", "saml")),
    ),
    NodeKind("Service", "AWS service", "A service principal; key `lambda.amazonaws.com`."),
    NodeKind(
        "Outsider",
        "outside principal",
        "A foreign account, or a member whose principals were not read (key `account:<id>`), or an ARN in one, which a "
        "policy names.",
        (_ACCOUNT_ID,),
    ),
    NodeKind("Anonymous", "anyone", "An unsigned request; key `anonymous`."),
    NodeKind(
        "Policy",
        "policy",
        "A policy document's place; key: ARN, `OWNER_ARN#inline:NAME`, `ROLE_ARN#trust`, `RESOURCE_ARN#policy`.",
        (
            _ARN,
            _text("type", "What kind of policy.", "managed", "inline", "scp", "rcp", "trust", "resource"),
            _flag("aws_managed", "Whether AWS writes it."),
        ),
    ),
    NodeKind(
        "Grant",
        "grant",
        "What one class of principals may do to one or more classes of resources.",
        (
            _VERDICT,
            _CONDITIONAL,
            _texts("levels", "`List`, `Read:metadata`, `Read:data`, `Write`, `Tagging`, `Permissions management`."),
            _texts("actions", "Minimal patterns of the actions granted."),
            _RESIDUAL,
            _BECAUSE,
        ),
    ),
    NodeKind(
        "ResourceClass",
        "resource class",
        "Resources, or parts of the contents of some, that every grant takes alike.",
        (
            _text("pattern", "ARN pattern that describes them."),
            _text("type", "`service:kind`, empty for several."),
            _ACCOUNT_ID,
            _text("region", "Empty for a global resource, and for several."),
            _number("size", "How many collected resources are in it; a wide class repeats those of its narrow ones."),
            _flag("open", "Whether it stands for ARNs that nobody collected."),
            _flag(
                "wide",
                "Whether it joins narrow classes, for grants on all of them: what is in them is in it too.",
            ),
        ),
    ),
    NodeKind(
        "Resource",
        "resource",
        "A collected resource; in exactly one class that is not wide.",
        (
            _ARN,
            _text("type", "`service:kind`."),
            _ACCOUNT_ID,
            _text("region", "Empty for a global resource."),
            _texts("tags", "`key=value`."),
            _text("public", "Whether anyone can reach it.", *_KNOWN),
        ),
    ),
    NodeKind(
        "Component",
        "component",
        "Principals that can all become one another (a strongly connected component of CAN_ASSUME).",
        (_number("size", "How many principals are in it."),),
    ),
)

#: Kinds that an answer can name as the one who has access.
PRINCIPAL_KINDS = ("Person", "User", "Role", "RootUser", "Provider", "Service", "Outsider", "Anonymous")


def _to(target: str, *sources: str) -> tuple[tuple[str, str], ...]:
    return tuple((source, target) for source in sources)


_EDGES = (
    EdgeKind(
        "IN_ACCOUNT",
        "Belongs to the account.",
        _to("Account", "User", "Role", "UserGroup", "RootUser", "Provider", "Resource"),
    ),
    EdgeKind("IN_UNIT", "Is directly below the unit.", _to("OrgUnit", "Account", "OrgUnit")),
    EdgeKind("MEMBER_OF", "Is a member of the group.", (("User", "UserGroup"), ("Person", "DirectoryGroup"))),
    EdgeKind(
        "HAS_POLICY",
        "Has the policy.",
        _to("Policy", "User", "Role", "UserGroup", "PermissionSet"),
        (_text("how", "Attached by ARN, or written inline.", "attached", "inline"),),
    ),
    EdgeKind("BOUNDED_BY", "The policy is its permissions boundary.", _to("Policy", "User", "Role")),
    EdgeKind("GUARDS", "The SCP or RCP is attached there.", (("Policy", "Account"), ("Policy", "OrgUnit"))),
    EdgeKind(
        "ASSIGNED",
        "Is assigned the permission set in one account.",
        _to("PermissionSet", "Person", "DirectoryGroup"),
        (
            _text("account_id", "The account of the assignment."),
            _flag("orphan", "Whether the principal, the set or the account no longer exists."),
        ),
    ),
    EdgeKind(
        "ENTITLED",
        "Is entitled to the role by account access manager; where the role's trust agrees, it is `CAN_ASSUME` too.",
        _to("Role", "Person", "DirectoryGroup"),
        (
            _text("application", "ARN of the application of account access manager."),
            _text("entitlement", "The entitlement's id in it."),
            _flag("orphan", "Whether the principal no longer exists."),
        ),
    ),
    EdgeKind("PROVISIONS", "Identity Center made the role from the set.", (("PermissionSet", "Role"),)),
    EdgeKind(
        "CAN_ASSUME",
        "Can become the role; from a directory group: its members can, those who are disabled aside.",
        _to("Role", *PRINCIPAL_KINDS, "DirectoryGroup"),
        (
            _text(
                "action",
                "`sts:AssumeRole` or its kin; by an entitlement of account access manager "
                "`account-access-runtime:GetRoleCredentials`.",
            ),
            _VERDICT,
            _CONDITIONAL,
            _flag("tenant_bound", "From a provider: whether only one tenant of it is let in; null elsewhere."),
            _RESIDUAL,
            _BECAUSE,
        ),
    ),
    EdgeKind(
        "HOLDS",
        "Has the grant, directly: without assuming a role first.",
        _to("Grant", *PRINCIPAL_KINDS),
        (_text("session", "The session in which it has it, empty for every one."),),
    ),
    EdgeKind("COVERS", "The grant is on the class.", (("Grant", "ResourceClass"),)),
    EdgeKind(
        "CONTAINS",
        "The resource is in the class; in one that is not wide, and in the wide ones around it.",
        (("ResourceClass", "Resource"),),
    ),
    EdgeKind(
        "INSIDE",
        "A part of the resource's contents is in the class: objects of a bucket, items of a table.",
        (("ResourceClass", "Resource"),),
        (_text("part", "ARN pattern of the part; null for a wide class, whose narrow ones say."),),
    ),
    EdgeKind("WITHIN", "All of the narrow class is in the wide one.", (("ResourceClass", "ResourceClass"),)),
    EdgeKind("CARRIES", "Whoever controls the resource acts as the role.", (("Resource", "Role"),)),
    EdgeKind(
        "ADMIN_OF", "Can do everything in the account.", _to("Account", *PRINCIPAL_KINDS), (_CONDITIONAL, _BECAUSE)
    ),
    EdgeKind("IN_COMPONENT", "Is in the component.", _to("Component", *PRINCIPAL_KINDS, "DirectoryGroup")),
    EdgeKind(
        "LEADS_TO",
        "Someone in one can become someone in the other, or is a member of it; transitively reduced.",
        (("Component", "Component"),),
    ),
)

EDGE_GROUPS = (
    EdgeGroup("CAN_BECOME", "Who can act as whom.", ("MEMBER_OF", "CAN_ASSUME")),
    EdgeGroup(
        "CAN_REACH",
        "From a principal to the resources it reaches.",
        ("MEMBER_OF", "CAN_ASSUME", "HOLDS", "COVERS", "CONTAINS", "INSIDE"),
    ),
    EdgeGroup(
        "ENTITLES",
        "What AWS can take away from an identity.",
        ("ASSIGNED", "ENTITLED", "MEMBER_OF", "HAS_POLICY", "CAN_ASSUME"),
    ),
    EdgeGroup("LIMITS", "What can only narrow.", ("BOUNDED_BY", "GUARDS")),
    EdgeGroup("PLACES", "Where things are in the organisation.", ("IN_ACCOUNT", "IN_UNIT")),
    EdgeGroup("CLOSES", "Reachability over many hops, condensed.", ("IN_COMPONENT", "LEADS_TO")),
)


check(_NODES, _EDGES, EDGE_GROUPS)

NODE_KINDS = {node.name: node for node in _NODES}
EDGE_KINDS = {edge.name: edge for edge in _EDGES}
#: Every (kind, from, to) that a load may fill, in the order of the declarations.
EDGE_TABLES = tuple(table for edge in _EDGES for table in edge.tables())


def _rows(properties: tuple[Property, ...]) -> Iterator[str]:
    yield "| property | type | meaning |"
    yield "|---|---|---|"
    for prop in properties:
        values = f" One of {', '.join(f'`{v}`' for v in prop.values)}." if prop.values else ""
        yield f"| `{prop.name}` | {prop.type} | {prop.doc}{values} |"


def documentation() -> str:
    """The page ``docs/graph.md``, markdown."""
    lines = [
        "# The graph",
        "",
        f"Version {GRAPH_VERSION}. Made from `graph/schema.py` by `python -m graph.schema > docs/graph.md`.",
        "Every property may be null: not known, or not applicable.",
        "",
        "```",
        "(principal)-[:CAN_ASSUME]->(:Role)",
        "(:Person)-[:MEMBER_OF]->(:DirectoryGroup)-[:CAN_ASSUME]->(:Role)",
        "(principal)-[:HOLDS]->(:Grant)-[:COVERS]->(:ResourceClass)-[:CONTAINS]->(:Resource)",
        "(:Resource)<-[:INSIDE]-(:ResourceClass {wide: false})-[:WITHIN]->(:ResourceClass {wide: true})",
        "(principal)-[:IN_COMPONENT]->(:Component)-[:LEADS_TO]->(:Component)",
        "```",
        "",
        f"Principals: {', '.join(f'`{kind}`' for kind in PRINCIPAL_KINDS)}.",
        "",
        "## Every node",
        "",
        *_rows(COMMON),
        "",
        "## Nodes",
        "",
    ]
    for node in _NODES:
        lines += [f"### {node.name}", "", node.doc, ""]
        if node.properties:
            lines += [*_rows(node.properties), ""]
    lines += ["## Edges", ""]
    for edge in _EDGES:
        ends: dict[str, list[str]] = {}
        for source, target in edge.pairs:
            ends.setdefault(target, []).append(source)
        joins = "; ".join(f"{' · '.join(sources)} → {target}" for target, sources in ends.items())
        lines += [f"### {edge.name}", "", f"{edge.doc} {joins}.", ""]
        if edge.properties:
            lines += [*_rows(edge.properties), ""]
    lines += ["## Groups of edges", "", "| group | edges | meaning |", "|---|---|---|"]
    lines += [f"| {g.name} | {', '.join(g.kinds)} | {g.doc} |" for g in EDGE_GROUPS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(documentation())
