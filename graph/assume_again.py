"""Steps where the asker says something of the context (``can --context``): decided as far as a search comes to them.

What is said can take steps away and add others. It can do so only where a statement that decides about the step reads
one of the keys: in the own policies and guardrails of who takes it, or in the trust policy and guardrails of the role.
All other steps are those of the build. A value that who takes the step has anyway says nothing of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from graph.closure import Steps
from graph.contents import NOWHERE
from graph.deciding import Decider
from graph.steps import Step, assume_action
from graph.subjects import Subject
from graph.world import World
from model.entities import Role
from policy.assemble import Assembler
from policy.context import Overrides, RequestContext
from policy.document import Document, Statement
from policy.inputs import PolicyRef

#: Keys by which an endpoint comes into a request, with a policy of its own.
_OF_ENDPOINTS = frozenset({"aws:sourcevpce", "aws:sourcevpc"})

#: So many steps are decided before all roles are read, which takes as long as to open every account once.
_MANY = 500


class StepsAgain(Mapping[int, list[Step]]):
    """The steps of listed subjects by their number, made when they are asked for."""

    def __init__(self, world: World, built: Steps, overrides: Overrides) -> None:
        self._assembler = world.assembler
        self._inventory = world.inventory
        self._assuming = world.assuming
        self._trusts = world.assuming.trusts
        self._everybody = world.subjects.all
        self._built = built
        self._overrides = overrides
        self._reads: dict[frozenset[str], _Reads] = {}
        self._known: dict[int, list[Step]] = {}
        self._roles: dict[tuple[_Reads, str], frozenset[str]] = {}
        self._asked = 0
        self._closed: dict[tuple[str, str], bool] = {}

    def __getitem__(self, index: int) -> list[Step]:
        found = self._known.get(index)
        if found is None:
            found = self._known[index] = [] if index < 0 else self._of(self._everybody[index])
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._everybody)))

    def __len__(self) -> int:
        return len(self._everybody)

    def _of(self, subject: Subject) -> list[Step]:
        if subject.caller is None or subject.kind in ("RootUser", "Anonymous"):
            return []
        reads = self._reads_for(subject)
        stored = self._built.out.stored.get(subject.index, ())
        action = assume_action(subject).lower()
        steps: list[Step] = []
        if self._reads_own(subject, reads):
            near = self._trusts.near(subject)
        else:
            changed = self._changed(reads, action)
            steps = [step for step in stored if step.target.key not in changed]
            near = [role for role in self._trusts.near(subject) if role.arn in changed] if changed else []
        for role in near:
            if self._is_closed(role, action) or not self._trusts.may_assume(subject, role):
                continue
            if self._trusts.lets_in(subject, role):
                step = self._assuming.step(subject, role, self._overrides, self._decider())
                if step is not None:
                    steps.append(step)
        numbers = self._trusts.numbers
        return sorted(steps, key=lambda step: numbers[step.target.key])

    def _decider(self) -> Decider | None:
        """Who decides the next step: after many, which lie in many accounts, one that knows all roles by heart."""
        self._asked += 1
        return None if self._asked <= _MANY else self._of_roles

    @cached_property
    def _of_roles(self) -> Decider:
        """Of resources it knows the roles alone, and with them their tags."""
        roles = tuple(self._inventory.of_type("iam:role"))
        return Decider(self._assembler.part(self._inventory.partition_view("", roles)))

    def _reads_for(self, subject: Subject) -> _Reads:
        """By the keys of which something else is said than what the subject's own requests have anyway."""
        assert subject.caller is not None
        own = RequestContext(subject.caller, NOWHERE, "", self._assembler.now)
        given = self._overrides.given
        keys = frozenset(
            key
            for key in {*given, *self._overrides.absent, *self._overrides.unknown}
            # What begins so hangs on who asks alone.
            if not (key.startswith("aws:principal") and key in given and own.get(key) == given[key])
        )
        found = self._reads.get(keys)
        if found is None:
            found = self._reads[keys] = _Reads(self._assembler, keys)
        return found

    def _is_closed(self, role: Role, action: str) -> bool:
        """Whether every statement by which a role's trust lets in anybody fails by what is said, whoever asks: AWS
        asks the trust in the role's own account, too (semantics L6)."""
        found = self._closed.get((role.arn, action))
        if found is None:
            document = self._trusts.document(role)
            found = document is not None and not any(
                one.allows and (one.acts is None or one.acts(action)) and not self._fails(one)
                for one in document.statements
            )
            self._closed[role.arn, action] = found
        return found

    def _fails(self, statement: Statement) -> bool:
        """Whether a condition does that reads a key whose value the asker gives."""
        given = self._overrides.given
        return any(
            condition.key in given
            and condition.tests is not None
            and not condition.holds(given[condition.key], condition.tests)
            for condition in statement.conditions
        )

    def _reads_own(self, subject: Subject, reads: _Reads) -> bool:
        """Whether what decides about anybody's steps, or what is the subject's own, reads a key."""
        assert subject.caller is not None
        action = assume_action(subject).lower()
        principal = subject.caller.principal
        if reads.endpoints or reads.guardrails("scp", principal.account or "", action):
            return True
        if principal.kind not in ("user", "role", "session") or principal.account not in self._inventory.accounts:
            return False
        texts = self._trusts.texts(principal, boundary=True)
        if not any(text is not None and reads.text(text) for text in texts):
            return False
        return any(reads.ref(ref, action) for refs in self._assembler.identity(principal) for ref in refs)

    def _changed(self, reads: _Reads, action: str) -> frozenset[str]:
        """The roles whose trust, or the guardrails over which, read a key where they say something of an action."""
        found = self._roles.get((reads, action))
        if found is None:
            roles = (role.arn for role in self._inventory.data.roles if self._reads_role(role, reads, action))
            found = self._roles[reads, action] = frozenset(roles)
        return found

    def _reads_role(self, role: Role, reads: _Reads, action: str) -> bool:
        if reads.guardrails("rcp", role.account, action):
            return True
        return reads.text(role.trust) and reads.document(self._trusts.document(role), action)


