"""Resource classes: resources that no policy tells apart are decided once (DESIGN: the quotient by signatures).

Two resources are in one class when everything a decision can read of them is the same: account, region, type, own
policy with its own ARN as placeholder, settings, the values of the tags that some condition reads, and the set of
patterns, of all policies, that match the ARN. A pattern with policy variables counts once for each value that the
subjects it applies to give them; where a value is not known, a resource it might match is in a class of its own.

Buckets and tables have contents, of which nobody collects a list: each part of them that some pattern tells apart is a
class of its own, decided on a made-up member (``graph.globs``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from graph.globs import FILLER, cells, remainders, specific, witness
from graph.subjects import Subject, Subjects
from model.entities import Resource
from policy.actions import catalogue
from policy.assemble import Assembler
from policy.context import RequestContext, Target
from policy.document import Document, Statement
from policy.patterns import Parts, Variable, Wild, loosened, matcher, resolve, resource_parts

#: Types with contents, and what stands between a container's ARN and the name of a content: of a table its indexes.
CONTENTS = {"s3:bucket": "/", "dynamodb:table": "/index/"}


@dataclass(frozen=True, eq=False)
class ResourceClass:
    """``representative`` is the ARN decided on; ``pattern`` what people are shown: the ARN of a class of one.

    ``contents`` is true for parts of a container, whose ``members`` are nobody's list: the container alone is.
    """

    index: int
    pattern: str
    representative: str
    type: str
    account: str
    region: str
    members: tuple[str, ...]
    contents: bool = False
    open: bool = False
    #: Of the parts of one container: indexes of the subjects for which it differs from the whole, ``None``: for all.
    felt_by: frozenset[int] | None = None
    #: Classes with one number differ at most in their own policy; 0: none has the same.
    plain: int = 0

    @property
    def key(self) -> str:
        """Unique among classes, stable between builds of one snapshot."""
        # Classes of whole resources may share the pattern that describes them; parts of a container never do.
        member = "" if self.contents else self.representative
        return f"{self.account}|{self.region}|{self.type}|{self.pattern}|{member}"


@dataclass
class _Pattern:
    """One resource pattern of some policy; ``varies``: a variable in it is not known and stands as ``*``."""

    glob: str
    varies: bool
    test: Callable[[str], object]
    #: Statements it stands in.
    statements: set[Statement]
    #: Indexes of the subjects whose own policies have it; everybody's where a shared policy has it.
    holders: set[int]
    shared: bool = False


def resource_classes(assembler: Assembler, subjects: Subjects, also: Sequence[Subject] = ()) -> list[ResourceClass]:
    """Every class of collected resources, of the contents of containers, and one open class an account.

    ``also`` are subjects that the inventory does not list and a question is about.
    """
    everybody = [*subjects.deciding(), *also]
    patterns = _patterns(assembler, everybody)
    tag_keys = _tag_keys(assembler, everybody)
    groups: defaultdict[tuple[object, ...], list[Resource]] = defaultdict(list)
    shared = {arn for share in assembler.inventory.data.shares for arn in share.resources or ()}
    for resource in assembler.inventory.data.resources:
        own = resource.arn if resource.arn in shared else ""
        groups[(*_signature(resource, patterns, tag_keys), own)].append(resource)
    found: list[ResourceClass] = []
    plain: dict[tuple[object, ...], int] = {}
    accounts = {subject.index: subject.account for subject in everybody}
    for signature, members in groups.items():
        alike = (*signature[:3], *signature[4:7], *signature[8:])
        found.append(_class(len(found), members, plain.setdefault(alike, len(plain) + 1)))
        if members[0].type in CONTENTS:
            for member in members:
                near = [pattern for pattern in patterns if _concerns(pattern, member, accounts)]
                for cell in _cells(member, near):
                    found.append(_contents(len(found), member, cell))
    for account in assembler.inventory.data.accounts:
        found.append(ResourceClass(len(found), "*", "*", "", account.id, "", members=(), open=True))
    return found


def _class(index: int, members: list[Resource], plain: int) -> ResourceClass:
    first = members[0]
    arns = tuple(member.arn for member in members)
    pattern = first.arn if len(members) == 1 else _common_start(arns) + "*"
    return ResourceClass(index, pattern, first.arn, first.type, first.account, first.region, arns, plain=plain)


def _common_start(texts: tuple[str, ...]) -> str:
    same = takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False))
    return "".join(characters[0] for characters in same)


def _contents(index: int, container: Resource, cell: _Cell) -> ResourceClass:
    return ResourceClass(
        index,
        cell.pattern,
        cell.representative,
        container.type,
        container.account,
        container.region,
        (),
        contents=True,
        felt_by=cell.felt_by,
    )


def _signature(resource: Resource, patterns: list[_Pattern], tag_keys: frozenset[str]) -> tuple[object, ...]:
    matched = []
    unique = varying = ""
    for number, pattern in enumerate(patterns):
        if pattern.test(resource.arn):
            matched.append(number)
            if pattern.varies:
                varying = resource.arn
    tags = resource.tags
    read = None if tags is None else tuple(sorted((k.lower(), v) for k, v in tags.items() if k.lower() in tag_keys))
    policy = None if resource.policy is None else resource.policy.replace(resource.arn, "${self}")
    # A document that could not be read is named by its resource, and a trust policy belongs to its role alone.
    if policy is None or resource.grants is None or resource.grants or resource.type == "iam:role" or _shared(resource):
        unique = resource.arn
    settings = (resource.s3, resource.key_manager == "AWS")
    return (resource.account, resource.region, resource.type, policy, settings, read, tuple(matched), unique, varying)


def _shared(bucket: Resource) -> bool:
    """Whether a bucket's ACL, which answers name by its bucket, may give anybody anything beside the owner."""
    own = bucket.s3
    if own is None or own.ownership == "BucketOwnerEnforced":
        return False
    return own.acl is None or any(grant.grantee != own.owner for grant in own.acl)


