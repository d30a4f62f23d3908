"""Where patterns of several holders cross: parts of a container's contents that are no class of their own.

Classes are told apart by patterns that can meet in one decision (``graph.contents``). Who can become two roles has what
either has: where one is denied ``*.secret`` and the other is allowed ``in/*``, ``in/x.secret`` is as in no class. What
each holds there is what it holds on its own part, of which its own decisions tell nothing apart; so it is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, combinations, islice, permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graph.classes import ResourceClass
from graph.globs import cells, covers, fresh, narrowest, specific, spread, start_of, tested, word_of
from graph.reaching_parts import Shape, globs_behind, narrowest_parts, shape_of, told_apart, wider
from graph.subsets import Subsets
from policy.patterns import Test

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]

#: So many sets of globs that meet are looked at in one container.
_MOST = 512

#: Of so many globs it is looked at what else all of them imply.
_FEW = 6

#: So many globs of others are told from what some match together.
_OTHERS = 8

#: The classes of so many containers are read at once.
_AT_ONCE = 64

#: So many bits are worked out at once.
_WORD = 62

#: What is shown of the rest of some contents, which is in all that is said of them.
_ALL = "/*"


class Crossed(NamedTuple):
    """A container with parts that cross: its parts by number, and parts more, each with the rows that hold there."""

    parts: list[int]
    more: list[tuple[ResourceClass, list[int]]]


def crossed(
    held: Sequence[tuple[int, Numbers]],
    places: Numbers,
    owners: Numbers,
    some: Callable[[list[int]], list[ResourceClass]],
    counting: Callable[[dict[int, int], int], dict[int, int]] | None = None,
) -> Iterator[Crossed]:
    """The containers where what several hold crosses. ``held`` are rows of what one principal comes to: (who holds it,
    on which classes). ``places`` are the classes to look at, all parts of each container or none, ``owners`` numbers
    for their containers; ``some`` reads classes. ``counting`` leaves of the rows in a container, each with where it
    holds as a set of parts, all of which are the last argument, those that make a difference."""
    several = _counted(held, of_several(held, places, owners), counting)
    while chunk := [*islice(several, _AT_ONCE)]:
        items = iter(some([place for parts, _ in chunk for place in parts]))
        for parts, by_row in chunk:
            more = crossed_in([*islice(items, len(parts))], held, by_row)
            if more:
                yield Crossed(parts, more)


def _counted(
    held: Sequence[tuple[int, Numbers]],
    several: Iterable[tuple[list[int], dict[int, int]]],
    counting: Callable[[dict[int, int], int], dict[int, int]] | None,
) -> Iterator[tuple[list[int], dict[int, int]]]:
    """As ``several``, of each container what makes a difference."""
    for parts, by_row in several:
        left = by_row if counting is None else counting(by_row, (1 << len(parts)) - 1)
        if len({held[row][0] for row in left}) > 1:  # what one holder alone tells apart are parts already
            yield parts, left


def crossed_in(
    parts: Sequence[ResourceClass], held: Sequence[tuple[int, Numbers]], by_row: Mapping[int, int]
) -> list[tuple[ResourceClass, list[int]]]:
    """The parts more of one container, each with the rows of ``held`` that hold there; ``by_row`` as ``of_several``
    says where they hold."""
    whole = (1 << len(parts)) - 1
    regions = [(held[row][0], bits) for row, bits in by_row.items()]
    return [
        (part, [row for row, bits in by_row.items() if bits == whole or bits in there])
        for part, there in crossing(parts, regions)
    ]


def of_several(
    held: Sequence[tuple[int, Numbers]], places: Numbers, owners: Numbers
) -> Iterator[tuple[list[int], dict[int, int]]]:
    """The containers of which at least two hold some parts and not others: (the parts, by row where it holds)."""
    if len({who for who, _ in held}) < 2 or not len(places):
        return
    order = np.argsort(owners, kind="stable")
    places = places[order]
    _, starts, group, sizes = np.unique(owners[order], return_index=True, return_inverse=True, return_counts=True)
    # Where each row holds, as places among the parts; the same by container and row, with how many parts they are.
    lengths = [len(classes) for _, classes in held]
    at, row = _places_among(places, np.concatenate([classes for _, classes in held]), lengths)
    pairs, counts = np.unique(group[at] * len(held) + row, return_counts=True)
    pairs = pairs[counts < sizes[pairs // len(held)]]
    who = np.array([one for one, _ in held], dtype=np.int64)
    holders = np.unique(np.stack((pairs // len(held), who[pairs % len(held)])), axis=1)[0]
    several = np.bincount(holders, minlength=len(sizes)) > 1
    chosen = several[group[at]]
    at, row = at[chosen], row[chosen]
    keys, bits = _bits_by(group[at] * len(held) + row, at - starts[group[at]])
    by_row: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for key, some in zip(keys, bits, strict=True):
        by_row[key // len(held)][key % len(held)] = some
    for one, rows in by_row.items():
        yield places[starts[one] : starts[one] + sizes[one]].tolist(), rows


def _bits_by(keys: NDArray[np.int64], numbers: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """The keys, each once, with the numbers of each as a set."""
    order = np.argsort(keys, kind="stable")
    numbers = numbers[order]
    distinct, firsts = np.unique(keys[order], return_index=True)
    bits = [0] * len(distinct)
    for start in range(0, int(numbers.max(initial=-1)) + 1, _WORD):
        here = (numbers >= start) & (numbers < start + _WORD)
        words = np.where(here, np.int64(1) << np.where(here, numbers - start, 0), 0)
        some = np.bitwise_or.reduceat(words, firsts).tolist()
        bits = [one | word << start for one, word in zip(bits, some, strict=True)]
    return distinct.tolist(), bits


def _places_among(
    places: Numbers, classes: Numbers, lengths: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Of classes in rows of these lengths those that are among ``places``: (at which place, in which row)."""
    place_of = np.full(int(max(places.max(), classes.max(initial=0))) + 1, -1, dtype=np.int32)
    place_of[places] = np.arange(len(places), dtype=np.int32)
    at, row = place_of[classes], np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    return at[at >= 0], row[at >= 0]


