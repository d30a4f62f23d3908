"""Globs as sets of texts: what of one lies behind a prefix, and the texts that several of them tell apart.

A glob here is text with ``*`` (any text) and ``?`` (one character), as resource patterns are once their variables are
loosened to ``*``. For a star or a question mark that a pattern means as a character (in policies ``${*}`` and ``${?}``)
it has another character (``literal``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache

from policy.patterns import Parts, Test, Wild, matcher, render, resource_parts

#: Stands for "some text that no pattern mentions" in the texts that are made up to decide about a whole class.
FILLER = "~"

#: A literal ``*`` and ``?`` in globs: characters that Unicode keeps for use inside of programs, so that nothing is
#: called by them (https://www.unicode.org/faq/private_use.html#noncharacters).
_STAR, _ONE = "\ufdd0", "\ufdd1"


def literal(text: str) -> str:
    """The glob that matches this text alone."""
    return text.replace("*", _STAR).replace("?", _ONE)


def plain(text: str) -> str:
    """The text that a glob without wildcards matches."""
    return text.replace(_STAR, "*").replace(_ONE, "?")


def glob_of(parts: Parts) -> str:
    """The glob of a pattern without variables."""
    return "".join(literal(part) if isinstance(part, str) else "*" if part is Wild.STAR else "?" for part in parts)


@lru_cache(maxsize=1 << 16)
def _parts_of(glob: str) -> Parts:
    parts = resource_parts(glob, variables=False)
    return tuple(plain(part) if isinstance(part, str) else part for part in parts)


def shown(glob: str) -> str:
    """A glob as people are shown it: as policies of version 2012-10-17 write it."""
    return render(_parts_of(glob), wildcards=True)


def globs_in(pattern: str) -> list[str]:
    """The globs of a part of contents from what people are shown for it: what all of them match."""
    return [glob_of(resource_parts(text, variables=True)) for text in pattern.split(" ∩ ")]


def start_of(glob: str) -> str:
    """What a glob begins with before its first wildcard."""
    place = min((place for place in (glob.find("*"), glob.find("?")) if place >= 0), default=len(glob))
    return glob[:place]


@lru_cache(maxsize=1 << 16)
def word_of(glob: str) -> str:
    """The longest text that all have which a glob matches: it is looked for in far less time than the glob is tried."""
    return plain(max(glob.replace("?", "*").split("*"), key=len))


def remainders(glob: str, prefix: str) -> frozenset[str]:
    """The globs that match what may follow ``prefix`` in texts that ``glob`` matches; empty when it matches none.

    ``remainders("arn:aws:s3:::b*", "arn:aws:s3:::bucket/")`` is ``{"*"}``.
    """
    begin, prefix = len(start_of(glob)), literal(prefix)
    if begin >= len(prefix):
        return frozenset((glob[len(prefix) :],)) if glob.startswith(prefix) else frozenset()
    if not prefix.startswith(glob[:begin]):
        return frozenset()
    found = _by_steps(glob, prefix, begin) if "?" in glob or "**" in glob else _by_words(glob, prefix)
    # `*x` covers `x`: keep the widest.
    return frozenset(rest for rest in found if "*" + rest not in found)


def _by_words(glob: str, prefix: str) -> set[str]:
    """What is left of a glob of words between single stars: before each word that the stars before it leave room for,
    and within one that the prefix ends in."""
    found: set[str] = set()
    words = glob.split("*")
    begin, rest = len(words[0]), len(words[0])
    for number, word in enumerate(words[1:], 2):
        # The prefix has all words before this one, and ends in the star before it or in the word.
        found.add(glob[rest:])
        rest += 1
        for length in range(1, len(word) + 1 if prefix[-1] in word else 1):
            if len(prefix) - length >= begin and prefix.endswith(word[:length]):
                found.add(glob[rest + length :])
        found.add(glob[rest:])
        at = prefix.find(word, begin)
        if at < 0 or number == len(words):
            break
        begin = at + len(word)
        rest += len(word)
    return found


def _by_steps(glob: str, prefix: str, begin: int) -> set[str]:
    """What is left of any glob, character by character of the prefix behind ``begin``, where both are alike."""
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
    return {glob[state:] for state in states} | {glob[state:] for state in _skip_stars(states, glob)}


def _skip_stars(states: set[int], glob: str) -> set[int]:
    reached = set(states)
    for state in states:
        while state < len(glob) and glob[state] == "*":
            state += 1
            reached.add(state)
    return reached


def fresh(globs: Sequence[str]) -> str:
    """Characters that no glob has, more of them than any has ``?``: where a glob matches them it does so by a ``*``."""
    used = set("".join(globs))
    one = next(text for text in (FILLER, *map(chr, range(0xE000, 0xF8FF))) if text not in used)
    return one * (max((glob.count("?") for glob in globs), default=0) + 1)


def spread(text: str, globs: Sequence[str], run: str) -> str:
    """The text with a run of ``fresh`` characters wherever these globs match it with and without, or neither.

    A glob that matches one of these globs spread in this way matches all that the glob does.
    """
    said = [(tested(glob), glob) for glob in globs]
    matched = [test for test, _ in said if test(text)]
    # Of what matches a longer text only a `?` can have taken what is new: without one, nothing comes to match.
    other = [test for test, glob in said if "?" in glob and not test(text)]
    at = 0
    while at <= len(text):
        if not text.startswith(run, at) and not text.endswith(run, 0, at):
            longer = text[:at] + run + text[at:]
            if all(test(longer) for test in matched) and not any(test(longer) for test in other):
                text = longer
                at += len(run)
        at += 1
    return text


@lru_cache(maxsize=1 << 14)
def tested(glob: str) -> Test:
    """What tells whether a text is one that a glob matches."""
    return matcher(_parts_of(glob))


@lru_cache(maxsize=1 << 16)
def covers(wide: str, glob: str, run: str) -> bool:
    """Whether ``wide`` matches all that ``glob`` does: with nothing, little and much for its stars."""
    test = tested(wide)
    return all(test(plain(glob.replace("?", run[0]).replace("*", run[:length]))) for length in range(len(run) + 1))


def narrowest(globs: Iterable[str], run: str) -> list[str]:
    """The globs that no narrower one of them implies, in their order: how what matches them all is shown."""
    several = list(globs)
    return [
        glob
        for glob in several
        if not any(other != glob and covers(glob, other, run) and not covers(other, glob, run) for other in several)
    ]


@lru_cache(maxsize=1 << 14)
def spread_cells(globs: tuple[str, ...], run: str) -> tuple[str, ...]:
    """Of each set of globs that match together such texts: with much where they leave room; where there are globs with
    ``?`` (the run is longer than one), which tell that apart, also with little and with nothing."""
    found: dict[str, None] = {}
    for _, text in cells(globs):
        found.update((spread(text, globs, run[:length]), None) for length in range(len(run), 0, -1))
        if len(run) > 1:
            found[text] = None
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def meetings(globs: tuple[str, ...], run: str) -> tuple[tuple[frozenset[int], str], ...]:
    """Where several of the globs match together, as ``cells`` says it: with a text that has much wherever they leave
    room."""
    return tuple([(numbers, spread(text, globs, run)) for numbers, text in cells(globs) if len(numbers) > 1])


@lru_cache(maxsize=4096)
def cells(globs: tuple[str, ...], limit: int = 20_000, most: int = 128) -> tuple[tuple[frozenset[int], str], ...]:
    """Every set of ``globs`` (as indexes) that some text matches all of and none of the others, with such a text.

    The texts are walked character by character, all globs at once; characters that no glob has are one. Globs of the
    form ``*word*`` meet in every combination: after ``limit`` states, or ``most`` sets, the rest is left out, which is
    what the longest texts, of the most globs at once, would have shown.
    """
    other = next(chr(code) for code in (126, *range(0xE000, 0xF8FF)) if all(chr(code) not in glob for glob in globs))
    places = _Places(globs)
    start = places.settled(places.starts)
    queue: deque[tuple[int, str]] = deque([(start, "")])
    seen: set[int] = set()
    found: dict[int, str] = {}
    while queue and len(found) < most:
        state, text = queue.popleft()
        if text:
            found.setdefault(state & places.ends, text)
        for letter, reached in places.moved(state, other):
            if reached not in seen and len(seen) < limit:
                seen.add(reached)
                queue.append((reached, text + letter))
    return tuple([(places.ended(state), plain(text)) for state, text in found.items()])


class _Places:
    """Where in several globs a text may have come to, as a set of bits: one a character, and one behind each glob."""

    def __init__(self, globs: Sequence[str]) -> None:
        self.starts = self.ends = self._stars = self._any = 0
        self._end: list[int] = []
        of: dict[str, int] = {}
        place = 0
        for glob in globs:
            self.starts |= 1 << place
            for character in glob:
                bit = 1 << place
                if character == "*":
                    self._stars |= bit
                elif character == "?":
                    self._any |= bit
                else:
                    of[character] = of.get(character, 0) | bit
                place += 1
            self.ends |= 1 << place
            self._end.append(1 << place)
            place += 1
        self._letters = sorted(of.items())

    def moved(self, state: int, other: str) -> list[tuple[str, int]]:
        """Where one more character leads: ``other``, which no glob has, and those that some glob goes on with."""
        stars = self._stars
        # Wherever a star or `?` leads, whatever the character; what is settled apart is settled together.
        rest = self.settled((state & self._any) << 1 | state & stars)
        found = [(other, rest)]
        for letter, where in self._letters:
            taken = state & where
            if taken:
                taken <<= 1
                found.append((letter, rest | (self.settled(taken) if taken & stars else taken)))
        return found

    def settled(self, state: int) -> int:
        """With stars that match nothing passed."""
        while (more := state | (state & self._stars) << 1) != state:
            state = more
        return state

    def ended(self, state: int) -> frozenset[int]:
        """The globs that are at their ends."""
        return frozenset(number for number, end in enumerate(self._end) if state & end)


def specific(glob: str) -> tuple[int, int]:
    """Sorts globs from the narrowest: many literal characters, few wildcards."""
    wild = glob.count("*") + glob.count("?")
    return (-(len(glob) - wild), wild)
