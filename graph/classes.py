"""Resource classes: resources, or parts of contents, that no decision about anybody tells apart.

Nobody's policies tell the members of a class apart where it counts: for every subject they fall into one group of its
own decisions (``graph.resolver``), or into groups with one and the same outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import msgspec


class ResourceClass(msgspec.Struct, frozen=True, eq=False, gc=False):
    """``representative`` is the ARN decided on; ``pattern`` what people are shown: the ARN of a class of one.

    ``contents`` is true for a part of a container (``owner``), whose ``members`` are nobody's list; ``owner`` of other
    classes is the representative itself. ``open`` stands for ``*``: actions without a resource type.
    """

    index: int
    pattern: str
    representative: str
    type: str
    account: str
    region: str
    members: tuple[str, ...]
    contents: bool = False
    open: bool = False
    owner: str = ""

    @property
    def key(self) -> str:
        """Unique among classes, stable between builds of one snapshot."""
        # Classes of whole resources may share the pattern that describes them; parts of a container never do.
        member = "" if self.contents else self.representative
        return f"{self.account}|{self.region}|{self.type}|{self.pattern}|{member}"


def pattern_of(members: Sequence[str]) -> str:
    """What people are shown for some resources: the ARN of one, of several what all begin with."""
    if len(members) == 1:
        return members[0]
    same = takewhile(lambda characters: len(set(characters)) == 1, zip(*members, strict=False))
    return "".join(characters[0] for characters in same) + "*"