class _Reads:
    """Which policies read one of some keys of which the asker says something."""

    def __init__(self, assembler: Assembler, keys: Collection[str]) -> None:
        self._assembler = assembler
        self._keys = tuple(sorted(keys))
        self.endpoints = not _OF_ENDPOINTS.isdisjoint(self._keys)
        self._texts: dict[str, bool] = {}
        self._documents: dict[tuple[Document, str], bool] = {}
        self._guardrails: dict[tuple[str, str, str], bool] = {}

    def text(self, text: str) -> bool:
        """Whether a policy of this text may read one; JSON can spell a key in hidden ways."""
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = self._in(text) or "\\u" in text or "\\/" in text
        return found

    def _in(self, text: str) -> bool:
        lower = text.lower()
        return any(key in lower for key in self._keys)

    def ref(self, ref: PolicyRef, action: str) -> bool:
        return self.document(ref.document, action)

    def document(self, document: Document | None, action: str) -> bool:
        """Whether a statement that may be about an action reads one; what was not read is not known in any context."""
        if document is None:
            return False
        found = self._documents.get((document, action))
        if found is None:
            about = (one for one in document.statements if one.acts is None or one.acts(action))
            found = self._documents[document, action] = any(map(self._statement, about))
        return found

    def _statement(self, statement: Statement) -> bool:
        if any(condition.key in self._keys for condition in statement.conditions):
            return True
        return any("${" in text and self._in(text) for text in _with_variables(statement))

    def guardrails(self, kind: str, account: str, action: str) -> bool:
        """Whether one over an account does."""
        key = (kind, account, action)
        found = self._guardrails.get(key)
        if found is None:
            levels = self._assembler.guardrails(kind, account)
            refs = (ref for level in levels for ref in level.policies)
            found = self._guardrails[key] = any(self.ref(ref, action) for ref in refs)
        return found


def _with_variables(statement: Statement) -> Iterator[str]:
    """The texts of a statement that may hold variables."""
    yield from statement.resources or ()
    yield from statement.not_resources or ()
    for condition in statement.conditions:
        yield from condition.values


def steps_again(world: World, built: Steps, overrides: Overrides) -> Steps:
    """The steps under what the asker says of the context, to be searched forward; ``built`` are those of the build."""
    return Steps.searched(StepsAgain(world, built, overrides), world.people.under(overrides))


def let_in(world: World, sessions: Collection[int], resource: str, overrides: Overrides) -> Collection[int]:
    """Of sessions those that a resource may let in, in whatever context: what a build says of it is of one alone."""
    container = world.inventory.container(resource)
    about_members = "aws:principalorgid" in {*overrides.given, *overrides.absent, *overrides.unknown}
    if container is None or about_members:  # whom a policy means that asks for it hangs on the context, too
        return sessions
    beyond = world.candidates.beyond(world.assembler.place(container.arn, "", container.account))
    everyone = world.subjects.all
    return [
        index
        for index in sessions
        if beyond.everyone or index in beyond.named or everyone[index].account == container.account
    ]
