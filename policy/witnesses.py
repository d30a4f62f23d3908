"""Texts that tell a set of patterns apart: one for every combination of them that a single text can match.

All patterns are walked through at once, character by character, as one automaton. From each joint state only the
characters that some pattern waits for matter, and one that none of them knows; so the walk is about as long as the
patterns together, and it finds every combination or gives up.
"""

from __future__ import annotations

from functools import lru_cache

from policy.patterns import Parts, Variable, Wild

_MAX_STATES = 3000
_STRANGERS = "~_^|zqZ7\u00a4\u2603"
Tokens = tuple[str | Wild, ...]
State = tuple[frozenset[int], ...]


class TooManyStates(Exception):  # noqa: N818  # not an error: the caller widens
    """The combinations cannot be listed within bounds."""


@lru_cache(maxsize=8192)
def text_witnesses(patterns: tuple[tuple[Parts, bool], ...]) -> tuple[str, ...]:
    """One text for each combination of patterns (parts, ignoring case) that a text can match.

    Raises `TooManyStates`.
    """
    tokens = [_tokens(parts, ignore_case) for parts, ignore_case in patterns]
    folded = [ignore_case for _, ignore_case in patterns]
    stranger = _stranger(tokens)
    start: State = tuple(_closure(line, {0}) for line in tokens)
    seen: dict[State, str] = {start: ""}
    queue = [start]
    for state in queue:
        for character in _awaited(tokens, state, stranger, folded):
            following = tuple(
                _step(line, places, character, fold) for line, places, fold in zip(tokens, state, folded, strict=True)
            )
            if following not in seen:
                if len(seen) >= _MAX_STATES:
                    raise TooManyStates
                seen[following] = seen[state] + character
                queue.append(following)
    found: dict[tuple[bool, ...], str] = {}
    for state, text in seen.items():
        accepted = tuple(len(line) in places for line, places in zip(tokens, state, strict=True))
        found.setdefault(accepted, text)
    return tuple(found.values())


def _tokens(parts: Parts, ignore_case: bool) -> Tokens:
    tokens: list[str | Wild] = []
    for part in parts:
        if isinstance(part, Variable):
            raise TooManyStates
        if isinstance(part, str):
            if ignore_case and not part.isascii():
                raise TooManyStates  # case of other alphabets is not one character to one
            tokens.extend(part.lower() if ignore_case else part)
        else:
            tokens.append(part)
    return tuple(tokens)


def _stranger(tokens: list[Tokens]) -> str:
    used = {token for line in tokens for token in line if isinstance(token, str)}
    used |= {token.upper() for token in used}
    for character in _STRANGERS:
        if character not in used:
            return character
    raise TooManyStates


def _closure(line: Tokens, places: set[int]) -> frozenset[int]:
    """A star may stand for nothing."""
    open_places = list(places)
    while open_places:
        place = open_places.pop()
        if place < len(line) and line[place] in (Wild.STAR, Wild.SEGMENT_STAR) and place + 1 not in places:
            places.add(place + 1)
            open_places.append(place + 1)
    return frozenset(places)


def _awaited(tokens: list[Tokens], state: State, stranger: str, folded: list[bool]) -> list[str]:
    characters = {stranger}
    for line, places, fold in zip(tokens, state, folded, strict=True):
        for place in places:
            token = line[place] if place < len(line) else None
            if isinstance(token, str):
                characters.add(token)
                if fold:
                    characters.add(token.upper())
            elif token in (Wild.SEGMENT_STAR, Wild.SEGMENT_ONE):
                characters.add(":")
    return sorted(characters)


def _step(line: Tokens, places: frozenset[int], character: str, fold: bool) -> frozenset[int]:
    following: set[int] = set()
    wanted = character.lower() if fold else character
    for place in places:
        if place == len(line):
            continue
        token = line[place]
        if isinstance(token, str):
            if token == wanted:
                following.add(place + 1)
        elif character != ":" or token in (Wild.STAR, Wild.ONE):
            following.add(place if token in (Wild.STAR, Wild.SEGMENT_STAR) else place + 1)
    return _closure(line, following)
