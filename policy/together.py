"""Which actions touch several resources in each request, all of which need an Allow (semantics M6): data.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
("Required resources are indicated in the table with an asterisk").
"""

from __future__ import annotations

from functools import lru_cache

from policy.actions import catalogue
from policy.errors import UnknownActionError
from policy.verdicts import Because

#: Services whose list marks as required what each request does touch. Elsewhere it also marks alternatives, of which
#: a request names one (`bedrock:InvokeModel`: a foundation model or an inference profile or …; `…:TagResource`), and
#: nothing in the list tells the two apart. Read 2026-11 from the service authorization reference of each.
_TOGETHER = frozenset({"ec2", "glue", "identitystore", "kms", "rds", "sso"})
#: Of those services: actions whose required types are alternatives, or touched only if the caller asks for it (the
#: final snapshot of DeleteDBCluster).
_NOT_TOGETHER = frozenset(
    {
        "rds:createdbinstancereadreplica",
        "rds:createglobalcluster",
        "rds:deletedbcluster",
        "rds:deletetenantdatabase",
        "rds:deregisterdbproxytargets",
    }
)
#: Of glue: the types that every request for a table or database touches besides it.
#: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html ("access to the ancestors too")
_GLUE_TREE = frozenset({"rootcatalog", "database", "table", "userdefinedfunction"})


@lru_cache(maxsize=65536)
def together(action: str) -> tuple[str, ...]:
    """The resource types that each request for an action (lower case) touches; empty unless they are several."""
    service = action.partition(":")[0]
    if service not in _TOGETHER or action in _NOT_TOGETHER:
        return ()
    try:
        required = catalogue().required_resource_types(action)
    except UnknownActionError:
        return ()
    if service == "glue" and not _GLUE_TREE.issuperset(required):
        return ()
    return required if len(required) > 1 else ()


def lacking(action: str, because: tuple[Because, ...]) -> str:
    """In words, on what an action that touches several resources gets no Allow; ``because`` begins with that reason."""
    name = because[0].sid
    if name is None:
        return f"{action} needs an Allow on several resources at once, and what they ask for excludes each other."
    said = f"{action} also needs an Allow on {'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
    return f"{said}." if len(because) > 1 else f"{said}; none of the caller's policies gives it."
