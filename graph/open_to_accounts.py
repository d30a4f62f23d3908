"""Resources that whoever has an AWS account is let at, though no policy names them: nobody's row of a graph tells it.

An ACL may be for all who are signed in, and a policy for everybody but the unsigned. What the unsigned may do as surely
is left to what is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from graph.access_points import BEHIND, bucket_of
from graph.contents import CONTENTS, ContentPatterns
from graph.deciding import rank_of
from graph.subjects import ANONYMOUS
from graph.told import NO_WHERE, NOTHING, Told
from model.entities import AccessPoint, Resource
from policy.actions import catalogue
from policy.assemble import Assembler
from policy.context import Caller
from policy.document import Statement
from policy.expression import FALSE, KeyLeaf, leaves
from policy.inputs import PolicyRef
from policy.request import Principal
from policy.verdicts import Because, Decision, Verdict

#: The id of no account. What lets it in lets in all that no policy names.
NO_ACCOUNT = "000000000000"

#: Of whom that tells.
ANY_ACCOUNT = "whoever has any AWS account"

_SIGNED_IN = "AuthenticatedUsers"

#: What nobody of another organisation has, or has otherwise.
_ORGANISATION = "aws:principalorgid"


class OpenTo(NamedTuple):
    """What whoever has an account may do at a resource or behind an access point: actions that are Allowed, or all of
    them Conditional; ``keys`` are those that the first one hangs on, ``because`` what it rests on."""

    arn: str
    verdict: Verdict
    actions: tuple[str, ...]
    keys: tuple[str, ...]
    because: Because


def anybody_may(verdict: Verdict) -> str:
    """The beginning of a sentence about what whoever has an account may do: Allowed, or under conditions."""
    return f"{ANY_ACCOUNT} {'can' if verdict is Verdict.ALLOWED else 'may, under conditions, be able to'}"


def open_to_any_account(assembler: Assembler) -> Iterator[OpenTo]:
    """The resources of an inventory, and its access points, that any account is let at by more than the unsigned."""
    both = tuple(assembler.caller(Principal.parse(one)) for one in (NO_ACCOUNT, ANONYMOUS))
    for resource in assembler.inventory.all_resources():
        if _may_be_open(assembler, resource):
            yield from _opened(assembler, both, resource.arn, _names(assembler, resource))
    for point in assembler.inventory.data.access_points:
        if _is_open(assembler, point.arn, point.policy):
            yield from _opened(assembler, both, point.arn, _names_behind(assembler, point))


def _may_be_open(assembler: Assembler, resource: Resource) -> bool:
    settings = resource.s3
    if settings is not None and any(one.grantee == _SIGNED_IN for one in settings.acl or ()):
        return True
    return resource.type != "iam:role" and _is_open(assembler, resource.arn, resource.policy)


def _is_open(assembler: Assembler, arn: str, policy: str | None) -> bool:
    document = assembler.ref(f"{arn}#policy", policy).document if policy else None
    return document is not None and any(map(_is_for_strangers, document.statements))


def _is_for_strangers(statement: Statement) -> bool:
    if not statement.lets_in_anybody:
        return False
    told = Told(NOTHING, _ORGANISATION, ("o-0000000000",))
    return not any(one.key == _ORGANISATION and one.truth(told, NO_WHERE) is FALSE for one in statement.conditions)


def _names(assembler: Assembler, resource: Resource) -> Iterator[str]:
    """A resource, and one of each part of its contents."""
    yield resource.arn
    if resource.type in CONTENTS:
        yield from _inside(assembler, resource, (), resource.arn + CONTENTS[resource.type])


def _names_behind(assembler: Assembler, point: AccessPoint) -> Iterator[str]:
    """An access point, and one of each part of what lies behind it."""
    yield point.arn
    own = (assembler.ref(f"{point.arn}#policy", point.policy),)
    yield from _inside(assembler, bucket_of(assembler.inventory, point)[0], own, point.arn + BEHIND)


def _inside(assembler: Assembler, container: Resource, more: Iterable[PolicyRef], start: str) -> Iterator[str]:
    patterns = ContentPatterns(assembler.now)
    own = (assembler.ref(f"{container.arn}#policy", container.policy),) if container.policy else ()
    over = (ref for level in assembler.guardrails("rcp", container.account) for ref in level.policies)
    patterns.add_all((*own, *more, *over), (), everybody=True)
    target = assembler.place(container.arn, "", container.account).target
    yield from (start + part.text for part in patterns.parts(container, target, also=start))


def _opened(assembler: Assembler, both: Sequence[Caller], owner: str, arns: Iterable[str]) -> Iterator[OpenTo]:
    """What the one of ``both`` may do at some ARN and the other, unsigned, not as surely."""
    anybody, unsigned = both
    found: dict[str, Decision] = {}
    for arn in arns:
        for action in catalogue().actions_for_resource(arn):
            decision = assembler.decide(anybody, action, arn)
            rank = rank_of(decision.verdict)
            best = rank_of(found[action].verdict) if action in found else 2
            if rank < best and rank < rank_of(assembler.decide(unsigned, action, arn).verdict):
                found[action] = decision
    if not found:
        return
    verdict = min((decision.verdict for decision in found.values()), key=rank_of)
    some = {action: decision for action, decision in sorted(found.items()) if decision.verdict is verdict}
    first = next(iter(some.values()))
    asked = () if first.residual is None else leaves(first.residual)
    keys = tuple(sorted({leaf.key for leaf in asked if isinstance(leaf, KeyLeaf)}))
    because = next((one for one in first.because if one.effect == "Allow"), first.because[0])
    yield OpenTo(owner, verdict, tuple(some), keys, because)