def crossing(
    parts: Sequence[ResourceClass], held: Iterable[tuple[int, int]]
) -> Iterator[tuple[ResourceClass, frozenset[int]]]:
    """Parts of one container's contents that are none of its ``parts``, each with which of the sets hold there.

    ``held`` are (who holds something, the parts where it does, as a set). A part is told of where what is held on it is
    not what it is on the narrowest parts that cover it.
    """
    whole = (1 << len(parts)) - 1
    by_holder: defaultdict[int, set[int]] = defaultdict(set)
    for who, bits in held:
        if bits not in (0, whole):
            by_holder[who].add(bits)
    every = set().union(*by_holder.values())
    if every in by_holder.values():
        return  # what one holder alone tells apart are parts already
    first, shape = parts[0], shape_of(parts)
    where = (first.type, first.account, first.region)
    for name, text, there in _crossing(shape, tuple(sorted(every))) if _may_cross(shape) else ():
        pattern, arn = " ∩ ".join(first.owner + rest for rest in name), first.owner + text
        yield ResourceClass(-1, pattern, arn, *where, (), contents=True, owner=first.owner), there


# -- one container


def patterns_may_cross(parts: Sequence[ResourceClass]) -> bool:
    """Whether some pattern of one container's parts is more than a beginning: of beginnings one is inside the other, or
    they have nothing in common."""
    return _may_cross(shape_of(parts))


@lru_cache(maxsize=1 << 14)
def _may_cross(shape: Shape) -> bool:
    return any(_loose(glob) for rests, _ in shape for glob in globs_behind(rests))


def _loose(glob: str) -> bool:
    return start_of(glob) not in (glob, glob.removesuffix("*"))


#: A part to tell of: its patterns, a text of it, the regions that take it in.
_More = tuple[tuple[str, ...], str, frozenset[int]]


