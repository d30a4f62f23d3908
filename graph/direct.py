"""Who can do something by their own request, with its outcome: read from the tables where they have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from graph.contents import in_contents
from graph.deciding import Outcome
from graph.steps import WITH_SAML, WITH_WEB_IDENTITY
from graph.subjects import Subject
from graph.tables import Tables
from graph.world import World
from model.arn import account_of
from model.entities import Resource
from policy.actions import catalogue
from policy.required import needs_others

#: What nobody but identity providers calls (semantics L13).
FEDERATED = (WITH_SAML, WITH_WEB_IDENTITY)


class Direct(NamedTuple):
    """Whoever asks for themselves, of one build."""

    world: World
    tables: Tables

    def outcomes(self, action: str, resource: str) -> dict[int, Outcome]:
        """What everybody gets who can, by index. The tables have it of a resource and what touches nothing else; all
        other requests are decided."""
        container = self.world.inventory.container(resource)
        if container is not None and container.arn == resource and self._is_told(action, resource):
            partition = self.tables.of_account(container.account)
            return {} if partition is None else partition.outcomes(action, partition.class_of(resource))
        decide = self.world.decider.decide
        asking = ((one.index, decide(one, action, resource)) for one in self.asking(action, resource))
        return {index: outcome for index, outcome in asking if outcome.can}

    @staticmethod
    def _is_told(action: str, resource: str) -> bool:
        told = action not in FEDERATED and action in catalogue().actions_for_resource(resource)
        return told and not needs_others(action, resource)

    def asking(self, action: str, resource: str) -> Iterator[Subject]:
        """Subjects whose own request may be answered.

        For a resource they are those who hold the action on it in the tables, for contents those who hold it on some
        part of the container; for an ARN nobody collected everyone of its account, and everyone at all where a policy
        that was not read may let them in. Of an action that is about resources of another type the tables say nothing.
        """
        container = self.world.inventory.container(resource)
        if action in FEDERATED:
            yield from (subject for subject in self.world.subjects.all if subject.kind == "Provider")
            return
        if container is not None:
            yield from self._holding(action, resource, container)
            return
        account = account_of(resource)
        place = self.world.assembler.place(resource, action.lower(), account or None)
        if place.point is not None:
            yield from self.world.access_points.at(place.point).asking()
            return
        ways = self.world.assembler.shares, self.world.assembler.delegated
        closed = account in self.world.inventory.accounts and not any(one.concern(place.target) for one in ways)
        if closed and self.world.assembler.resource_policy(place, action.lower()) is None:
            yield from self.world.candidates.inside(account)
            return
        yield from self.world.candidates.anybody

    def _holding(self, action: str, resource: str, container: Resource) -> Iterator[Subject]:
        partition = self.tables.of_account(container.account)
        if partition is None:
            return
        classes = [partition.class_of(resource)] if resource == container.arn else partition.inside(container.arn)
        found = set(partition.holding(action, classes))
        if resource != container.arn or action not in catalogue().actions_for_resource(resource):
            # A part of the contents that no class stands for: whoever may have access there is asked all the same.
            found.update(subject.index for subject in self.world.candidates.inside(container.account))
            if not in_contents(resource, container):
                place = self.world.assembler.place(resource, action.lower(), container.account)
                beyond = self.world.candidates.beyond(place)
                shared = self.world.resolver.shared
                found.update(subject.index for subject in shared.let_in(beyond, container, resource))
        yield from (self.world.subjects.all[index] for index in sorted(found))
