"""What an assignment of Identity Center opens: its role, unless what the organisation limits keeps the sign-in out.

The assignment is AssumeRoleWithSAML on the role (semantics L15), of somebody who signs in at the account's provider of
Identity Center. The role's trust is Identity Center's own and is not asked; the resource control policies over the
role's account are, as for everybody who calls STS (L3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from graph.deciding import Decider, Outcome, Reason, outcome_of
from graph.steps import WITH_SAML
from graph.subjects import Subject
from model.entities import Resource, Role
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.context import NO_OVERRIDES, Overrides
from policy.decide import decide
from policy.document import parse_document
from policy.inputs import Inputs, PolicyRef
from policy.request import Principal
from policy.verdicts import Verdict

#: Where nothing says anything of the sign-in.
_OPEN = Outcome(Verdict.ALLOWED, None, (), certain=True)

#: In place of the trust.
_ANYBODY = PolicyRef(
    "",
    parse_document('{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:*"}]}', source="policy"),
)


class Assigned:
    """Decisions about the assigned roles of one inventory, each once."""

    def __init__(self, inventory: Inventory, overrides: Overrides = NO_OVERRIDES) -> None:
        self._inventory = inventory
        self._overrides = overrides
        self._limited: dict[str, bool] = {}
        self._known: dict[str, Outcome] = {}

    def opens(self, role: str, because: Iterable[Reason] = ()) -> Outcome:
        """What assignments, which are the reasons, open of a role of the inventory or of one that nobody read."""
        account = role.split(":", 5)[4]
        limited = self._limited.get(account)
        if limited is None:
            limited = self._limited[account] = self._may_limit(account)
        found = self._known.get(role, _OPEN)
        if limited and found is _OPEN:
            found = self._known[role] = self._decide(role, account)
        return replace(found, because=(*because, *found.because))

    def _may_limit(self, account: str) -> bool:
        """Whether a control policy over an account may say something of signing in."""
        refs = (ref for level in self._bare.guardrails("rcp", account) for ref in level.policies)
        return any(
            ref.document is None
            or any(
                not one.allows and (one.acts is None or one.acts(WITH_SAML.lower())) for one in ref.document.statements
            )
            for ref in refs
        )

    def _decide(self, role: str, account: str) -> Outcome:
        assembler = self._decider.assembler
        provider = self._provider(role, account)
        caller = assembler.caller(Principal.parse(provider))
        caller = replace(caller, principal=replace(caller.principal, gone=False))
        request, inputs = assembler.request(caller, WITH_SAML, role, self._overrides)
        decision = decide(request, Inputs(rcps=inputs.rcps, resource=_ANYBODY))
        found = outcome_of(Subject(-1, provider, "Provider", caller), decision)
        return replace(found, because=tuple(one for one in found.because if one["layer"] == "rcp"))

    def _provider(self, role: str, account: str) -> str:
        """The provider of Identity Center that a role's trust names, whichever stands for it where none does."""
        known = self._inventory.roles.get(role)
        document = None if known is None else self._bare.ref(f"{role}#trust", known.trust).document
        for statement in () if document is None else document.statements:
            element = statement.principal_element
            for name in sorted(element.federated) if element is not None and statement.allows else ():
                if f"::{account}:saml-provider/" in name:
                    return name
        return f"{role.partition(':role/')[0]}:saml-provider/AWSSSO_DO_NOT_DELETE"

    @cached_property
    def _bare(self) -> Assembler:
        """Knows no resource."""
        return Assembler(self._inventory.partition_view("", ()))

    @cached_property
    def _decider(self) -> Decider:
        roles = self._inventory.data.roles
        return roles_alone(self._inventory, (role for role in roles if role.permission_set_name is not None))


def roles_alone(inventory: Inventory, roles: Iterable[Role]) -> Decider:
    """Decides about roles alone: their tags are known from them, so that no account's resources are opened."""
    resources = tuple(
        Resource(arn=one.arn, type="iam:role", account=one.account, region="", name=one.name, tags=one.tags)
        for one in roles
        if not one.assumed_from_permission_set
    )
    return Decider(Assembler(inventory.partition_view("", resources)))
