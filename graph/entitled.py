"""What an entitlement of account access manager opens: the decision of the role's trust about the service behind it.

Account access manager assumes the role on behalf of the user: "This policy statement allows account access manager to
assume the role and set context on behalf of users", with ``sts:AssumeRole`` and ``sts:SetContext`` for the service
``account-access.amazonaws.com``; of ``sts:TagSession`` AWS says that "without this action, role assumption still
succeeds". ``aws:SourceAccount`` and ``aws:SourceArn`` of these calls are the application's account and ARN.
https://docs.aws.amazon.com/IAM/latest/UserGuide/aam-prepare-roles.html
"""

from __future__ import annotations

from functools import cached_property

from graph.assigned import roles_alone
from graph.deciding import Decider, Outcome, all_of
from graph.subjects import Subject
from model.access_manager import AccessApplication, RoleEntitlement
from model.inventory import Inventory
from policy.context import NO_OVERRIDES, Overrides
from policy.request import Principal
from policy.verdicts import Verdict

SERVICE = "account-access.amazonaws.com"

#: Both must be allowed, or nobody gets in.
_ACTIONS = ("sts:AssumeRole", "sts:SetContext")


class Entitled:
    """Decisions about entitlements of one inventory, each application and role once."""

    def __init__(self, inventory: Inventory, overrides: Overrides = NO_OVERRIDES) -> None:
        self._inventory = inventory
        self._overrides = overrides
        self._known: dict[tuple[str, str], Outcome] = {}

    def outcome(self, entitlement: RoleEntitlement) -> Outcome:
        """Whether whoever has the entitlement gets the role, which is one of the inventory."""
        key = entitlement.application, entitlement.role
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._decide(*key)
        return found

    def _decide(self, application: str, role: str) -> Outcome:
        overrides = self._request(application)
        outcomes = [self._decider.decide(self._service, action, role, overrides) for action in _ACTIONS]
        worst = max(outcomes, key=lambda outcome: outcome.rank)
        because = tuple({repr(item): item for outcome in outcomes for item in outcome.because}.values())
        if not worst.can:
            return Outcome(worst.verdict, None, worst.because, certain=False)
        trees = [outcome.residual for outcome in outcomes]
        certain = all(outcome.certain for outcome in outcomes)
        known = self._applications.get(application)
        if known is None or known.status != "ACTIVE":
            # Not read, made or taken down just now: AWS does not say what its entitlements open until it is active.
            trees.append({"document": application})
            certain = False
        residual = all_of(trees)
        verdict = Verdict.ALLOWED if residual is None else Verdict.CONDITIONAL
        return Outcome(verdict, residual, because, certain)

    def _request(self, application: str) -> Overrides:
        """What is known of the service's calls; what the asker said of the context is about them too."""
        account = application.split(":", 5)[4]
        given = {"aws:sourcearn": (application,), "aws:sourceaccount": (account,)}
        organization = self._inventory.organization
        if organization is not None and organization.id and account in self._inventory.accounts:
            given["aws:sourceorgid"] = (organization.id,)
            if self._inventory.accounts[account].path:
                given["aws:sourceorgpaths"] = (self._inventory.organization_path(account),)
        said = self._overrides
        return Overrides({**said.given, **given}, said.absent - given.keys(), said.unknown - given.keys())

    @cached_property
    def _applications(self) -> dict[str, AccessApplication]:
        return {item.arn: item for item in self._inventory.data.access_applications}

    @cached_property
    def _decider(self) -> Decider:
        roles = self._inventory.roles
        named = dict.fromkeys(item.role for item in self._inventory.data.entitlements if item.role in roles)
        return roles_alone(self._inventory, (roles[arn] for arn in named))

    @cached_property
    def _service(self) -> Subject:
        caller = self._decider.assembler.caller(Principal.parse(SERVICE))
        return Subject(-1, SERVICE, "Service", caller)


def entitlement_id(entitlement: RoleEntitlement) -> str:
    """The name of an entitlement in explanations; its id is unique in its application."""
    return f"{entitlement.application}#entitlement:{entitlement.id}"
