"""What resolving one account yields: its classes, and who holds what on which of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from graph.classes import ResourceClass
from graph.deciding import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: In evidence and residuals, what belongs to the resource that is decided about: classes share one text (`#policy`).
ITSELF = "${resource}"

#: What stands for a resource's own ARN in what its own policy says: so equal policies of several resources are equal.
SELF = "${self}"


@dataclass(frozen=True, slots=True)
class Grant:
    """``subject`` (index) may do ``actions`` to the class (index) with this outcome: Allowed or Conditional."""

    subject: int
    resource_class: int
    outcome: Outcome
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What is granted. ``related``: the outcome speaks of ``ITSELF``, which is each class's own resource."""

    outcome: Outcome
    actions: tuple[str, ...]
    related: bool


class Lent(NamedTuple):
    """A resource that principals of other accounts may be let at, and which of them are: what hangs on them here.

    ``type`` is its own. It may be used by who has one of ``names`` (as ``graph.naming.written``), by ``everyone`` of
    the organisation, or, where ``unnamed``, by who is of an account without a known canonical id; of users and roles by
    those alone whose policies may allow it. ``reached`` (sorted indexes) are who came of it, but for its own account.
    """

    arn: str
    type: str
    names: tuple[str, ...]
    everyone: bool
    unnamed: bool
    reached: tuple[int, ...]


@dataclass(slots=True)
class Partition:
    """One account. A row says that subjects (a set, by place in ``holders``) hold a content (by place in ``contents``)
    on classes (a set, by place in ``sets``: their places in ``classes``)."""

    account: str
    classes: list[ResourceClass] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)
    holders: list[tuple[int, ...]] = field(default_factory=list)
    sets: list[NDArray[np.int32]] = field(default_factory=list)
    rows: list[tuple[int, int, int]] = field(default_factory=list)
    lent: list[Lent] = field(default_factory=list)
    #: Whether a policy on a resource reads the clock.
    clocked: bool = False

    def grants(self) -> Iterator[Grant]:
        """Every grant, spelled out: one subject, one class (its place in this partition)."""
        for holders, content, classes in self.rows:
            for place in self.sets[classes].tolist():
                for subject in self.holders[holders]:
                    found = self.contents[content]
                    yield Grant(subject, place, outcome_on(found, self.classes[place]), found.actions)


def outcome_on(content: Content, item: ResourceClass) -> Outcome:
    """The outcome as it stands for one class."""
    return spelled(content.outcome, item.owner, item.representative) if content.related else content.outcome


def spelled(outcome: Outcome, owner: str, arn: str) -> Outcome:
    """An outcome with ``ITSELF`` and ``SELF`` replaced by ARNs; ``owner`` is the container of contents."""
    return replace(
        outcome,
        residual=_spelled(outcome.residual, owner, arn),
        because=tuple(_spelled(item, owner, arn) for item in outcome.because),
    )


#: How documents on a resource's side are called behind its ARN. What holds policies has others too: `#inline:…`.
_ON_IT = ("#policy", "#trust", "#acl", "#public-access-block", "#grants", "#grant:")


def related(residual: Any, owner: str, arn: str) -> Any:
    """A residual as plain data, with the documents on ``owner``, and ``arn`` itself, said of ``ITSELF``.

    What other policies say by name stays as it is: it is the same of whatever resource is decided about.
    """
    if isinstance(residual, list):
        return [related(item, owner, arn) for item in residual]
    if not isinstance(residual, dict):
        return residual
    found = {key: related(item, owner, arn) if key in ("all", "any", "not") else item for key, item in residual.items()}
    for key in ("policy", "document"):
        if key in found:
            found[key] = related_document(found[key], owner)
    if found.get("resource") == arn != "*":
        found["resource"] = ITSELF
    if found.get("policy") != residual.get("policy"):
        if "values" in found:
            found["values"] = [value.replace(owner, SELF) for value in found["values"]]
        if "matches" in found:
            found["matches"] = found["matches"].replace(owner, SELF)
    return found


def related_document(id: str | None, owner: str) -> str | None:
    """The name of a document, said of ``ITSELF`` where it is on the side of ``owner``."""
    if id is not None and id.startswith(owner) and id.startswith(_ON_IT, len(owner)):
        return ITSELF + id[len(owner) :]
    return id


def _spelled(value: Any, owner: str, arn: str) -> Any:
    if isinstance(value, str):
        if value.startswith(ITSELF + "#"):
            return owner + value[len(ITSELF) :]
        return arn if value == ITSELF else value.replace(SELF, owner)
    if isinstance(value, dict):
        return {key: _spelled(item, owner, arn) for key, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item, owner, arn) for item in value]
    return value
