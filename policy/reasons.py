"""What `because` says: the statements, layers and rules that decided.

- `Allowed`: the Allow statements of identity and resource side that gave the access.
- `ExplicitlyDenied`: every Deny that fires for certain; where only their union is certain, all that may.
- `Conditional`: the Allows and Denies that the answer hangs on.
- `ImplicitlyDenied`: each layer that gave no Allow where one was needed, with `effect` "none" and neither sid nor
  statement; `policy` is the SCP level, the boundary or the resource's policy where there is one.

An ACL of S3 is named like a policy of the resource, without sid and statement; so are, where the answer hangs on them,
the grants of a KMS key that nobody read and a grant that is not certain to give it. The policy of an access point is
one of the resource's; an access point that has none is named itself. A rule of AWS that no document states is layer
`rule`, and `policy` is its number in the semantics: `L1` (needs no permission; effect none: it is not for this kind of
caller), `L7` (a KMS grant that gives it for certain, effect Allow; Block Public Access, effect Deny; a request that
does not come from the VPC of its access point, effect none), `L9` (a federated session without session policy, effect
none), `L10` (root user), `L12`, `L13`, `L17`, `M6` (an action that touches several resources; `sid` is the type of
which none is allowed); `account` stands for "some principal of this account, whose own policies allow everything".
"""

from __future__ import annotations

from policy.access_points import AccessPointFold
from policy.expression import FALSE, TRUE, Constant, DocumentLeaf, Residual, either, leaves
from policy.fold import Fold
from policy.inputs import PolicyRef
from policy.layers import Record, is_account_only
from policy.request import WITHOUT_IDENTITY
from policy.services import needs_resource_policy
from policy.verdicts import Because


def rule(number: str, effect: str) -> Because:
    """A rule that no document states."""
    return Because("rule", number, None, None, effect)


def of_denial(fold: Fold) -> tuple[Because, ...]:
    """The statements of an explicit denial."""
    listed = [hit for record in fold.records for hit in record.denies]
    certain = [hit.because for hit in listed if hit.truth is TRUE]
    if fold.public_block is TRUE:
        certain.append(rule("L7", "Deny"))
    return tuple(certain or [hit.because for hit in listed])


def of_allowance(fold: Fold) -> tuple[Because, ...]:
    """The statements that gave the access."""
    if fold.action == "sts:getsessiontoken":
        return (rule("L1", "Allow"),)
    if fold.kind in ("root", "account"):
        found = [rule("L10" if fold.kind == "root" else "account", "Allow")]
    else:
        found = [hit.because for hit in fold.identity.allows if hit.truth is TRUE]
    if fold.resource is not None and fold.resource.allows:
        # In its own account a grant to the account only delegates (L5).
        delegates = fold.crosses or needs_resource_policy(fold.action, fold.request.resource)
        found += [
            hit.because for hit in fold.resource.allows if hit.truth is TRUE and (delegates or not is_account_only(hit))
        ]
    if fold.grants_allow is TRUE:
        found.append(rule("L7", "Allow"))
    if fold.acl is not None and _of_acl(fold) is TRUE:
        found.append(_acl(fold))
    return tuple(found) or of_condition(fold)


def _of_grants(fold: Fold) -> list[Because]:
    """What a key's grants have to do with an answer that hangs on something (L7)."""
    given = fold.grants_allow
    if isinstance(given, Constant):
        return [rule("L7", "Allow")] if given is TRUE else []
    named = (leaf.document if isinstance(leaf, DocumentLeaf) else leaf.where.policy for leaf in leaves(given))
    return [Because("resource", name, None, None, "Allow") for name in dict.fromkeys(named)]


def _of_acl(fold: Fold) -> Residual:
    """What an ACL of S3 gives this caller: a grant to its own account only delegates (L7, L5)."""
    if fold.acl is None:
        return FALSE
    side = fold.acl.side
    return either(side.direct, side.account) if fold.crosses else side.direct


def _acl(fold: Fold) -> Because:
    """An ACL, which has no statements: `policy` is its name."""
    return Because("resource", None if fold.acl is None else fold.acl.document, None, None, "Allow")


def of_condition(fold: Fold) -> tuple[Because, ...]:
    """The statements that the answer hangs on."""
    found: dict[Because, None] = {}
    for record in fold.records:
        if record.layer in ("identity", "resource") or not isinstance(record.allow, Constant):
            found.update(dict.fromkeys(hit.because for hit in record.allows))
        found.update(dict.fromkeys(hit.because for hit in record.denies))
    if fold.kind in ("root", "account"):
        found[rule("L10" if fold.kind == "root" else "account", "Allow")] = None
    found.update(dict.fromkeys(_of_grants(fold)))
    if _of_acl(fold) is not FALSE:
        found[_acl(fold)] = None
    return tuple(found)


_NO_IDENTITY = Because("identity", None, None, None, "none")


def _ungranted(fold: Fold) -> list[Because]:
    """Of the caller's policies and the resource's, those without the Allow that was needed."""
    found: list[Because] = []
    if fold.kind not in WITHOUT_IDENTITY:
        if fold.identity_allow() is FALSE:
            found.append(_NO_IDENTITY)
        if fold.boundary is not None:
            found += _limit(fold.boundary, fold.inputs.boundary)
        if fold.kind == "federated-user" and fold.session is None:
            found.append(rule("L9", "none"))
        if fold.session is not None:
            found += _limit(fold.session, fold.inputs.session or ())
    if isinstance(fold, AccessPointFold):
        found += [Because("resource", policy, None, None, "none") for policy in fold.ungranted_policies()]
    elif fold.side[0] is FALSE and fold.side[1] is FALSE and fold.side[2] is FALSE:
        resource = fold.inputs.resource
        found.append(Because("resource", None if resource is None else resource.id, None, None, "none"))
    return found


def _limit(record: Record, refs: tuple[PolicyRef, ...]) -> list[Because]:
    """A boundary or a session policy that gave no Allow."""
    if record.allow is not FALSE:
        return []
    return [Because(record.layer, refs[0].id if len(refs) == 1 else None, None, None, "none")]


def of_nothing(fold: Fold, refused: str | None) -> tuple[Because, ...]:
    """The layers that gave no Allow where one was needed, or the rule that refuses."""
    if refused is not None:
        return (rule(refused, "none"),)
    # What identity and resource side together gave needs no word of either (L4).
    found = [] if fold.grant() is TRUE else _ungranted(fold)
    for record, level in zip(fold.scps, fold.inputs.scps, strict=False):
        if record.allow is FALSE:
            found.append(Because("scp", level.name, None, None, "none"))
    if fold.vpce is not None and fold.vpce.allow is FALSE:
        found.append(Because("vpce", None, None, None, "none"))
    return tuple(found)
