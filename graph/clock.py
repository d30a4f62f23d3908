"""Policies that read the clock: of two snapshots alike in everything else they may say different things.

``aws:CurrentTime`` and ``aws:EpochTime`` are the snapshot's time (semantics U3).
"""

from __future__ import annotations

from graph.told import NO_WHERE, NOTHING, Told
from policy.document import parse_document
from policy.errors import PolicyError
from policy.expression import FALSE, TRUE
from policy.jsontext import unescaped

#: The keys, in lower case, in the order of ``Assembler.now``.
KEYS = ("aws:currenttime", "aws:epochtime")

_WORDS = ("currenttime", "epochtime")

#: As ``Assembler.now``.
Moment = tuple[str, str]


def reads_clock(text: str) -> bool:
    """Whether a policy's text may ask what time it is."""
    return _count(text) > 0


def _count(text: str) -> int:
    lower = unescaped(text).lower()
    return sum(lower.count(word) for word in _WORDS)


def tells_apart(text: str, before: Moment, after: Moment) -> bool:
    """Whether a policy may say something else at another time: not where each of its conditions on the time comes out
    the same, and nothing else of it reads the time."""
    count = _count(text)
    if not count or before == after:
        return False
    try:
        document = parse_document(text)
    except PolicyError:
        return False  # it says nothing that could be read, at any time
    conditions = [one for statement in document.statements for one in statement.conditions if one.key in KEYS]
    if len(conditions) != count:
        return True  # a variable, or a name that happens to hold the word
    for one in conditions:
        place = KEYS.index(one.key)
        was, now = (one.truth(Told(NOTHING, one.key, (moment[place],)), NO_WHERE) for moment in (before, after))
        if was is not now or was not in (TRUE, FALSE):
            return True
    return False