@lru_cache(maxsize=1 << 12)
def _crossing(shape: Shape, regions: tuple[int, ...]) -> tuple[_More, ...]:
    """The parts to tell of beside those of ``shape``; ``regions`` are sets of these."""
    around = wider(shape)
    told = {bits: told_apart(around, [bits >> place & 1 for place in range(len(shape))], 0) for bits in regions}
    globs = {glob for place in {*chain(*told.values())} for glob in globs_behind(shape[place][0])} - {_ALL}
    holding = [frozenset(bits for bits in regions if bits >> place & 1) for place in range(len(shape))]
    apart = told_apart(around, holding, frozenset())
    met = _met(shape, frozenset(globs))
    holds = []
    differs = False
    telling = _telling(told)
    for covering in met.covering:
        nearest = {bits: narrowest_parts(some, around) for bits, some in _by_region(covering, telling).items()}
        there = frozenset(bits for bits, some in nearest.items() if any(bits >> one & 1 for one in some))
        holds.append(there)
        read = {holding[one] for one in narrowest_parts([one for one in covering if one in apart], around)}
        differs = differs or (read or {frozenset()}) != {there}
    if not differs:
        return ()
    shown = told_apart(met.around, [*holding, *holds], frozenset())
    several = enumerate(zip(met.parts, holds, strict=True), len(shape))
    return tuple((name, text, there) for place, ((name, text), there) in several if place in shown)


def _telling(told: Mapping[int, Iterable[int]]) -> dict[int, list[int]]:
    """The regions that tell of each part, from the parts that each region tells of."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for region, parts in told.items():
        for part in parts:
            found[part].append(region)
    return found


def _by_region(parts: Iterable[int], telling: Mapping[int, list[int]]) -> dict[int, list[int]]:
    """These parts by the regions that tell of them: of hundreds of regions few tell of the same."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for part in parts:
        for region in telling.get(part, ()):
            found[region].append(part)
    return found


class _Met(NamedTuple):
    """What some globs of a container match together and is none of its parts: as parts, for each the ones that cover
    it, and for all parts, those of the container first, the wider ones."""

    parts: Shape
    covering: list[list[int]]
    around: tuple[frozenset[int], ...]


@lru_cache(maxsize=1 << 10)
def _met(shape: Shape, globs: frozenset[str]) -> _Met:
    names = _Names(shape)
    tests = {glob: test for glob, test in names.tests.items() if glob in globs}
    known = [names.hit(text) & tests.keys() for _, text in shape]
    full = {names.hit(text) for _, text in shape}
    found: list[tuple[frozenset[str], str]] = []
    for matched, some in _meeting(tuple(tests), names.run):
        if any(known[place] == matched and names.only(place, tests) for place in names.covering(some)):
            continue
        text = names.way(matched, some, tests, full)
        if text is not None:  # else each way in which they meet is a part
            found.append((matched, text))
    parts = tuple([(names.of(matched, text), text) for matched, text in found])
    return _Met(parts, [names.covering(text) for _, text in parts], wider((*shape, *parts)))


