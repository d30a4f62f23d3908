"""The rows of one account, made of its part of the tables and its resources: classes, grants, resources."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from graph.access_classes import GraphClasses, common, each, only
from graph.access_levels import levels_in
from graph.columns import Lists
from graph.kinds import EdgeTable
from graph.outcome_text import text_under_conditions
from graph.partition import ITSELF, SELF
from graph.patterns import minimal
from graph.rows import Pieces
from graph.stored import StoredPartition
from graph.subjects import ANONYMOUS, Subjects
from graph.table_format import arrow
from model.entities import Resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: Sessions of a role in which a grant holds, where its two kinds of session decide differently (semantics L14).
ASKED_DIRECTLY = "asked directly, or assumed by a user with MFA"
CHAINED = "after a second role, Identity Center, a service or a provider: without MFA"


class Holders:
    """The subjects of a build in columns; ``own`` is the one that a role's session without MFA belongs to."""

    def __init__(self, subjects: Subjects) -> None:
        everyone = subjects.all
        self.keys = arrow().array([subject.key for subject in everyone])
        names = list(dict.fromkeys(subject.kind for subject in everyone))
        self.kinds = names
        self.kind: Numbers = np.array([names.index(subject.kind) for subject in everyone], dtype=np.int64)
        self.lost: Flags = np.array([subject.lost for subject in everyone], dtype=bool)
        self.own: Numbers = np.array([subjects.by_key[subject.key].index for subject in everyone], dtype=np.int64)
        #: Whether it is a role with two sessions.
        self.two: Flags = np.zeros(len(everyone), dtype=bool)
        self.two[self.own[self.lost]] = True
        self.anyone = subjects.by_key[ANONYMOUS].index


class ActionPatterns:
    """Sets of actions, by their numbers in the tables, as the few patterns that a Grant shows."""

    def __init__(self, sets: Sequence[tuple[str, ...]]) -> None:
        self._sets = sets
        self._known: dict[int, list[str]] = {}

    def of(self, number: int) -> list[str]:
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = list(minimal(self._sets[number]))
        return found


