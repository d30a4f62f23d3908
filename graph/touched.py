"""Where somebody who changed between two snapshots may have had access, or may have it now, beyond the own account."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from graph.account_policies import deciding_service
from graph.allowing import Allowing, Entry, entries_of
from graph.contents import CONTENTS, start_inside
from graph.inputs import Difference
from graph.lending import Lending
from graph.naming import names_of, written
from graph.partition import Lent
from graph.subjects import Listed, Subjects
from graph.world import World
from policy.assemble import Assembler
from policy.document import Document

if TYPE_CHECKING:
    from graph.stored import Numbers

#: The services that have contents (``graph.contents``).
_OF_CONTENTS = frozenset(map(deciding_service, CONTENTS))

#: Where somebody would have to be asked more often than this, all accounts are resolved.
_MOST_PAIRS = 300_000

#: A statement, or a document that was not read, as it stands in what is decided about somebody.
_Said = tuple[object, ...]


class Touched:
    """Who changed, by the accounts that this concerns: their own, and those that let them in.

    Of whom nothing but documents changed, an account is not concerned where the same statements as before can be about
    what it lends them. ``too_many``: nobody was asked, it would take longer than to resolve all accounts.
    """

    def __init__(
        self,
        lending: Lending,
        old: World,
        new: World,
        listed: tuple[list[Listed], list[Listed]],
        difference: Difference,
    ) -> None:
        self._lending = lending
        self._listed = listed
        self._changed = frozenset(difference.subjects)
        self.by_account: defaultdict[str, list[Listed]] = defaultdict(list)
        #: Whom a row lets in now, of who changed.
        self._let_in: defaultdict[int, list[int]] = defaultdict(list)
        for one in difference.subjects:
            self.by_account[one.account].append(one)
        before, after = (
            _Side(lending, world, {each: number for number, each in enumerate(several) if each in self._changed})
            for world, several in zip((old, new), listed, strict=True)
        )
        self.too_many = before.pairs + after.pairs > _MOST_PAIRS
        for one in () if self.too_many else difference.subjects:
            earlier, now = before.rows(one), after.rows(one)
            for row in now:
                self._let_in[row].append(after.number(one))
            for row in earlier | now:
                if one.key not in difference.by_documents or before.said(one, row) != after.said(one, row):
                    self.by_account[lending.account(row)].append(one)

    def lent(self, number: int, numbers: Numbers | None) -> Iterator[Lent]:
        """What an account lends, with who is reached now. Everybody who changed here is a user or a role."""
        before = self._listed[0]
        for row, one in self._lending.of_account(number):
            reached = [index for index in one.reached if before[index] not in self._changed]
            if numbers is not None:
                reached = numbers[reached].tolist() if reached else []
            yield one._replace(reached=tuple(sorted({*reached, *self._let_in.get(row, ())})))


class _Side:
    """Who changed, as they are in one of the two worlds, which lists them with these numbers."""

    def __init__(self, lending: Lending, world: World, changed: Mapping[Listed, int]) -> None:
        self._lending = lending
        self._assembler: Assembler = world.assembler
        self._allowing = Allowing(world.assembler, tuple)
        self._known = world.inventory.data.canonical_ids
        self._numbers = changed
        self._subjects = dict(zip(changed, Subjects(world.assembler, changed).all, strict=True))
        self._names = {one: set(map(written, names_of(subject))) for one, subject in self._subjects.items()}
        self._naming = lending.naming(set().union(*self._names.values())) if self._names else {}
        self._everyone = lending.everyone

    @property
    def pairs(self) -> int:
        """About how often somebody must be asked whether they are let in."""
        by_name = sum(len(self._naming.get(name, ())) for names in self._names.values() for name in names)
        return by_name + len(self._names) * len(self._everyone)

    def number(self, listed: Listed) -> int:
        """The number of somebody in this world."""
        return self._numbers[listed]

    def rows(self, listed: Listed) -> set[int]:
        """The rows of other accounts that let somebody in."""
        subject = self._subjects.get(listed)
        if subject is None:
            return set()
        rows = {row for name in self._names[listed] for row in self._naming.get(name, ())}
        rows |= self._lending.unnaming(subject, self._known)
        return self._lending.usable(rows, subject, self._allowing)

    def said(self, listed: Listed, row: int) -> list[_Said]:
        """What the documents of a user or role can say about the resource of a row, statement by statement."""
        arn, kind = self._lending.resource(row)
        inside = start_inside(arn, kind)
        # Which parts contents have hangs on patterns for contents of whatever kind.
        services = {deciding_service(kind), *(_OF_CONTENTS if inside else ())}
        # What shares of AWS RAM give may be actions of any.
        any_service = row in self._everyone
        found: list[_Said] = []
        caller = self._subjects[listed].caller
        assert caller is not None
        identity, boundary = self._assembler.identity(caller.principal)
        for part, refs in enumerate((identity, boundary)):
            for ref in refs:
                if part or ref.document is None:  # that there is a boundary counts
                    found.append((part, ref.id, ref.document is None))
                for number, text, entries in () if ref.document is None else _statements(ref.document):
                    if any(
                        (entry._replace(services=None) if any_service else entry).may_match(arn, one, inside)
                        for entry in entries
                        for one in services
                    ):
                        found.append((part, ref.id, number, text))
        return found


@lru_cache(maxsize=4096)
def _statements(document: Document) -> tuple[tuple[int, str, tuple[Entry, ...]], ...]:
    return tuple(
        (one.index, f"{document.version} {json.dumps(one.to_json())}", tuple(entries_of(document, one)))
        for one in document.statements
    )
