"""Contents of buckets and tables, of which nobody collects a list: the parts of them that patterns tell apart.

Which parts a container has hangs on what of each pattern lies behind its ARN alone, so containers about which the same
is said share the work.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from graph.globs import (
    covers,
    fresh,
    glob_of,
    meetings,
    narrowest,
    plain,
    remainders,
    shown,
    specific,
    spread_cells,
    start_of,
    tested,
    word_of,
)
from graph.subjects import Subject
from graph.words import Words
from model.entities import Resource
from policy.actions import catalogue
from policy.context import RequestContext, Target, is_of_request
from policy.document import Document, Statement, action_test
from policy.inputs import PolicyRef
from policy.patterns import Parts, Variable, Wild, loosened, resolve, resource_parts

#: Types with contents, and what stands between a container's ARN and the name of a content: of a table its indexes.
CONTENTS = {"s3:bucket": "/", "dynamodb:table": "/index/"}


def start_inside(arn: str, kind: str) -> str:
    """What the ARNs of the contents of a resource begin with; empty for a type that has none."""
    return arn + CONTENTS[kind] if kind in CONTENTS else ""


def in_contents(arn: str, container: Resource) -> bool:
    """Whether an ARN is of those contents of a container that classes stand for."""
    return container.type in CONTENTS and arn.startswith(container.arn + CONTENTS[container.type])


#: Variables about the resource stay unknown while it is not known which one it is.
NOWHERE = Target(arn="", account="", service="", region=None)

#: An action on contents of each type: all those of a type carry the same keys about the container.
_EXAMPLES = {"s3:bucket": "s3:getobject", "dynamodb:table": "dynamodb:query"}


#: So many globs of others are told from a part where several globs meet.
_OTHERS = 8

#: What of a pattern lies behind a container's ARN: its globs there, any of which a content may match.
Rest = tuple[str, ...]
#: (what lies of a pattern behind the container, whether it is about whoever asks, the subjects it is about).
Said = tuple[Rest, bool, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of some container's contents. ``matched`` are the globs of patterns that match its members, as they lie
    behind the container; ``text`` is a made-up one of them, ``shown`` says it in the narrowest globs, as
    policies write them. No globs: the rest."""

    matched: frozenset[str]
    shown: tuple[str, ...]
    text: str


class ContentPatterns:
    """The patterns that can tell contents apart, with whom each is about."""

    def __init__(self, now: tuple[str, str]) -> None:
        self._now = now
        self._everybody: set[str] = set()
        self._holders: defaultdict[str, set[int]] = defaultdict(set)
        self._fixed: dict[Document, tuple[list[str], list[tuple[Statement, Parts]]]] = {}
        self._by_start: defaultdict[str, set[str]] | None = None
        self._starts: list[str] = []
        self._parts: dict[tuple[Said, ...], tuple[Part, ...]] = {}
        self._matching: dict[str, _Matching] = {}
        #: Patterns with variables that hang on what is asked for.
        self._late: list[tuple[Parts, Statement, Subject]] = []

    def add(self, document: Document, subjects: Iterable[Subject], *, everybody: bool = False) -> None:
        """Takes in the patterns of a document that applies to these subjects; ``everybody``: whoever asks."""
        if document not in self._fixed:
            self._fixed[document] = _written(document)
        fixed, varying = self._fixed[document]
        late = [
            each for each in varying if any(isinstance(one, Variable) and is_of_request(one.key) for one in each[1])
        ]
        whose = list(subjects) if varying or not everybody else []
        for glob in fixed:
            self._keep(glob, whose, everybody=everybody)
        for subject in whose:
            assert subject.caller is not None
            for statement, parts in varying:
                for filled in _filled(parts, statement, RequestContext(subject.caller, NOWHERE, "", self._now)):
                    self._keep(glob_of(filled), (subject,), everybody=False)
            self._late += [(parts, statement, subject) for statement, parts in late]

    def add_all(self, refs: Iterable[PolicyRef], subjects: Collection[Subject], *, everybody: bool = False) -> None:
        """As ``add``, for documents that could be read."""
        for ref in refs:
            if ref.document is not None:
                self.add(ref.document, subjects, everybody=everybody)

    def _keep(self, glob: str, whose: Iterable[Subject], *, everybody: bool) -> None:
        self._by_start = None
        if everybody:
            self._everybody.add(glob)
        else:
            self._holders[glob].update(subject.index for subject in whose)

    def parts(self, container: Resource, target: Target, *more: Patterns, also: str = "") -> tuple[Part, ...]:
        """The parts of a container's contents, first what no pattern mentions; ``more``: patterns about it alone;
        ``target``: the container as requests see it; ``also``: what else the names of contents may begin with."""
        prefix = container.arn + CONTENTS[container.type]
        begins = (prefix, also) if also else (prefix,)
        said: defaultdict[Rest, list[tuple[bool, set[int]]]] = defaultdict(list)
        for patterns in (self, *more):
            for glob, everybody, holders in patterns.near(begins, target, _EXAMPLES[container.type]):
                for rest in filter(None, (_behind(glob, begin, container.type) for begin in begins)):
                    said[rest].append((everybody, holders))
        key = tuple(
            (rest, any(shared for shared, _ in whose), frozenset(holder for _, held in whose for holder in held))
            for rest, whose in sorted(said.items())
        )
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = tuple(_told_apart(key, self._matching))
        return found

    def near(
        self, begins: Iterable[str], target: Target, action: str, among: Container[int] | None = None
    ) -> Iterator[tuple[str, bool, set[int]]]:
        """The globs that can match something that begins so, also as patterns are in requests like this one for a
        target: each with whether it is about everybody, and the subjects it is about (``among`` whom, where told)."""
        for glob in dict.fromkeys(chain.from_iterable(map(self._near, begins))):
            yield glob, glob in self._everybody, self._holders.get(glob, set())
        for glob, holders in self._told_by(target, action, among):
            yield glob, glob in self._everybody, holders

    def _told_by(self, target: Target, action: str, among: Container[int] | None) -> Iterator[tuple[str, set[int]]]:
        for parts, statement, subject in self._late:
            if among is not None and subject.index not in among:
                continue
            assert subject.caller is not None
            for filled in _filled(parts, statement, RequestContext(subject.caller, target, action, self._now)):
                yield glob_of(filled), {subject.index}

    def _near(self, prefix: str) -> Iterator[str]:
        """Globs that can match something behind the prefix, as far as their literal beginnings tell."""
        if self._by_start is None:
            self._by_start = defaultdict(set)
            for glob in (*self._everybody, *self._holders):
                self._by_start[start_of(glob)].add(glob)
            self._starts = sorted(self._by_start)
        for length in range(len(prefix)):
            yield from self._by_start.get(prefix[:length], ())
        place = bisect_left(self._starts, prefix)
        while place < len(self._starts) and self._starts[place].startswith(prefix):
            yield from self._by_start[self._starts[place]]
            place += 1