class AccountRows:
    """What one account adds to the graph."""

    def __init__(
        self,
        partition: StoredPartition,
        resources: Sequence[Resource],
        holders: Holders,
        patterns: ActionPatterns,
        has: Callable[[str, str], bool],
    ) -> None:
        self._partition = partition
        self._resources = resources
        self._holders = holders
        self._patterns = patterns
        self._has = has
        self._account = partition.account
        self._classes = GraphClasses(partition)

    def add_to(self, pieces: Pieces) -> None:
        """Adds every row of the account."""
        self._add_classes(pieces)
        self._add_resources(pieces)
        self._add_grants(pieces)

    # -- classes

    def _texts(self, name: str) -> list[str]:
        found: list[str] = self._partition.column("classes", name).to_pylist()
        return found

    @cached_property
    def _contents(self) -> Flags:
        return self._classes.contents

    @cached_property
    def _keys(self) -> list[str]:
        """The key of the class of the graph, for each class of the tables, then for each wide one."""
        narrow = [f"class:{self._account}:{first}" for first in self._classes.first.tolist()]
        return narrow + [f"class:{self._account}:{wide.narrow[0]}+{len(wide.narrow)}" for wide in self._classes.wide]

    def _add_classes(self, pieces: Pieces) -> None:
        patterns, owners = self._texts("pattern"), self._texts("owner")
        shown: dict[int, list[str]] = {}
        for index, first in enumerate(self._classes.first.tolist()):
            shown.setdefault(first, []).append(patterns[index])
        chosen = list(shown)
        joined = [common(several) for several in shown.values()]
        sizes = np.diff(self._partition.column("classes", "members").offsets.to_numpy())
        columns = {name: self._partition.column("classes", name).take(arrow().array(chosen)) for name in _PLACE}
        pieces.nodes(
            "ResourceClass",
            key=[self._keys[index] for index in chosen],
            name=joined,
            pattern=joined,
            type=columns["type"],
            account_id=columns["account"],
            region=columns["region"],
            size=sizes[chosen].astype(np.int64),
            open=columns["open"],
            wide=[False] * len(chosen),
        )
        parts = np.flatnonzero(self._contents).tolist()
        pieces.edges(
            EdgeTable("INSIDE", "ResourceClass", "Resource"),
            [self._keys[index] for index in parts],
            [owners[index] for index in parts],
            part=[patterns[index] for index in parts],
        )
        self._add_wide(pieces, dict(zip(chosen, joined, strict=True)))

    def _add_wide(self, pieces: Pieces, patterns: dict[int, str]) -> None:
        """Classes that join others, which grants on all of them cover in their place."""
        wide = self._classes.wide
        keys = self._keys[self._classes.count :]
        kinds, regions = self._texts("type"), self._texts("region")
        opened = self._partition.column("classes", "open").to_pylist()
        joined = [common([patterns[index] for index in one.narrow.tolist()]) for one in wide]
        pieces.nodes(
            "ResourceClass",
            key=keys,
            name=joined,
            pattern=joined,
            type=[only({kinds[index] for index in one.narrow.tolist()}) for one in wide],
            account_id=[self._account] * len(wide),
            region=[only({regions[index] for index in one.narrow.tolist()}) for one in wide],
            size=[0 if one.contents else len(one.inside) for one in wide],
            open=[opened[int(one.narrow[0])] for one in wide],
            wide=[True] * len(wide),
        )
        of_contents = [(key, one.inside.tolist()) for key, one in zip(keys, wide, strict=True) if one.contents]
        pieces.edges(
            EdgeTable("INSIDE", "ResourceClass", "Resource"),
            [key for key, inside in of_contents for _ in inside],
            [self._classes.containers[place] for _, inside in of_contents for place in inside],
        )
        members = self._partition.column("classes", "members").flatten()
        others = [
            (key, one.inside) for key, one in zip(keys, wide, strict=True) if len(one.inside) and not one.contents
        ]
        pieces.edges(
            EdgeTable("CONTAINS", "ResourceClass", "Resource"),
            [key for key, inside in others for _ in inside],
            [arn for _, inside in others for arn in members.take(arrow().array(inside)).to_pylist()],
        )
        pieces.edges(
            EdgeTable("WITHIN", "ResourceClass", "ResourceClass"),
            [self._keys[index] for one in wide for index in one.narrow.tolist()],
            [key for key, one in zip(keys, wide, strict=True) for _ in one.narrow],
        )

    # -- resources

    @cached_property
    def _public(self) -> tuple[Numbers, dict[str, int]]:
        """What anyone can do on each class, and on any part of each container: 0 nothing, 1 perhaps, 2 something."""
        holders, contents, sets = self._partition.grants
        best = np.zeros(self._partition.count, dtype=np.int64)
        rows = np.flatnonzero(np.isin(holders, self._partition.holders.having(self._holders.anyone)))
        for row in rows.tolist():
            reached = self._partition.sets[int(sets[row])]
            best[reached] = np.maximum(best[reached], 2 if self._partition.allowed[contents[row]] else 1)
        inside: dict[str, int] = {}
        owners = self._partition.column("classes", "owner")
        for index in np.flatnonzero(self._contents & (best > 0)).tolist():
            owner = owners[index].as_py()
            inside[owner] = max(inside.get(owner, 0), int(best[index]))
        return best, inside

    def _add_resources(self, pieces: Pieces) -> None:
        resources, best = self._resources, self._best()
        keys = [resource.arn for resource in resources]
        pieces.nodes(
            "Resource",
            key=keys,
            name=[resource.name for resource in resources],
            arn=keys,
            type=[resource.type for resource in resources],
            account_id=[resource.account for resource in resources],
            region=[resource.region for resource in resources],
            tags=[[f"{name}={value}" for name, value in sorted((one.tags or {}).items())] for one in resources],
            public=[("no", "unknown", "yes")[best.get(key, 0)] for key in keys],
        )
        if self._has("Account", f"account:{self._account}"):
            account = [f"account:{self._account}"] * len(keys)
            pieces.edges(EdgeTable("IN_ACCOUNT", "Resource", "Account"), keys, account)
        carrying = [one for one in resources if one.role and self._has("Role", one.role)]
        pieces.edges(
            EdgeTable("CARRIES", "Resource", "Role"), [one.arn for one in carrying], [one.role for one in carrying]
        )
        guarded = [resource for resource in resources if resource.policy != ""]
        policies = [f"{resource.arn}#policy" for resource in guarded]
        pieces.nodes(
            "Policy",
            key=policies,
            name=[f"policy of {resource.name}" for resource in guarded],
            arn=policies,
            type=["resource"] * len(guarded),
            aws_managed=[False] * len(guarded),
        )
        members = self._partition.column("classes", "members")
        classes = np.repeat(np.arange(len(members)), np.diff(members.offsets.to_numpy())).tolist()
        pieces.edges(
            EdgeTable("CONTAINS", "ResourceClass", "Resource"), [self._keys[index] for index in classes], _flat(members)
        )

    def _best(self) -> dict[str, int]:
        """What anyone can do on each resource, where it is anything."""
        by_class, found = self._public
        if by_class.any():
            members = self._partition.column("classes", "members")
            for index in np.flatnonzero(by_class).tolist():
                for arn in members[index].as_py():
                    found[arn] = max(found.get(arn, 0), int(by_class[index]))
        return found

    # -- grants

    @cached_property
    def _alike(self) -> tuple[Numbers, list[int]]:
        """For each content the number of what it says, and for each such number the first content that says it."""
        columns = [self._partition.column("contents", name).to_pylist() for name in _SAID]
        known: dict[tuple[Any, ...], int] = {}
        first: list[int] = []
        numbers = []
        for content, said in enumerate(zip(*columns, strict=True)):
            if said not in known:
                known[said] = len(first)
                first.append(content)
            numbers.append(known[said])
        return np.array(numbers, dtype=np.int64), first

    @cached_property
    def _grants(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Grants as (content, set of classes), each once; then for each row of the tables its holders and its grant."""
        holders, contents, sets = self._partition.grants
        numbers, first = self._alike
        pairs: Numbers = numbers[contents] * len(self._partition.sets) + sets
        found, grant = np.unique(pairs, return_inverse=True)
        content, chosen = np.divmod(found, max(len(self._partition.sets), 1))
        said = np.array(first, dtype=np.int64)[content]
        return said, chosen, holders.astype(np.int64), grant

    def _add_grants(self, pieces: Pieces) -> None:
        contents, sets, _, _ = self._grants
        if not len(contents):
            return
        pa = arrow()
        keys = pa.array(self._grant_keys())
        told = self._told()
        places = contents.tolist()
        levels = [levels_in(bits) for bits in self._partition.levels.tolist()]
        actions = self._partition.column("contents", "actions").to_pylist()
        conditional = self._conditional()
        pieces.nodes(
            "Grant",
            key=keys,
            name=[", ".join(levels[place]) for place in places],
            verdict=self._partition.column("contents", "verdict").take(pa.array(contents)),
            conditional=[conditional[place] for place in places],
            levels=[levels[place] for place in places],
            actions=[self._patterns.of(actions[place]) for place in places],
            residual=told["residual"],
            because=told["because"],
        )
        classes = self._classes.covered
        sizes = np.array([len(some) for some in classes], dtype=np.int64)
        covered = np.concatenate([classes[chosen] for chosen in sets.tolist()])
        pieces.edges(
            EdgeTable("COVERS", "Grant", "ResourceClass"),
            keys.take(pa.array(np.repeat(np.arange(len(sets)), sizes[sets]))),
            pa.array(self._keys).take(pa.array(covered)),
        )
        self._add_holds(pieces, keys)

    def _grant_keys(self) -> Iterator[str]:
        """Keys of grants: what is granted, and on which classes of the account."""
        contents, sets, _, _ = self._grants
        columns = [self._partition.column("contents", name).to_pylist() for name in _SAID]
        said = [json.dumps([self._account, *one]).encode() for one in zip(*columns, strict=True)]
        classes = [some.tobytes() for some in each(self._partition.sets)]
        for content, chosen in zip(contents.tolist(), sets.tolist(), strict=True):
            yield hashlib.sha256(said[content] + b"|" + classes[chosen]).hexdigest()[:24]

    def _told(self) -> dict[str, list[str | None]]:
        """Residual and reasons of each grant: what belongs to the resource by its name where there is only one."""
        contents, sets, _, _ = self._grants
        members = np.diff(self._partition.column("classes", "members").offsets.to_numpy())
        related = self._partition.column("contents", "related").to_numpy(zero_copy_only=False)
        single = np.diff(self._partition.sets.offsets)[sets] == 1
        columns = {name: self._partition.column("contents", name).to_pylist() for name in ("residual", "because")}
        found = {name: [values[place] for place in contents.tolist()] for name, values in columns.items()}
        owners, representatives = (self._partition.column("classes", name) for name in ("owner", "representative"))
        for row in np.flatnonzero(related[contents] & single).tolist():
            place = int(self._partition.sets[int(sets[row])][0])
            if members[place] > 1:
                continue
            here = (owners[place].as_py(), representatives[place].as_py())
            for values in found.values():
                values[row] = _spelled(values[row], *here)
        return found

    def _conditional(self) -> list[bool]:
        residuals = self._partition.column("contents", "residual").to_pylist()
        return list(map(text_under_conditions, residuals))

    def _add_holds(self, pieces: Pieces, keys: Any) -> None:
        """Who has which grant; a role's two kinds of session together where both have it."""
        _, _, holders, grants = self._grants
        subject, row = _spread(self._partition.holders, holders)
        count = len(keys)
        held = self._holders.own[subject] * count + grants[row]
        two, lost = self._holders.two[self._holders.own[subject]], self._holders.lost[subject]
        direct, chained = np.unique(held[two & ~lost]), np.unique(held[two & lost])
        both = np.intersect1d(direct, chained, assume_unique=True)
        for session, some in (
            ("", np.concatenate([np.unique(held[~two]), both])),
            (ASKED_DIRECTLY, np.setdiff1d(direct, both, assume_unique=True)),
            (CHAINED, np.setdiff1d(chained, both, assume_unique=True)),
        ):
            who, what = np.divmod(some, count)
            kinds = self._holders.kind[who]
            for kind in np.unique(kinds).tolist():
                mine = kinds == kind
                pieces.edges(
                    EdgeTable("HOLDS", self._holders.kinds[kind], "Grant"),
                    self._holders.keys.take(arrow().array(who[mine])),
                    keys.take(arrow().array(what[mine])),
                    session=[session] * int(mine.sum()),
                )


#: Columns of classes that graph and tables share, and what makes one content say the same as another.
_PLACE = ("type", "account", "region", "open")
_SAID = ("verdict", "residual", "because", "related", "actions")


#: A text in JSON that is ``ITSELF``, or belongs to it: such a quote is no escaped one within another text.
_ITSELF = re.compile(rf"""(?<!\\)"{re.escape(ITSELF)}(#|")""")


def _spelled(text: str | None, owner: str, arn: str) -> str | None:
    """What ``graph.partition.spelled`` says, of JSON."""
    if text is None:
        return None
    whole, beginning = json.dumps(arn), json.dumps(owner)[:-1]
    text = _ITSELF.sub(lambda found: whole if found[1] == '"' else f"{beginning}#", text)
    return text.replace(SELF, beginning[1:])


def _flat(column: Any) -> list[str]:
    found: list[str] = column.flatten().to_pylist()
    return found


def _spread(lists: Lists, chosen: Numbers) -> tuple[Numbers, Numbers]:
    """The members of chosen lists one after another, each with the place of the choice that it comes from."""
    sizes = np.diff(lists.offsets)[chosen]
    row = np.repeat(np.arange(len(chosen)), sizes)
    within = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return lists.values[lists.offsets[:-1][chosen][row] + within].astype(np.int64), row
