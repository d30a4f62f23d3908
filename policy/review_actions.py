"""The actions and resources of a statement against what AWS documents (semantics M1, M2, M5).

What the action data does not know may still exist, so nothing here is called certain save a resource pattern that can
match no ARN at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from policy.actions import catalogue
from policy.globs import beginning, meet
from policy.patterns import Part, Parts, Wild, loosened, matcher, parse_parts, resource_parts
from policy.remarks import WITHOUT_PRINCIPAL, Remark, Subject, remark, some

# Services that AWS has closed or renamed and whose actions older policies, AWS's own too, still name.
# https://aws.amazon.com/products/lifecycle/
RETIRED_SERVICES = {
    "codestar": "AWS CodeStar was closed",
    "deepcomposer": "AWS DeepComposer was closed",
    "deeplens": "AWS DeepLens was closed",
    "deepracer": "AWS DeepRacer was closed",
    "elastic-inference": "Amazon Elastic Inference was closed",
    "evidently": "Amazon CloudWatch Evidently was closed",
    "iot1click": "AWS IoT 1-Click was closed",
    "iotevents": "AWS IoT Events was closed",
    "zocalo": "it is called Amazon WorkDocs now, with actions of its own",
}


def review_actions(subject: Subject) -> Iterator[Remark]:
    """Patterns that match no action that AWS documents, by the reason."""
    listed = subject.statement.actions or subject.statement.not_actions or ()
    unmatched = [(text, _unmatched(text)) for text in listed]
    services = {
        reason: [text for text, why in unmatched if why == reason] for reason in dict.fromkeys(dict(unmatched).values())
    }
    for reason, texts in services.items():
        if reason == "unknown-action":
            yield remark(subject, reason, f"{some(texts)}: no action that AWS documents is called so")
        elif reason == "unknown-service":
            yield remark(subject, reason, f"{some(texts)}: AWS documents no such service")
        elif reason == "retired-service":
            names = dict.fromkeys(RETIRED_SERVICES[text.lower().partition(":")[0]] for text in texts)
            yield remark(subject, reason, f"{some(texts)}: {'; '.join(names)}")


@lru_cache(maxsize=65536)
def expanded(pattern: str) -> frozenset[str]:
    """The documented actions that a pattern matches."""
    return catalogue().expand(pattern)


@lru_cache(maxsize=65536)
def _unmatched(pattern: str) -> str:
    """Why a pattern matches no documented action; empty if it matches one."""
    service = pattern.lower().partition(":")[0]
    if not pattern.strip("*:") or expanded(pattern):
        return ""
    if service in RETIRED_SERVICES:
        return "retired-service"
    if "*" in service or "?" in service:
        return "unknown-action"
    return "unknown-action" if service in catalogue().services() else "unknown-service"


# -- resources

#: What a service reads in its own way is left to it: SQS queues, API Gateway's shorthand in its policies.
_READ_BY_SERVICE = ("/", "execute-api:/")
_ARN: Parts = ("arn:", *(Wild.SEGMENT_STAR, ":") * 4, Wild.STAR)
#: So many colons at least are in an ARN.
_COLONS = 5
_PLACE = re.compile(r"\$\{[^}]*\}")


def review_resources(subject: Subject) -> Iterator[Remark]:
    """Resource patterns that match nothing, and actions that none of the patterns fits."""
    statement = subject.statement
    texts = statement.resources if statement.resources is not None else statement.not_resources
    if not texts:
        return
    variables = subject.document.version == "2012-10-17"
    patterns = {text: loosened(resource_parts(text, variables=variables)) for text in texts}
    lost = [
        text
        for text, pattern in patterns.items()
        if not text.startswith(_READ_BY_SERVICE) and not _is_arn(pattern) and not _is_star(pattern)
    ]
    if lost:
        never = len(lost) == len(patterns) and statement.resources is not None
        yield remark(subject, "resource-mismatch", f"{some(lost)} can match no ARN", never=never)
        return
    if statement.resources is None or any(map(_is_star, patterns.values())):
        return
    yield from _against_actions(subject, patterns)


def _against_actions(subject: Subject, patterns: dict[str, Parts]) -> Iterator[Remark]:
    """What the documented resource types of the statement's actions say about its patterns, none of which is `*`."""
    actions = _named_actions(subject.statement.actions)
    if actions is None:
        return
    named = [text for text in subject.statement.actions or () if "*" not in text and "?" not in text]
    bare = [text for text in named if catalogue().is_known(text) and catalogue().wildcard_only(text)]
    # `arn:aws:s3:::*` for s3:ListAllMyBuckets stands in AWS's own examples: as wide as `*` in its service.
    wide = any(text.split(":", 5)[5:] == ["*"] for text in patterns)
    if bare and not wide and subject.kind in WITHOUT_PRINCIPAL:
        yield remark(
            subject,
            "action-without-resource",
            f"{some(bare)} is about no resource in particular: it needs `Resource: *`",
        )
    shapes = {shape for action in actions for shape in _shapes(action)}
    if not shapes:
        return
    strangers = [
        text
        for text, pattern in patterns.items()
        if not text.startswith(_READ_BY_SERVICE) and not _fits(pattern, shapes)
    ]
    if strangers:
        yield remark(
            subject, "resource-mismatch", f"{some(strangers)}: none of the statement's actions is about such a resource"
        )