class Among:
    """The patterns that are about some of the subjects that others are about."""

    def __init__(self, patterns: ContentPatterns, subjects: frozenset[int]) -> None:
        self._patterns = patterns
        self._subjects = subjects

    def near(self, begins: Iterable[str], target: Target, action: str) -> Iterator[tuple[str, bool, set[int]]]:
        """As ``ContentPatterns.near``."""
        for glob, everybody, holders in self._patterns.near(begins, target, action, self._subjects):
            mine = holders & self._subjects
            if mine or everybody:
                yield glob, everybody, mine


Patterns = ContentPatterns | Among


@lru_cache(maxsize=1 << 16)
def _behind(glob: str, prefix: str, kind: str) -> Rest:
    """What of a glob lies behind a container's ARN; empty where that tells no contents apart: all match, or none."""
    rests = [rest for rest in remainders(glob, prefix) if rest.strip("*") or not rest or rest == "*"]
    if "*" in rests:
        return ()
    # The name of an index has no such characters: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
    if kind == "dynamodb:table":
        rests = [rest for rest in rests if ":" not in rest and "/" not in rest]
    return tuple(sorted(rest for rest in rests if rest))


def _written(document: Document) -> tuple[list[str], list[tuple[Statement, Parts]]]:
    """The globs of a document's statements about contents, and the patterns that have variables."""
    fixed: dict[str, None] = {}
    varying: list[tuple[Statement, Parts]] = []
    for statement in document.statements:
        if not _about_contents(statement):
            continue
        for text in (*(statement.resources or ()), *(statement.not_resources or ())):
            if text == "*":
                continue
            parts = resource_parts(text, variables=document.version == "2012-10-17")
            if any(isinstance(part, Variable) for part in parts):
                varying.append((statement, parts))
            else:
                fixed[glob_of(parts)] = None
    return list(fixed), varying


def _about_contents(statement: Statement) -> bool:
    return _acts_on_contents(statement.actions, statement.not_actions)


@lru_cache(maxsize=1 << 16)
def _acts_on_contents(actions: tuple[str, ...] | None, not_actions: tuple[str, ...] | None) -> bool:
    test = action_test(actions, not_actions)
    return test is None or any(test(action.lower()) for action in _content_actions())


@lru_cache(maxsize=1)
def _content_actions() -> tuple[str, ...]:
    """The actions that can act on contents of any type."""
    book = catalogue()
    examples = ("arn:aws:s3:::b/o", "arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i")
    return tuple(dict.fromkeys(action for arn in examples for action in book.actions_for_resource(arn)))


