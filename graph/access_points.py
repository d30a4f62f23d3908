"""What somebody comes to by the name of an S3 access point alone (semantics L7).

The classes of a build tell of buckets by their own names. An access point gives more than its bucket does where a
policy speaks of its name, or asks for keys that only requests through access points carry; both it and the bucket must
allow (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

from graph.account_policies import policy_of
from graph.action_lists import ActionList
from graph.allowing import OWN_POLICIES
from graph.globs import FILLER, glob_of, remainders
from graph.naming import NOBODY, Named, named_by, names_of
from graph.reading import all_keys
from graph.subjects import Subject
from model.entities import AccessPoint, Resource
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.document import Document, Statement
from policy.inputs import PolicyRef
from policy.patterns import loosened, resource_parts

if TYPE_CHECKING:
    from graph.world import World

#: Keys that only requests through an access point carry, and with what the names of others begin.
_KEYS = frozenset({"s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:accesspointnetworkorigin"})
_TAGS = "s3:accesspointtag/"

#: What stands between the name of a bucket or an access point and a key.
_IN_BUCKET, BEHIND = "/", "/object/"

#: Fewer are looked at one by one.
_FEW = 32

#: Actions about the tags of what an ARN names: of the access point, not of its bucket.
_OWN_TAGS = frozenset({"s3:tagresource", "s3:untagresource", "s3:listtagsforresource"})


@dataclass(frozen=True, slots=True)
class Kind:
    """The bucket, or its objects, by both names: the actions that requests by either can be."""

    actions: ActionList
    both: int


def bucket_of(inventory: Inventory, point: AccessPoint) -> tuple[Resource, bool]:
    """The bucket behind an access point, and whether it is made up, since nobody collected it."""
    name = f"arn:{point.arn.split(':', 2)[1]}:s3:::{point.bucket or FILLER}"
    found = inventory.container(name)
    owner = point.bucket_account or point.account
    return found or Resource(arn=name, type="s3:bucket", account=owner, region=point.region), found is None


class Door:
    """An access point with its bucket, which need not have been collected."""

    def __init__(self, world: World, point: AccessPoint) -> None:
        self.point = point
        self._world = world
        self._assembler = world.assembler
        #: ``alone``: nobody collected the bucket, so that no other answer tells of it.
        self.container, self.alone = bucket_of(world.inventory, point)
        self.name = self.container.arn
        self._over = tuple(self._of_bucket())
        own = () if point.policy == "" else (world.assembler.ref(f"{point.arn}#policy", point.policy),)
        #: The policies of the bucket and over it, and that of the access point.
        self.policies = (*self._over, *own)
        self._special: dict[Document, tuple[Statement, ...]] = {}
        lists = world.resolver.shared.lists
        of_bucket = (lists.of("s3:bucket", self.name), lists.of("s3:bucket/", f"{self.name}/x"))
        by_name = (lists.of("", point.arn), lists.of("", f"{point.arn}{BEHIND}x"))
        self.whole, self.objects = (Kind(one, _shared(one, two)) for one, two in zip(by_name, of_bucket, strict=True))

    def _of_bucket(self) -> Iterator[PolicyRef]:
        ref = None if self.alone else policy_of(self._assembler, self.container)[0]
        if ref is not None:
            yield ref
        for level in self._assembler.guardrails("rcp", self.container.account):
            yield from level.policies

    @cached_property
    def opening(self) -> tuple[Statement, ...]:
        """What is said for everybody by which the access point may give more than the bucket; its own policy can only
        give less, since both must allow."""
        return tuple(one for ref in self._over for one in self.special(ref.document))

    def of(self, subject: Subject) -> tuple[Statement, ...]:
        """What the subject's own policies, boundary and guardrails say by which it may give them more."""
        return tuple(one for ref in self.limits(subject) for one in self.special(ref.document))

    def limits(self, subject: Subject) -> Iterator[PolicyRef]:
        """The policies of a subject and over it."""
        return _limits(self._assembler, subject)

    def special(self, document: Document | None) -> tuple[Statement, ...]:
        """The statements of a document that can say something else of a request through the access point."""
        if document is None:
            return ()
        found = self._special.get(document)
        if found is None:
            likely = speaking(document) if self.point.vpc == "" else document.statements
            found = tuple(one for one in likely if self._asks(one) or self._speaks(document, one))
            self._special[document] = found
        return found

    def _asks(self, statement: Statement) -> bool:
        return _asks_of_points(statement) or bool(self.point.vpc and "aws:sourcevpc" in all_keys(statement))

    def _speaks(self, document: Document, statement: Statement) -> bool:
        """Whether one of its patterns is about other names than the bucket's own."""
        pairs = ((self.point.arn, self.name), (self.point.arn + BEHIND, self.name + _IN_BUCKET))
        for glob in _globs(document, statement):
            for mine, of_bucket in pairs:
                behind = remainders(glob, mine)
                if behind and behind != remainders(glob, of_bucket):
                    return True
        return False

    def asking(self) -> list[Subject]:
        """Whoever may have access here: by own policies, or by those of the bucket and the access point alone."""
        world = self._world
        found: dict[int, Subject] = {}
        for account in {self.container.account, self.point.account}:
            found.update((one.index, one) for one in world.candidates.inside(account) if self._is_named(one))
        found.update((one.index, one) for one in world.candidates.anybody if one.kind not in OWN_POLICIES)
        for arn, between in self._names_with_contents:
            found.update(world.resolver.shared.allowing.on(arn, "s3", arn + between))
        return [found[index] for index in sorted(found)]

    def _is_named(self, subject: Subject) -> bool:
        """Whether the policy of the access point may let in a subject by itself: their own need not then."""
        if self._named is None or self._named.everyone:
            return True
        account = ("account", subject.account)  # that one gives to whom their own policies let
        return not self._named.names.isdisjoint(name for name in names_of(subject) if name != account)

    @cached_property
    def _named(self) -> Named | None:
        if self.point.policy == "":
            return NOBODY
        document = self._assembler.ref(f"{self.point.arn}#policy", self.point.policy).document
        return None if document is None else named_by(document)

    @property
    def _names_with_contents(self) -> tuple[tuple[str, str], ...]:
        return (self.name, _IN_BUCKET), (self.point.arn, BEHIND)

    def may_serve(self, subject: Subject) -> bool:
        """Whether the subject, for whom nothing special is said, may have access here at all."""
        owners = {self.container.account, self.point.account}
        if subject.kind not in OWN_POLICIES or subject.account in owners:
            return True
        allowing = self._world.resolver.shared.allowing
        return any(allowing.may(subject, arn, "s3", arn + between) for arn, between in self._names_with_contents)


