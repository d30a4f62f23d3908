"""One caller aimed at one resource: the requests it can make there, action by action."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from policy.context import NO_OVERRIDES, Caller, Overrides, RequestContext
from policy.endpoints import endpoint_policy, through
from policy.inputs import Inputs, PolicyRef, Settings
from policy.request import Request
from policy.targets import Place

if TYPE_CHECKING:
    from policy.assemble import Assembler


class Aim:
    """One caller and one resource, ready for any number of actions."""

    __slots__ = ("_assembler", "_bare", "_by_policy", "caller", "place", "resource")

    def __init__(self, assembler: Assembler, caller: Caller, place: Place, resource: str, inputs: Inputs) -> None:
        self._assembler = assembler
        self._bare = inputs
        self._by_policy: dict[tuple[PolicyRef | None, tuple[PolicyRef, ...]], Inputs] = {}
        self.caller = caller
        self.place = place
        self.resource = resource

    @property
    def settings(self) -> Settings:
        """What the resource's service looks at beside policies, whatever the action."""
        return self._bare.settings

    def inputs(self, action: str) -> Inputs:
        """The documents that decide ``action`` (lower case): a role's trust policy decides only some."""
        policy = self._assembler.resource_policy(self.place, action)
        target, caller = self.place.target, self.caller.principal
        shares = self._assembler.shares.of(target, caller, action)
        if target.service in ("iam", "sso") and self.place.container is None:
            shares += self._assembler.delegated.of(target, caller, action)
        if policy is None and not shares:
            return self._bare
        found = self._by_policy.get((policy, shares))
        if found is None:
            found = self._by_policy[policy, shares] = self._bare.on(policy, shares)
        return found

    def request(self, action: str, overrides: Overrides = NO_OVERRIDES) -> tuple[Request, Inputs]:
        """The request for one action, and every document that applies to it."""
        lower = action.lower()
        target = self.place.target
        if self.resource == "*":  # what the request is for is then told by the action alone
            target = self._assembler.place(self.resource, lower, self.caller.principal.account).target
        inputs = self.inputs(lower)
        if overrides:
            endpoints = self._assembler.inventory.endpoints
            inputs = replace(inputs, vpce=endpoint_policy(overrides, endpoints, self._assembler.ref))
            overrides = through(overrides, endpoints)
        context = RequestContext(self.caller, target, lower, self._assembler.now, overrides)
        # A stranger's account has no number here, and is another one than the caller's all the same.
        owner = target.account or ("" if target.foreign else None)
        request = Request(self.caller.principal, action, self.resource, owner, context)
        return request, inputs