def _patterns(assembler: Assembler, everybody: list[Subject]) -> list[_Pattern]:
    """Every distinct resource pattern, variables filled in, but the ones that match everything."""
    found: dict[tuple[str, bool], _Pattern] = {}
    shared, own = _documents(assembler, everybody)
    for document in shared:
        for statement, parts in _parts(document):
            _add(found, assembler, statement, parts, everybody, shared=True)
    for document, holders in own:
        for statement, parts in _parts(document):
            _add(found, assembler, statement, parts, holders, shared=False)
    return list(found.values())


def _parts(document: Document) -> Iterator[tuple[Statement, Parts]]:
    variables = document.version == "2012-10-17"
    for statement in document.statements:
        for text in (*(statement.resources or ()), *(statement.not_resources or ())):
            if text != "*":
                yield statement, resource_parts(text, variables=variables)


def _add(
    found: dict[tuple[str, bool], _Pattern],
    assembler: Assembler,
    statement: Statement,
    parts: Parts,
    holders: list[Subject],
    *,
    shared: bool,
) -> None:
    def keep(parts: Parts, whose: Iterable[Subject], *, varies: bool) -> None:
        glob = "".join(part if isinstance(part, str) else "*" if part is Wild.STAR else "?" for part in parts)
        pattern = found.get((glob, varies))
        if pattern is None:
            pattern = found[(glob, varies)] = _Pattern(glob, varies, matcher(parts), set(), set())
        pattern.statements.add(statement)
        pattern.holders.update(subject.index for subject in whose)
        pattern.shared = pattern.shared or shared

    if not any(isinstance(part, Variable) for part in parts):
        keep(parts, holders, varies=False)
        return
    for holder in holders:
        assert holder.caller is not None
        resolved = resolve(parts, RequestContext(holder.caller, _NOWHERE, "", assembler.now))
        if resolved.parts is not None:
            keep(loosened(resolved.parts), (holder,), varies=bool(resolved.unknown))
            for likely in _likely(resolved.parts, statement):
                keep(loosened(likely), (holder,), varies=False)


def _likely(parts: Parts, statement: Statement) -> Iterator[Parts]:
    """The pattern with a variable of unknown value replaced by each value that the statement's conditions name for it.

    Elsewhere such a pattern may be impossible: a tag that must be ``red`` or ``blue`` is never made-up text.
    """
    for variable in {part for part in parts if isinstance(part, Variable)}:
        for condition in statement.conditions:
            for value in condition.values if condition.key == variable.key else ():
                yield tuple(value if part == variable else part for part in parts)


def _documents(
    assembler: Assembler, everybody: list[Subject]
) -> tuple[list[Document], list[tuple[Document, list[Subject]]]]:
    """Documents that apply to everybody (resource, trust and control policies), and those of subjects with theirs."""
    own: dict[Document, list[Subject]] = {}
    for subject in everybody:
        assert subject.caller is not None
        identity, boundary = assembler.identity(subject.caller.principal)
        for ref in (*identity, *boundary):
            if ref.document is not None:
                own.setdefault(ref.document, []).append(subject)
    data = assembler.inventory.data
    guardrails = data.organization.policies if data.organization else ()
    refs = [assembler.ref(f"{resource.arn}#policy", resource.policy) for resource in data.resources if resource.policy]
    refs += [assembler.ref(policy.arn, policy.document) for policy in guardrails]
    shared = dict.fromkeys(ref.document for ref in refs if ref.document is not None)
    return list(shared), list(own.items())