def _limits(assembler: Assembler, subject: Subject) -> Iterator[PolicyRef]:
    assert subject.caller is not None
    for refs in assembler.identity(subject.caller.principal):
        yield from refs
    for level in assembler.guardrails("scp", subject.account) if subject.account else ():
        yield from level.policies


def _globs(document: Document, statement: Statement) -> Iterator[str]:
    for text in (*(statement.resources or ()), *(statement.not_resources or ())):
        yield glob_of(loosened(resource_parts(text, variables=document.version == "2012-10-17")))


@lru_cache(maxsize=1 << 16)
def speaking(document: Document) -> tuple[Statement, ...]:
    """The statements of a document that may say something else of a request through some access point, one that takes
    requests from anywhere: of most documents none."""
    return tuple(
        one for one in document.statements if _asks_of_points(one) or any(map(_may_name_one, _globs(document, one)))
    )


def _asks_of_points(statement: Statement) -> bool:
    return any(key in _KEYS or key.startswith(_TAGS) for key in all_keys(statement))


def _may_name_one(glob: str) -> bool:
    """Whether a glob may match the ARN of an access point otherwise than that of a bucket: the one has a region and an
    account where the other has nothing."""
    parts = glob.split(":", 3)
    if len(parts) == 4 and not any("*" in part or "?" in part for part in parts[:3]):
        return parts[2] == "s3" and not parts[3].startswith("::") and parts[3] != "*"
    return glob != "*"


def _shared(one: ActionList, other: ActionList) -> int:
    """The actions of a list that another has, too."""
    there = frozenset(other.lowered) - _OWN_TAGS
    return sum(1 << number for number, action in enumerate(one.lowered) if action in there)


class AccessPoints:
    """The access points of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._doors: dict[str, Door] = {}

    def at(self, point: AccessPoint) -> Door:
        """An access point, whether its bucket is known by name or not."""
        found = self._doors.get(point.arn)
        if found is None:
            found = self._doors[point.arn] = Door(self._world, point)
        return found

    @cached_property
    def _of_bucket(self) -> dict[str, list[AccessPoint]]:
        found: defaultdict[str, list[AccessPoint]] = defaultdict(list)
        for point in self._world.inventory.data.access_points:
            if point.bucket:
                found[point.bucket].append(point)
        return dict(found)

    def of(self, resource: str) -> list[Door]:
        """The access points of a bucket, or of the one that an object is in."""
        parts = resource.split(":", 5)
        if len(parts) != 6 or parts[2] != "s3" or parts[4]:
            return []
        return [self.at(point) for point in self._of_bucket.get(parts[5].partition("/")[0], ())]

    def serving(self, holders: Collection[Subject]) -> Iterator[tuple[Door, list[Subject]]]:
        """The access points that may give some of the holders more than the buckets do, with these; of buckets that
        nobody collected all that they may give."""
        points = sorted(self._world.inventory.data.access_points, key=attrgetter("arn"))
        acting = [one for one in holders if one.caller is not None] if points else []
        speak = [one for one in acting if self._may_speak(one)]
        for door in map(self.at, points):
            if not door.opening and not door.alone:
                served = [one for one in (acting if door.point.vpc else speak) if door.of(one)]
            else:
                # Somebody can act as thousands of roles: the index tells who of them may use it.
                able = {one.index for one in door.asking()} if len(acting) > _FEW else None
                served = [
                    one
                    for one in acting
                    if (door.may_serve(one) if able is None or one.index < 0 else one.index in able)
                ]
            if served:
                yield door, served

    def _may_speak(self, subject: Subject) -> bool:
        """Whether something is said of access points by the policies of a subject and over it."""
        refs = _limits(self._world.assembler, subject)
        return any(ref.document is not None and speaking(ref.document) for ref in refs)
