"""Resource classes: resources that no policy tells apart are decided once (DESIGN: the quotient by signatures).

Two resources are in one class when everything a decision can read of them is the same: account, region, type, own
policy with its own ARN as placeholder, settings, the values of the tags that some condition reads, and the set of
patterns, of all policies, that match the ARN. A pattern with policy variables counts once for each value that the
subjects it applies to give them; where a value is not known, a resource it might match is in a class of its own.

Buckets and tables have contents, of which nobody collects a list: each part of them that some pattern tells apart is a
class of its own, decided on a made-up member (``graph.globs``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from graph.globs import FILLER, common, remainders, specific, witness
from graph.subjects import Subject, Subjects, texts
from model.entities import Resource
from policy.assemble import Assembler
from policy.context import RequestContext, Target
from policy.document import Document
from policy.patterns import Parts, Variable, Wild, loosened, matcher, resolve, resource_parts

#: Types with contents, and what separates a content's ARN from the container's.
CONTENTS = {"s3:bucket": "/", "dynamodb:table": "/"}


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

    @property
    def key(self) -> str:
        """Unique among classes, stable between builds of one snapshot."""
        return f"{self.account}|{self.region}|{self.type}|{self.pattern}|{self.representative}"


@dataclass(frozen=True)
class _Pattern:
    """One resource pattern of some policy; ``varies``: a variable in it is not known and stands as ``*``."""

    glob: str
    varies: bool
    test: Callable[[str], object]


def resource_classes(assembler: Assembler, subjects: Subjects) -> list[ResourceClass]:
    """Every class of collected resources, of the contents of containers, and one open class an account."""
    patterns = _patterns(assembler, subjects)
    tag_keys = _tag_keys(assembler)
    groups: defaultdict[tuple[object, ...], list[Resource]] = defaultdict(list)
    for resource in assembler.inventory.data.resources:
        groups[_signature(resource, patterns, tag_keys)].append(resource)
    found: list[ResourceClass] = []
    for members in groups.values():
        found.append(_class(len(found), members))
        if members[0].type in CONTENTS:
            for member in members:
                for pattern, representative in _cells(member, patterns):
                    found.append(_contents(len(found), member, pattern, representative))
    for account in assembler.inventory.data.accounts:
        found.append(
            ResourceClass(len(found), "*", "*", "", account.id, "", members=(), open=True),
        )
    return found


def _class(index: int, members: list[Resource]) -> ResourceClass:
    first = members[0]
    arns = tuple(member.arn for member in members)
    pattern = first.arn if len(members) == 1 else _common_start(arns) + "*"
    return ResourceClass(index, pattern, first.arn, first.type, first.account, first.region, arns)


def _common_start(texts: tuple[str, ...]) -> str:
    same = takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False))
    return "".join(characters[0] for characters in same)


def _contents(index: int, container: Resource, pattern: str, representative: str) -> ResourceClass:
    return ResourceClass(
        index, pattern, representative, container.type, container.account, container.region, (), contents=True
    )


def _signature(resource: Resource, patterns: list[_Pattern], tag_keys: frozenset[str]) -> tuple[object, ...]:
    matched = []
    unique = ""
    for number, pattern in enumerate(patterns):
        if pattern.test(resource.arn):
            matched.append(number)
            if pattern.varies:
                unique = resource.arn
    tags = resource.tags
    read = None if tags is None else tuple(sorted((k.lower(), v) for k, v in tags.items() if k.lower() in tag_keys))
    policy = None if resource.policy is None else resource.policy.replace(resource.arn, "${self}")
    # A document that could not be read is named by its resource, and a trust policy belongs to its role alone.
    if policy is None or resource.grants is None or resource.grants or resource.type == "iam:role":
        unique = resource.arn
    settings = resource.s3
    return (resource.account, resource.region, resource.type, policy, settings, read, tuple(matched), unique)


def _patterns(assembler: Assembler, subjects: Subjects) -> list[_Pattern]:
    """Every distinct resource pattern, variables filled in, but the ones that match everything."""
    found: dict[tuple[str, bool], _Pattern] = {}
    shared, own = _documents(assembler, subjects)
    for document in shared:
        for parts in _parts(document):
            holders = list(subjects.deciding()) if any(isinstance(part, Variable) for part in parts) else []
            _add(found, assembler, parts, holders)
    for document, holders in own:
        for parts in _parts(document):
            _add(found, assembler, parts, holders)
    return list(found.values())


def _parts(document: Document) -> Iterator[Parts]:
    variables = document.version == "2012-10-17"
    for statement in document.statements:
        for text in (*(statement.resources or ()), *(statement.not_resources or ())):
            if text != "*":
                yield resource_parts(text, variables=variables)


def _add(found: dict[tuple[str, bool], _Pattern], assembler: Assembler, parts: Parts, holders: list[Subject]) -> None:
    if not any(isinstance(part, Variable) for part in parts):
        _keep(found, parts, varies=False)
        return
    for holder in holders:
        assert holder.caller is not None
        context = RequestContext(holder.caller, _NOWHERE, "", assembler.now)
        resolved = resolve(parts, context)
        if resolved.parts is not None:
            _keep(found, loosened(resolved.parts), varies=bool(resolved.unknown))


def _keep(found: dict[tuple[str, bool], _Pattern], parts: Parts, *, varies: bool) -> None:
    glob = "".join(part if isinstance(part, str) else "*" if part is Wild.STAR else "?" for part in parts)
    if (glob, varies) not in found:
        found[(glob, varies)] = _Pattern(glob, varies, matcher(parts))


def _documents(assembler: Assembler, subjects: Subjects) -> tuple[list[Document], list[tuple[Document, list[Subject]]]]:
    """Documents that apply to everybody (resource, trust and control policies), and those of subjects with theirs."""
    own: dict[Document, list[Subject]] = {}
    for subject in subjects.deciding():
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


_TAG_KEY = re.compile(r":resourcetag/([^\"}']+)", re.IGNORECASE)


def _tag_keys(assembler: Assembler) -> frozenset[str]:
    """Tag keys, in lower case, that some condition or variable reads of a resource."""
    return frozenset(
        key.lower() for text in texts(assembler.inventory.data) for key in _TAG_KEY.findall(text.replace("\\/", "/"))
    )


def _cells(container: Resource, patterns: Iterable[_Pattern]) -> Iterator[tuple[str, str]]:
    """(pattern, made-up member) of each part of a container's contents that some pattern tells apart."""
    prefix = container.arn + CONTENTS[container.type]
    narrower = {
        prefix + rest
        for pattern in patterns
        for rest in remainders(pattern.glob, prefix)
        if rest not in ("*", "") and rest.strip("*")
    }
    tests = {glob: matcher(resource_parts(glob, variables=False)) for glob in sorted(narrower, key=specific)}
    candidates = [prefix + FILLER, *(witness(glob) for glob in tests)]
    globs = list(tests)
    for i, one in enumerate(globs):
        for other in globs[i + 1 :]:
            shared = common(one, other)
            if shared is not None:
                candidates.append(shared)
    seen: set[tuple[str, ...]] = set()
    for text in candidates:
        matched = tuple(glob for glob, test in tests.items() if test(text))
        if matched not in seen:
            seen.add(matched)
            yield (matched[0] if matched else prefix + "*"), text