def _filled(parts: Parts, statement: Statement, context: RequestContext) -> Iterator[Parts]:
    """A pattern with its variables filled in, ``*`` for what is unknown of a value; such a one, too, with each value
    that the statement's conditions name: elsewhere it may be impossible (a tag that must be ``red`` or ``blue``)."""
    resolved = resolve(parts, context)
    if resolved.parts is None:
        return
    starts = {variable: unknown.prefix for variable, unknown in resolved.unknown if unknown.prefix}
    begun: list[str | Wild | Variable] = []
    for part in resolved.parts:
        begun += (starts[part], Wild.STAR) if isinstance(part, Variable) and part in starts else (part,)
    yield loosened(tuple(begun))
    for variable in {part for part in resolved.parts if isinstance(part, Variable)}:
        for condition in statement.conditions:
            for value in condition.parts if condition.key == variable.key else ():
                pieces = (value if part == variable else (part,) for part in resolved.parts)
                yield loosened(tuple(piece for some in pieces for piece in some))


class _Matching(dict[str, bool]):
    """Whether a glob matches a text, each asked once: many containers have the same texts."""

    def __init__(self, glob: str) -> None:
        super().__init__()
        self._test = tested(glob)

    def __missing__(self, text: str) -> bool:
        found = self[text] = bool(self._test(text))
        return found


def _told_apart(said: Iterable[Said], matching: dict[str, _Matching]) -> Iterator[Part]:
    """The parts that patterns tell apart, from what lies of each behind the container; ``matching``: what was asked of
    globs before."""
    patterns = list(said)
    globs = sorted({glob for rest, _, _ in patterns for glob in rest}, key=lambda glob: (specific(glob), glob))
    order = {glob: place for place, glob in enumerate(globs)}
    words = {plain(glob): glob for glob in globs if start_of(glob) == glob}
    wild = [glob for glob in globs if start_of(glob) != glob]
    for glob in wild:
        if glob not in matching:
            matching[glob] = _Matching(glob)
    starting: defaultdict[str, list[str]] = defaultdict(list)
    for glob in wild:
        starting[plain(start_of(glob))].append(glob)
    tests = {start: (some, Words([word_of(glob) for glob in some])) for start, some in starting.items()}
    lengths = sorted({len(start) for start in tests})
    shared = [rest for rest, everybody, _ in patterns if everybody]
    own: defaultdict[int, list[Rest]] = defaultdict(list)
    for rest, everybody, holders in patterns:
        for holder in () if everybody else holders:
            own[holder].append(rest)
    # One decision meets the shared patterns and those of one subject: what only others' tell apart is not looked for.
    together = dict.fromkeys(tuple(sorted({*shared, *held})) for held in ([], *own.values()))
    others = globs, Words([word_of(glob) for glob in globs])
    # The rest, what no pattern mentions, comes first: a text of more strange characters than any glob has wildcards.
    run = fresh(globs)
    filler = run[0] * (max(map(len, globs), default=0) + 1)
    seen: set[frozenset[str]] = set()
    called: set[tuple[str, ...]] = set()
    for text in dict.fromkeys((filler, *(text for some in together for text in _texts(some, others, run)))):
        # Each of thousands may be told apart by a glob of their own: only those that begin as the text does are asked.
        near = (tests[start] for start in (text[:length] for length in lengths) if start in tests)
        having = (some[number] for some, words_of in near for number in words_of.within(text))
        hit = {glob for glob in having if matching[glob][text]}
        if text in words:
            hit.add(words[text])
        # A pattern that may match in several ways is as many: a part is called by the globs that all of it matches.
        matched = frozenset(hit)
        if matched not in seen:
            seen.add(matched)
            mine = sorted(matched, key=order.__getitem__)
            name = tuple(narrowest(mine, run))
            # Two parts never have one name.
            name = tuple(mine) if name in called else name
            called.add(name)
            yield Part(matched, tuple(map(shown, name)), text)


def _texts(patterns: Iterable[Rest], others: tuple[Sequence[str], Words], run: str) -> Iterator[str]:
    """Texts that globs of these patterns tell apart, such that ``others``, globs with their words, match them only
    where they must: a part is not to be made, nor called, by what is somebody else's."""
    globs = tuple(dict.fromkeys(glob for rest in patterns for glob in rest))
    yield from spread_cells(globs, run)
    for numbers, text in meetings(globs, run):
        # Where several of them meet in more than one order, one order may be just what another glob is about.
        near = (others[0][number] for number in others[1].within(text))
        strange = (glob for glob in near if glob not in globs and tested(glob)(text))
        for other in islice(strange, _OTHERS):
            if not any(covers(other, globs[one], run) for one in numbers):
                yield from spread_cells((*globs, other), run)
