"""Globs as sets of texts: what of one lies behind a prefix, and the texts that several of them tell apart.

A glob here is text with ``*`` (any text) and ``?`` (one character), as resource patterns are once their variables are
loosened to ``*``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from policy.patterns import Parts, Wild

#: Stands for "some text that no pattern mentions" in the texts that are made up to decide about a whole class.
FILLER = "~"


def glob_of(parts: Parts) -> str:
    """The glob of a pattern without variables."""
    return "".join(part if isinstance(part, str) else "*" if part is Wild.STAR else "?" for part in parts)


def start_of(glob: str) -> str:
    """What a glob begins with before its first wildcard."""
    place = min((place for place in (glob.find("*"), glob.find("?")) if place >= 0), default=len(glob))
    return glob[:place]


def remainders(glob: str, prefix: str) -> frozenset[str]:
    """The globs that match what may follow ``prefix`` in texts that ``glob`` matches; empty when it matches none.

    ``remainders("arn:aws:s3:::b*", "arn:aws:s3:::bucket/")`` is ``{"*"}``.
    """
    begin = len(start_of(glob))
    if begin >= len(prefix):
        return frozenset((glob[len(prefix) :],)) if glob.startswith(prefix) else frozenset()
    if not prefix.startswith(glob[:begin]):
        return frozenset()
    states = {begin}
    for character in prefix[begin:]:
        reached: set[int] = set()
        for state in states:
            if state < len(glob) and glob[state] == "*":
                reached.add(state)  # the star takes this character and stays
        for state in _skip_stars(states, glob):
            if state < len(glob) and glob[state] != "*" and glob[state] in (character, "?"):
                reached.add(state + 1)
        states = reached
        if not states:
            return frozenset()
    found = {glob[state:] for state in states}
    found |= {glob[state:] for state in _skip_stars(states, glob)}
    # `*x` covers `x`: keep the widest.
    return frozenset(rest for rest in found if "*" + rest not in found)


def _skip_stars(states: set[int], glob: str) -> set[int]:
    reached = set(states)
    for state in states:
        while state < len(glob) and glob[state] == "*":
            state += 1
            reached.add(state)
    return reached


def witness(glob: str) -> str:
    """A text that ``glob`` matches and that narrower patterns are unlikely to: fillers where it leaves a choice."""
    return glob.replace("*", FILLER).replace("?", FILLER)


@lru_cache(maxsize=4096)
def cells(globs: tuple[str, ...], limit: int = 20_000, most: int = 128) -> tuple[tuple[frozenset[int], str], ...]:
    """Every set of ``globs`` (as indexes) that some text matches all of and none of the others, with such a text.

    The texts are walked character by character, all globs at once; characters that no glob has are one. Globs of the
    form ``*word*`` meet in every combination: after ``limit`` states, or ``most`` sets, the rest is left out, which is
    what the longest texts, of the most globs at once, would have shown.
    """
    other = next(chr(code) for code in (126, *range(0xE000, 0xF8FF)) if all(chr(code) not in glob for glob in globs))
    start = _settled({(number, 0) for number in range(len(globs))}, globs)
    queue: deque[tuple[frozenset[tuple[int, int]], str]] = deque([(start, "")])
    seen: set[frozenset[tuple[int, int]]] = set()
    found: dict[frozenset[int], str] = {}
    while queue and len(found) < most:
        state, text = queue.popleft()
        if text:
            found.setdefault(frozenset(number for number, place in state if place == len(globs[number])), text)
        letters = {globs[number][place] for number, place in state if place < len(globs[number])} - {"*", "?"}
        for letter in (other, *sorted(letters)):
            moved = {
                (number, place if globs[number][place] == "*" else place + 1)
                for number, place in state
                if place < len(globs[number]) and globs[number][place] in (letter, "*", "?")
            }
            reached = _settled(moved, globs)
            if reached not in seen and len(seen) < limit:
                seen.add(reached)
                queue.append((reached, text + letter))
    return tuple(found.items())


def _settled(state: set[tuple[int, int]], globs: Sequence[str]) -> frozenset[tuple[int, int]]:
    """The places of each glob that a text may have reached, stars that match nothing passed."""
    reached = set(state)
    for number, place in state:
        while place < len(globs[number]) and globs[number][place] == "*":
            place += 1
            reached.add((number, place))
    return frozenset(reached)


def specific(glob: str) -> tuple[int, int]:
    """Sorts globs from the narrowest: many literal characters, few wildcards."""
    wild = glob.count("*") + glob.count("?")
    return (-(len(glob) - wild), wild)