#: Variables about the resource stay unknown while it is not known which one it is.
_NOWHERE = Target(arn="", account="", service="", region=None)


def _tag_keys(assembler: Assembler, everybody: list[Subject]) -> frozenset[str]:
    """Tag keys, in lower case, that some condition or variable reads of a resource."""
    shared, own = _documents(assembler, everybody)
    trusts = (assembler.ref(f"{role.arn}#trust", role.trust).document for role in assembler.inventory.data.roles)
    found: set[str] = set()
    for document in (*shared, *(document for document, _ in own), *filter(None, trusts)):
        for statement in document.statements:
            parts = [parts for _, parts, _ in statement.resource_patterns.variable]
            parts += [parts for condition in statement.conditions for parts in condition.parts]
            found |= {part.key for several in parts for part in several if isinstance(part, Variable)}
            found |= {condition.key for condition in statement.conditions}
    return frozenset(key.partition("/")[2] for key in found if ":resourcetag/" in key)


@dataclass(frozen=True)
class _Cell:
    """A part of a container's contents: how it is shown, a made-up member, and who is told apart by it."""

    pattern: str
    representative: str
    felt_by: frozenset[int] | None


def _concerns(pattern: _Pattern, container: Resource, accounts: dict[int, str]) -> bool:
    """Whether the pattern can tell contents of the container apart: some statement with it is about actions on them,
    and somebody it applies to can have access there, in the account or through the container's own policy.
    """
    actions = catalogue().actions_for_resource(container.arn + CONTENTS[container.type] + FILLER)
    if not any(_about(statement, actions) for statement in pattern.statements):
        return False
    if pattern.shared or container.policy != "":
        return True
    return any(accounts[holder] == container.account for holder in pattern.holders)


def _about(statement: Statement, actions: tuple[str, ...]) -> bool:
    return statement.acts is None or any(statement.acts(action.lower()) for action in actions)


def _cells(container: Resource, patterns: list[_Pattern]) -> Iterator[_Cell]:
    """The parts of a container's contents that some pattern tells apart; first what no pattern mentions."""
    prefix = container.arn + CONTENTS[container.type]
    narrower: dict[str, list[_Pattern]] = {}
    for pattern in patterns:
        for rest in remainders(pattern.glob, prefix):
            if rest.strip("*"):
                narrower.setdefault(prefix + rest, []).append(pattern)
    globs = sorted(narrower, key=lambda glob: (specific(glob), glob))
    tests = {glob: matcher(resource_parts(glob, variables=False)) for glob in globs}
    shared = [glob for glob in globs if any(pattern.shared for pattern in narrower[glob])]
    own: defaultdict[int, list[str]] = defaultdict(list)
    for glob in globs:
        for holder in {holder for pattern in narrower[glob] if not pattern.shared for holder in pattern.holders}:
            own[holder].append(glob)
    # One decision meets the shared patterns and those of one subject: what only others' tell apart is not looked for.
    together = dict.fromkeys(tuple(dict.fromkeys((*shared, *held))) for held in ([], *own.values()))
    # The rest, what no pattern mentions, comes first: a text of more strange characters than any glob has wildcards.
    filler = (FILLER if FILLER not in "".join(globs) else "\ue000") * (max(map(len, globs), default=0) + 1)
    texts = [filler]
    texts += [text for some in together for _, text in cells(tuple(glob[len(prefix) :] for glob in some))]
    seen: set[tuple[str, ...]] = set()
    for text in texts:
        matched = tuple(glob for glob in globs if tests[glob](prefix + text))
        if matched not in seen:
            seen.add(matched)
            felt = [pattern for glob in matched for pattern in narrower[glob]]
            everybody = not matched or any(pattern.shared for pattern in felt)
            holders = frozenset(holder for pattern in felt for holder in pattern.holders)
            label = " ∩ ".join(_narrowest(matched, tests)) if matched else f"{container.arn}/*"
            yield _Cell(label, prefix + text, None if everybody else holders)


def _narrowest(globs: tuple[str, ...], tests: Mapping[str, Callable[[str], object]]) -> list[str]:
    """The globs that no narrower one of them implies: how a part of several patterns is shown."""
    return [
        glob
        for glob in globs
        if not any(other != glob and tests[glob](witness(other)) and not tests[other](witness(glob)) for other in globs)
    ]
