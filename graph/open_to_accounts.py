"""Resources that whoever has an AWS account is let at, though no policy names them: nobody's row of a graph tells it.

An ACL may be for all who are signed in, and a policy for everybody but the unsigned. What the unsigned may do as surely
is left to what is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from graph.contents import CONTENTS, ContentPatterns
from graph.subjects import ANONYMOUS
from graph.told import NO_WHERE, NOTHING, Told
from model.entities import AccessPoint, Resource
from policy.actions import catalogue
from policy.assemble import Assembler
from policy.document import Statement
from policy.expression import FALSE, KeyLeaf, leaves
from policy.inputs import PolicyRef
from policy.request import Principal
from policy.verdicts import Because, Decision, Verdict

#: The id of no account. What lets it in lets in all that no policy names.
NO_ACCOUNT = "000000000000"

_SIGNED_IN = "AuthenticatedUsers"
_RANKS = {Verdict.ALLOWED: 0, Verdict.CONDITIONAL: 1}

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


def open_to_any_account(assembler: Assembler) -> Iterator[OpenTo]:
    """The resources of an inventory, and its access points, that any account is let at by more than the unsigned."""
    for resource in assembler.inventory.all_resources():
        if _may_be_open(assembler, resource):
            yield from _opened(assembler, resource.arn, _names(assembler, resource))
    for point in assembler.inventory.data.access_points:
        if _is_open(assembler, point.arn, point.policy):
            yield from _opened(assembler, point.arn, _names_behind(assembler, point))


def _may_be_open(assembler: Assembler, resource: Resource) -> bool:
    settings = resource.s3
    if settings is not None and any(one.grantee == _SIGNED_IN for one in settings.acl or ()):
        return True
    return resource.type != "iam:role" and _is_open(assembler, resource.arn, resource.policy)


def _is_open(assembler: Assembler, arn: str, policy: str | None) -> bool:
    document = assembler.ref(f"{arn}#policy", policy).document if policy else None
    return document is not None and any(map(_is_for_strangers, document.statements))


def _is_for_strangers(statement: Statement) -> bool:
    element = statement.principal_element
    if element is None or not statement.allows or not (element.everyone or element.negated):
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
    name = f"arn:{point.arn.split(':', 2)[1]}:s3:::{point.bucket}"
    owner = point.bucket_account or point.account
    bucket = assembler.inventory.container(name) or Resource(arn=name, type="s3:bucket", account=owner, region="")
    own = (assembler.ref(f"{point.arn}#policy", point.policy),)
    yield from _inside(assembler, bucket, own, f"{point.arn}/object/")


def _inside(assembler: Assembler, container: Resource, more: Iterable[PolicyRef], start: str) -> Iterator[str]:
    patterns = ContentPatterns(assembler.now)
    own = (assembler.ref(f"{container.arn}#policy", container.policy),) if container.policy else ()
    over = (ref for level in assembler.guardrails("rcp", container.account) for ref in level.policies)
    for ref in (*own, *more, *over):
        if ref.document is not None:
            patterns.add(ref.document, (), everybody=True)
    target = assembler.place(container.arn, "", container.account).target
    yield from (start + part.text for part in patterns.parts(container, target, also=start))


def _opened(assembler: Assembler, owner: str, arns: Iterable[str]) -> Iterator[OpenTo]:
    anybody, unsigned = (assembler.caller(Principal.parse(one)) for one in (NO_ACCOUNT, ANONYMOUS))
    found: dict[str, Decision] = {}
    for arn in arns:
        for action in catalogue().actions_for_resource(arn):
            decision = assembler.decide(anybody, action, arn)
            rank = _RANKS.get(decision.verdict, 2)
            before = found.get(action)
            if rank < (2 if before is None else _RANKS[before.verdict]) and rank < _RANKS.get(
                assembler.decide(unsigned, action, arn).verdict, 2
            ):
                found[action] = decision
    if not found:
        return
    verdict = min((decision.verdict for decision in found.values()), key=_RANKS.__getitem__)
    some = {action: decision for action, decision in sorted(found.items()) if decision.verdict is verdict}
    first = next(iter(some.values()))
    asked = () if first.residual is None else leaves(first.residual)
    keys = tuple(sorted({leaf.key for leaf in asked if isinstance(leaf, KeyLeaf)}))
    because = next((one for one in first.because if one.effect == "Allow"), first.because[0])
    yield OpenTo(owner, verdict, tuple(some), keys, because)