def _named_actions(patterns: tuple[str, ...] | None) -> frozenset[str] | None:
    """The documented actions of a list; `None` where it reaches over services or names what is not documented."""
    found: set[str] = set()
    for pattern in patterns or ():
        service = pattern.partition(":")[0]
        actions = frozenset() if "*" in service or "?" in service else expanded(pattern)
        if not actions:
            return None
        found |= actions
    return frozenset(found) or None


@lru_cache(maxsize=16384)
def _shapes(action: str) -> frozenset[str]:
    """ARN templates of the resource types of an action; a type without one makes the answer `*`: anything goes."""
    service, book = action.partition(":")[0], catalogue()
    return frozenset(book.arn_pattern(service, name) or "*" for name in book.resource_types(action))


def _fits(pattern: Parts, shapes: Collection[str]) -> bool:
    """Whether a pattern matches something that is of one of the shapes."""
    if "*" in shapes:
        return True
    near = [_shape_parts(shape) for shape in shapes if _may_fit(pattern, shape)]
    example = "".join(part if isinstance(part, str) else "x" for part in pattern)  # mostly tells
    return any(matcher(shape)(example) for shape in near) or any(meet(pattern, shape) for shape in near)


@lru_cache(maxsize=65536)
def _may_fit(pattern: Parts, shape: str) -> bool:
    if shape.endswith(":${BucketName}") and any(isinstance(part, str) and "/" in part for part in pattern):
        return False  # a bucket's name holds no slash: this is about objects
    start = beginning(pattern)
    for piece, place in zip(start.split(":")[:-1], shape.split(":", 5)[:5], strict=False):  # the quick look
        if piece != place and not place.startswith("${"):
            return False
    return True


@lru_cache(maxsize=8192)
def _shape_parts(shape: str) -> Parts:
    """An ARN of the action data as a pattern: what stands for a name may be any text, in the first five parts without a
    colon.
    """
    head, tail = shape.split(":", 5)[:5], ":".join(shape.split(":", 5)[5:])
    parts: list[Part] = []
    for piece in head:
        parts.extend((Wild.SEGMENT_STAR, ":") if piece.startswith("${") else (f"{piece}:",))
    return (*parts, *parse_parts(_PLACE.sub("*", tail), variables=False, wildcards=True))


def _is_arn(pattern: Parts) -> bool:
    """Whether a pattern matches some ARN."""
    start = beginning(pattern)
    whole = start.startswith("arn:") and start.count(":") >= _COLONS  # the quick look
    return whole or meet(pattern, _ARN)


def _is_star(pattern: Parts) -> bool:
    """Whether the pattern matches the text `*`, which stands for the resource of an action that has none (M5)."""
    return bool(matcher(pattern)("*"))
