"""Which of thousands of words a text has, without a look for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

#: Of so few words each is looked for.
_FEW = 24
#: Characters in a row by which a word is found.
_LONG = 4


class Words:
    """Some words, each found by those of its characters in a row which are in fewest of them."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._under: defaultdict[str, list[int]] = defaultdict(list)
        if len(words) <= _FEW:
            return
        pieces = [sorted(_pieces(word, min(_LONG, len(word)))) for word in words]
        often = Counter(piece for some in pieces for piece in some)
        for number, some in enumerate(pieces):
            self._under[min(some, key=often.__getitem__)].append(number)
        self._lengths = sorted({len(piece) for piece in self._under})

    def within(self, text: str) -> list[int]:
        """The numbers of the words that the text has, in order."""
        words = self._words
        if not self._under:
            return [number for number, word in enumerate(words) if word in text]
        near = [
            number
            for length in self._lengths
            for piece in self._under.keys() & _pieces(text, length)
            for number in self._under[piece]
        ]
        return sorted(number for number in near if words[number] in text)


def _pieces(text: str, length: int) -> set[str]:
    """What of a text is so many characters in a row; the empty one is in each."""
    return {text[at : at + length] for at in range(len(text) - length + 1)}