class _Names:
    """The globs of the parts of a container, and what to call further parts by them."""

    def __init__(self, shape: Shape) -> None:
        written = {glob: rest for rests, _ in shape for rest in rests for glob in globs_behind((rest,))}
        self._written = {glob: written[glob] for glob in sorted(written, key=lambda glob: (specific(glob), glob))}
        self._taken = {rests for rests, _ in shape}
        self._tests = _tests_of(self._written)
        self.tests = {glob: test for _, glob, test in self._tests}
        self._of_parts = [globs_behind(rests) for rests, _ in shape]
        self._parts = Subsets(self._of_parts)
        self._hits: dict[str, frozenset[str]] = {}
        self._covering: dict[frozenset[str], list[int]] = {}
        self.run = fresh(list(written))

    def hit(self, text: str) -> frozenset[str]:
        """The globs that match a text."""
        found = self._hits.get(text)
        if found is None:
            found = self._hits[text] = _matched(self._tests, text)
        return found

    def covering(self, text: str) -> list[int]:
        """The parts whose patterns match a text."""
        hit = self.hit(text)
        found = self._covering.get(hit)
        if found is None:
            found = self._covering[hit] = self._parts.within(hit)
        return found

    def only(self, place: int, globs: Container[str]) -> bool:
        """Whether a part is called by these globs and no others."""
        return all(glob in globs for glob in self._of_parts[place])

    def way(
        self, matched: frozenset[str], text: str, tests: Container[str], parts: Container[frozenset[str]]
    ) -> str | None:
        """A text of what these globs match together, and as few others as can be, but for what is a part: then none.

        ``tests`` are the globs that ``matched`` was told among, ``parts`` what is matched by each part's text.
        """
        ways: dict[str, frozenset[str]] = {}
        for one in self._ways(matched, text):
            full = self.hit(one)
            if full not in parts and all(glob in matched for glob in full if glob in tests):
                if len(full - matched - {_ALL}) == 0:
                    return one
                ways.setdefault(one, full)
        return min(ways, key=lambda one: len(ways[one])) if ways else None

    def _ways(self, matched: frozenset[str], text: str) -> Iterator[str]:
        """Texts of what these globs match together: ``*/*`` and ``??`` meet in ``x/`` and in ``/x``, and other globs
        may match one of them alone."""
        yield text
        yield spread(text, sorted(matched), self.run)
        others = [glob for glob in self.tests if glob not in matched and glob in self.hit(text)][:_OTHERS]
        globs = (*sorted(matched), *others)
        for numbers, found in cells(globs, most=_MOST) if others else ():
            if numbers.issuperset(range(len(matched))):
                yield spread(found, globs, self.run)
                yield found

    def of(self, matched: frozenset[str], text: str) -> tuple[str, ...]:
        """What to call the part that these globs match: by the narrowest that take in all of it."""
        own = narrowest((glob for glob in self._written if glob in matched), self.run)
        others = (glob for glob in self.tests if glob not in matched and glob in self.hit(text))
        implied = {glob for glob in others if self._implied(tuple(own), glob, text)}
        every = [glob for glob in self._written if glob in matched or glob in implied]
        name = tuple(self._written[glob] for glob in narrowest(every, self.run))
        if name in self._taken:
            name = tuple(self._written[glob] for glob in every)
        self._taken.add(name)
        return name

    def _implied(self, globs: tuple[str, ...], other: str, text: str) -> bool:
        """Whether all that these globs match together, which is ``text`` and more, another one matches, too; of many
        that is not looked for."""
        if any(covers(other, glob, self.run) for glob in globs):
            return True
        if len(globs) > _FEW or not self.tests[other](spread(text, globs, self.run)):
            return False
        together = frozenset(range(len(globs)))
        found = {numbers for numbers, _ in cells((*globs, other))}
        return together not in found and together | {len(globs)} in found


#: Globs, each with a word that what it matches has, and its test.
_Tests = list[tuple[str, str, Test]]


def _tests_of(globs: Iterable[str]) -> _Tests:
    return [(word_of(glob), glob, tested(glob)) for glob in globs]


def _matched(tests: _Tests, text: str) -> frozenset[str]:
    return frozenset([glob for word, glob, test in tests if word in text and test(text)])


@lru_cache(maxsize=1 << 10)
def _meeting(several: tuple[str, ...], run: str) -> tuple[tuple[frozenset[str], str], ...]:
    """Each set of the globs that match together where some of them cross, with a text of it."""
    tests = _tests_of(several)
    pairs = [pair for pair in combinations(several, 2) if _cross(*pair, run)]
    crossed = {one for pair in pairs for one in pair}
    globs = tuple(glob for glob in several if glob in crossed)
    found: dict[frozenset[str], str] = {}
    more: frozenset[str] = frozenset(globs)
    while more:  # what crosses none may lie where others cross: `*a*` and `?/*` meet in `a/*`, and elsewhere too
        globs += tuple(sorted(more.difference(globs)))
        for text in _texts(globs, run):
            found.setdefault(_matched(tests, text), text)
        more = frozenset().union(*found).difference(globs)
    # Of very many sets those of the longest texts are left out above: also where no more than two of them meet.
    met = {pair for matched in found for pair in permutations(matched, 2)}
    for pair in pairs:
        for text in _texts(pair, run) if pair not in met else ():
            found.setdefault(_matched(tests, text), text)
    return tuple(found.items())


def _texts(globs: tuple[str, ...], run: str) -> Iterator[str]:
    """Texts that several of the globs match, for each set of them one with much wherever they leave room first."""
    for numbers, text in cells(globs, most=_MOST):
        if len(numbers) > 1:
            yield spread(text, globs, run)
            yield text


def _cross(one: str, other: str, run: str) -> bool:
    """Whether two globs may have something in common, and neither is inside the other."""
    if not (_loose(one) or _loose(other)):
        return False
    for left, right in ((start_of(one), start_of(other)), (start_of(one[::-1]), start_of(other[::-1]))):
        if not (left.startswith(right) or right.startswith(left)):
            return False
    return not covers(one, other, run) and not covers(other, one, run)
