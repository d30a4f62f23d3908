"""On which resources a change of somebody's own documents can alter anything: those that a statement which goes may be
about, and of these, where nothing forbids any more, those that may let them in at all.

What is told here may be too much, never too little: everything is decided anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graph.action_lists import ActionLists
from graph.contents import start_inside
from graph.globs import glob_of, remainders
from graph.questions import Questions
from graph.subjects import Subject
from policy.document import Statement
from policy.patterns import Test, loosened, matcher, resource_parts


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern of a statement as far as it can be told without who asks: its test, and the same as a glob."""

    test: Test
    glob: str

    def near(self, arn: str, inside: str) -> bool:
        """Whether it takes in an ARN, or something that begins with ``inside``."""
        return bool(self.test(arn) or (inside and remainders(self.glob, inside)))


@dataclass(frozen=True, slots=True)
class _Gone:
    """A statement that goes; no patterns: it may be about everything."""

    statement: Statement
    patterns: tuple[_Pattern, ...] | None


class Gone:
    """Statements that somebody's documents lose; ``unread``: a document goes that could not be read."""

    def __init__(self, lists: ActionLists, statements: Iterable[Statement], *, unread: bool) -> None:
        self._lists = lists
        self._all = unread
        self._gone = [_Gone(one, _patterns(one)) for one in statements]

    def only_forbidding(self) -> Gone:
        """Those that forbid something alone."""
        found = Gone(self._lists, (), unread=self._all)
        found._gone = [one for one in self._gone if not one.statement.allows]
        return found

    def may_be_about(self, kind: str, arn: str) -> bool:
        """Whether one of them may be about a resource of a type, or about something inside of it; ``*``: about what
        has no resource."""
        if self._all:
            return True
        inside = start_inside(arn, kind)
        near = [
            one.statement
            for one in self._gone
            if one.patterns is None or any(pattern.near(arn, inside) for pattern in one.patterns)
        ]
        if not near:
            return False
        if any(map((self._lists.unscoped if arn == "*" else self._lists.of(kind, arn)).about, near)):
            return True
        return bool(inside) and any(map(self._lists.of(f"{kind}/", f"{inside}x").about, near))


def _patterns(statement: Statement) -> tuple[_Pattern, ...] | None:
    patterns = statement.resource_patterns
    if patterns.texts is None or patterns.negated:
        return None
    # Of what version the document is is not told here, which is what a text means by `${…}`.
    read = [resource_parts(text, variables=variables) for text in patterns.texts for variables in (True, False)]
    several = dict.fromkeys(map(loosened, read))
    return tuple(_Pattern(matcher(parts), glob_of(parts)) for parts in several)


# -- who may be let in


def openings(questions: Questions, subject: Subject, gone: Gone) -> dict[str, set[str]]:
    """By account the ARNs of what somebody may have access to once nothing forbids it, and a statement that goes may be
    about, too: in somebody's own account of all that there is, with ``*``; elsewhere of what may let them in."""
    found = questions.lending.elsewhere(subject, questions.world)
    if questions.tables.of_account(subject.account) is not None:
        resources = questions.world.inventory.resources_of(subject.account)
        found[subject.account] = [("*", "*"), *((one.type, one.arn) for one in resources)]
    return {
        account: {arn for kind, arn in several if gone.may_be_about(kind, arn)} for account, several in found.items()
    }
