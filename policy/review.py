"""What is odd about a policy: statements that can never act, and statements that act otherwise than they read.

`review` looks at one document without any request. Each kind of remark has its rule in `KINDS`; what it names is
reported, never dropped. AWS's own check of policies, from whose page the kinds come that have no number:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from policy.document import Document, Statement
from policy.errors import PrincipalError
from policy.remarks import WITHOUT_PRINCIPAL, DocumentKind, Remark, Subject, remark, some
from policy.request import Principal
from policy.review_actions import review_actions, review_resources
from policy.review_conditions import review_conditions

KnownId = Callable[[str], bool | None]
"""Whether a user or role with a unique id exists: `None` where not everybody was collected."""


def nobody_knows(_id: str) -> bool | None:
    """The `KnownId` of who has no inventory."""
    return None


def review(document: Document, kind: DocumentKind, known_id: KnownId = nobody_knows) -> tuple[Remark, ...]:
    """The remarks on a document that stands in layer `kind`, statement by statement, each kind once a statement."""
    found: list[Remark] = []
    for statement in document.statements:
        kinds: dict[str, Remark] = {}
        for item in _of_statement(Subject(document, statement, kind), known_id):
            if item.kind not in kinds or (item.never and not kinds[item.kind].never):
                kinds[item.kind] = item
        found += kinds.values()
    return tuple(found)


def _of_statement(subject: Subject, known_id: KnownId) -> Iterator[Remark]:
    yield from _empty(subject)
    yield from review_actions(subject)
    yield from review_resources(subject)
    yield from _principals(subject, known_id)
    yield from review_conditions(subject)
    yield from _place(subject)
    yield from _repetitions(subject)


def _empty(subject: Subject) -> Iterator[Remark]:
    statement = subject.statement
    element = statement.principal_element
    nobody = element is not None and not element.negated and not element.everyone and not _named(statement)
    for name, empty in (
        ("Action", statement.actions == ()),
        ("Resource", statement.resources == ()),
        ("Principal", nobody),
    ):
        if empty:
            yield remark(
                subject, "empty-element", f"`{name}` is an empty list: the statement matches nothing", never=True
            )


def _named(statement: Statement) -> list[str]:
    """Every name of the Principal or NotPrincipal element."""
    element = statement.principal_element
    return [name for _, names in element.listed for name in names] if element is not None else []


# -- principals


def _principals(subject: Subject, known_id: KnownId) -> Iterator[Remark]:
    statement = subject.statement
    element = statement.principal_element
    if element is None:
        if subject.kind in ("resource", "trust"):
            sentence = "the statement has no `Principal`: it is about nobody"
            yield remark(subject, "principal-missing", sentence, never=True)
        return
    if subject.kind in WITHOUT_PRINCIPAL:
        yield remark(
            subject, "principal-misplaced", "a policy of this kind names no principal: AWS would refuse the statement"
        )
        return
    if element.negated and statement.allows:
        sentence = "`NotPrincipal` with `Allow` gives access to everyone that it does not list, anonymous callers too"
        yield remark(subject, "not-principal-allow", sentence)
    names = dict(element.listed).get("AWS", ())
    everybody = len(_named(statement))
    deleted = [name for name in names if _is_id(name) and known_id(name) is not True]
    certain = bool(deleted) and all(known_id(name) is False for name in deleted)
    if deleted:
        who = "that was deleted" if certain else "that was deleted: nobody that was collected has the id"
        sentence = f"{some(deleted)} is the id of a user or role {who}; it matches nobody else"
        yield remark(
            subject, "deleted-principal", sentence, never=certain and len(deleted) == everybody and not element.negated
        )
    wild = [name for name in names if name != "*" and ("*" in name or "?" in name)]
    if wild:
        # The caller chooses the name of its session, but not a wildcard: session names have letters, digits and +=,.@-.
        sessions = any(":assumed-role/" in name for name in wild)
        sentence = f"{some(wild)}: a wildcard inside a principal never matches"
        never = len(wild) == everybody and not element.negated and not sessions
        yield remark(subject, "principal-wildcard", sentence, never=never)
    strange = [name for name in names if name not in wild and not _is_id(name) and not _names_somebody(name)]
    if strange:
        sentence = f"{some(strange)} names no principal: neither an ARN of one, an account nor `*`"
        never = len(strange) == everybody and not element.negated
        yield remark(subject, "unknown-principal", sentence, never=never)


def _is_id(name: str) -> bool:
    """P2: the unique id of a user or a role, which AWS writes where one was deleted."""
    return name.startswith(("AIDA", "AROA")) and name.isalnum()


def _names_somebody(name: str) -> bool:
    if name == "*":
        return True
    try:
        return Principal.parse(name).kind not in ("service", "anonymous")
    except PrincipalError:
        # Ids of other things than users and roles, and canonical ids, are left to the service that takes them.
        return name.isalnum() and len(name) >= 16


# -- the kind of document, and other statements


def _place(subject: Subject) -> Iterator[Remark]:
    statement = subject.statement
    if subject.kind == "rcp" and statement.allows:
        whole = statement.actions == ("*",) and statement.resources == ("*",) and not statement.conditions
        if not whole:
            yield remark(
                subject, "allow-in-rcp", "a resource control policy cannot allow: only its `Deny` statements count"
            )
    if subject.kind == "trust" and statement.actions:
        other = [text for text in statement.actions if text != "*" and not text.lower().startswith(("sts:", "*"))]
        if len(other) == len(statement.actions):
            sentence = f"{some(other)}: a trust policy decides only who may assume the role (`sts:` actions)"
            yield remark(subject, "not-of-trust", sentence)


def _repetitions(subject: Subject) -> Iterator[Remark]:
    statement = subject.statement
    earlier = subject.document.statements[: statement.index]
    if statement.sid and any(statement.sid == other.sid for other in earlier):
        sentence = f"an earlier statement has the Sid `{statement.sid}` too: IAM wants each once"
        yield remark(subject, "sid-twice", sentence)
    if any(_normal(statement) == _normal(other) for other in earlier):
        yield remark(subject, "repeated-statement", "an earlier statement says the same: this one adds nothing")


@lru_cache(maxsize=1024)
def _normal(statement: Statement) -> object:
    """The statement without its Sid and without the order of its lists; actions match without case (M1)."""
    actions, not_actions = (
        None if texts is None else frozenset(text.lower() for text in texts)
        for texts in (statement.actions, statement.not_actions)
    )
    resources, not_resources = (
        None if texts is None else frozenset(texts) for texts in (statement.resources, statement.not_resources)
    )
    conditions = frozenset((c.operator_text.lower(), c.key, frozenset(c.values)) for c in statement.conditions)
    element = statement.principal_element
    listed = () if element is None else element.listed
    principals = (
        None if element is None else element.negated,
        element is not None and element.everyone,
        frozenset((kind, name) for kind, names in listed for name in names),
    )
    return statement.effect, actions, not_actions, resources, not_resources, conditions, principals
