"""Policy documents: parsed once, compiled at parse time, interned by content (semantics M1-M4).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from copy import copy
from functools import lru_cache
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from policy.conditions import Condition, OperatorError
from policy.errors import PolicyError
from policy.jsontext import check_texts, load_json, pointer_of, shown
from policy.patterns import Parts, Test, Variable, action_matcher, alternatives, loosened, matcher, resource_parts
from policy.principals import PrincipalElement, PrincipalShapeError, compile_principals, one_or_list

VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT_KEYS = frozenset(
    {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "Condition",
    }
)
_DOCUMENT_KEYS = frozenset({"Version", "Id", "Statement"})
_FIELDS = {
    "Action": "actions",
    "NotAction": "not_actions",
    "Resource": "resources",
    "NotResource": "not_resources",
}
#: What no service prefix holds; wildcards are left alone, which IAM takes for the whole prefix only (`*:List*`).
_NO_SERVICE = re.compile(r"[^A-Za-z0-9.*?-]")
#: Without any of these a text is a bare word, which IAM refuses as a resource.
_RESOURCE_SIGN = re.compile(r"[:/*?]")


class ResourcePatterns:
    """The Resource or NotResource list of a statement.

    `plain` tests the patterns without variables (`None`: one of them matches everything, or there is no element at all,
    as in a trust policy); `variable` holds the others as (text, parts, test of what some value of the variables could
    match), decided with the context.
    """

    __slots__ = ("negated", "plain", "texts", "variable")

    def __init__(self, texts: tuple[str, ...] | None, *, negated: bool, variables: bool) -> None:
        self.texts = texts
        self.negated = negated
        parsed = [(text, resource_parts(text, variables=variables)) for text in texts or ()]
        self.variable: tuple[tuple[str, Parts, Test], ...] = tuple(
            (text, parts, matcher(loosened(parts)))
            for text, parts in parsed
            if any(isinstance(part, Variable) for part in parts)
        )
        fixed = [parts for _, parts in parsed if not any(isinstance(part, Variable) for part in parts)]
        self.plain: Test | None = None if texts is None else alternatives(fixed)

    @property
    def matches_everything(self) -> bool:
        """`Resource: *`, or no element: nothing to test."""
        return self.plain is None and not self.negated


class Statement:
    """One statement, ready to be matched.

    `acts` tests an action in lower case (`None`: every action); with `not_actions` the test is already turned round.
    `acting` is a number that statements with one action element share.
    `unlimited`: it is about every resource and has no condition. `only_on` tests the resource where no pattern holds a
    variable and the element is no NotResource; `None`: look at `resource_patterns`.
    """

    __slots__ = (
        "acting",
        "actions",
        "acts",
        "allows",
        "conditions",
        "effect",
        "has_principal",
        "index",
        "not_actions",
        "not_principals",
        "not_resources",
        "only_on",
        "principal_element",
        "principals",
        "resource_patterns",
        "resources",
        "sid",
        "tests_resource",
        "unlimited",
    )

    def __init__(self, raw: Mapping[str, Any], index: int, pointer: str, version: str, source: str) -> None:
        read = _Reader(source, pointer, raw)
        self.index = index
        self.sid: str | None = read.optional_text("Sid")
        self.effect: str = read.effect()
        self.allows = self.effect == "Allow"
        self.actions, self.not_actions = read.one_of("Action", "NotAction", required=True)
        self.resources, self.not_resources = read.one_of("Resource", "NotResource", required=False)
        variables = version == "2012-10-17"
        negated = self.not_resources is not None
        texts = self.not_resources if negated else self.resources
        self.resource_patterns = ResourcePatterns(texts, negated=negated, variables=variables)
        self.tests_resource = not self.resource_patterns.matches_everything
        self.only_on: Test | None = None if negated or self.resource_patterns.variable else self.resource_patterns.plain
        self.acts = action_test(self.actions, self.not_actions)
        self.acting = _ACTING.setdefault((self.actions, self.not_actions), next(_NUMBERS))
        self.principals, self.not_principals = read.principals()
        self.principal_element: PrincipalElement | None = self.principals or self.not_principals
        self.has_principal = self.principal_element is not None
        self.conditions: tuple[Condition, ...] = read.conditions(variables)
        self.unlimited = not self.tests_resource and not self.conditions

    @property
    def lets_in_anybody(self) -> bool:
        """Whether it may allow something to whoever asks, conditions aside."""
        return self.allows and self.principal_element is not None and self.principal_element.anybody

    def to_json(self) -> dict[str, Any]:
        """The statement as a policy object: a list of one is its item, numbers and booleans are texts."""
        found: dict[str, Any] = {} if self.sid is None else {"Sid": self.sid}
        found["Effect"] = self.effect
        if self.principal_element is not None:
            found["NotPrincipal" if self.principal_element.negated else "Principal"] = self.principal_element.to_json()
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            texts = getattr(self, _FIELDS[name])
            if texts is not None:
                found[name] = one_or_list(texts)
        if self.conditions:
            operators: dict[str, dict[str, Any]] = {}
            for condition in self.conditions:
                operators.setdefault(condition.operator_text, {})[condition.key_text] = one_or_list(condition.values)
            found["Condition"] = operators
        return found

    def __repr__(self) -> str:
        return f"Statement({self.index}, {self.sid!r}, {self.effect})"


#: Action elements by what they say, numbered.
_ACTING: dict[tuple[tuple[str, ...] | None, tuple[str, ...] | None], int] = {}
_NUMBERS = count()


@lru_cache(maxsize=1 << 14)
def action_test(actions: tuple[str, ...] | None, not_actions: tuple[str, ...] | None) -> Test | None:
    """A test of actions in lower case by Action or NotAction; ``None``: every action."""
    if actions is not None:
        return action_matcher(actions)
    excluded = action_matcher(not_actions or ())
    if excluded is None:
        return _nothing
    return lambda action: not excluded(action)


def _nothing(_action: str) -> bool:
    return False


class _Reader:
    """Reads the elements of one statement, and says exactly where one is wrong."""

    def __init__(self, source: str, pointer: str, raw: Mapping[str, Any]) -> None:
        self.source = source
        self.pointer = pointer
        self.raw = raw

    def fail(self, reason: str, *path: str) -> PolicyError:
        return PolicyError(self.source, self.pointer + pointer_of(path), reason)

    def optional_text(self, name: str) -> str | None:
        if name not in self.raw:
            return None
        value = self.raw[name]
        if isinstance(value, str):
            return value
        raise self.fail(f"{shown(value)} is not a text", name)

    def effect(self) -> str:
        if "Effect" not in self.raw:
            raise self.fail("a statement needs an `Effect`")
        value = self.raw["Effect"]
        if value not in ("Allow", "Deny"):
            raise self.fail(f"effect {shown(value)} is neither `Allow` nor `Deny`", "Effect")
        return str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw[name]
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            raise self.fail(f"{shown(value)} is neither a text nor a list of texts", name)
        check = self._check_action if name.endswith("Action") else self._check_resource
        for i, item in enumerate(items):
            path = (name, str(i)) if isinstance(value, list) else (name,)
            if not isinstance(item, str):
                raise self.fail(f"{shown(item)} is not a text", *path)
            check(item, path)
        return tuple(items)

    def _check_action(self, text: str, path: tuple[str, ...]) -> None:
        """`*`, or a service prefix, one colon and a name.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        """
        service, colon, name = text.partition(":")
        if not service or (not colon and service.strip("*")):
            raise self.fail(f"action {shown(text)} has no service before a colon", *path)
        if ":" in name:
            raise self.fail(f"action {shown(text)} has more than one colon", *path)
        if _NO_SERVICE.search(service):
            raise self.fail(f"action {shown(text)} does not begin with a service", *path)

    def _check_resource(self, text: str, path: tuple[str, ...]) -> None:
        """`*` or an ARN; what some services write themselves (`/account/queue`, `execute-api:/stage/*`) is left alone.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
        """
        if not _RESOURCE_SIGN.search(text):
            raise self.fail(f"resource {shown(text)} is neither an ARN nor `*`", *path)

    def one_of(
        self, name: str, denial: str, *, required: bool
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        if name in self.raw and denial in self.raw:
            raise self.fail(f"a statement has `{name}` or `{denial}`, not both")
        if name not in self.raw and denial not in self.raw:
            if required:
                raise self.fail(f"a statement needs `{name}` or `{denial}`")
            return None, None
        found = name if name in self.raw else denial
        texts = self.texts(found)
        return (texts, None) if found == name else (None, texts)

    def principals(self) -> tuple[PrincipalElement | None, PrincipalElement | None]:
        if "Principal" in self.raw and "NotPrincipal" in self.raw:
            raise self.fail("a statement has `Principal` or `NotPrincipal`, not both")
        for name in ("Principal", "NotPrincipal"):
            if name in self.raw:
                try:
                    element = compile_principals(self.raw[name], negated=name == "NotPrincipal")
                except PrincipalShapeError as error:
                    raise self.fail(error.reason, name, *error.path) from None
                return (element, None) if name == "Principal" else (None, element)
        return None, None

    def conditions(self, variables: bool) -> tuple[Condition, ...]:
        if "Condition" not in self.raw:
            return ()
        raw = self.raw["Condition"]
        if not isinstance(raw, Mapping):
            raise self.fail(f"{shown(raw)} is not an object of operators", "Condition")
        compiled: list[Condition] = []
        for operator, keys in raw.items():
            if not isinstance(keys, Mapping):
                raise self.fail(f"{shown(keys)} is not an object of keys", "Condition", operator)
            for key, value in keys.items():
                texts = self._condition_values(operator, key, value)
                try:
                    compiled.append(Condition(operator, key, texts, variables=variables))
                except OperatorError as error:
                    raise self.fail(str(error), "Condition", operator) from None
        return tuple(compiled)

    def _condition_values(self, operator: str, key: str, value: Any) -> tuple[str, ...]:
        texts: list[str] = []
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, bool):
                texts.append("true" if item else "false")
            elif isinstance(item, (str, int, float)):
                texts.append(str(item))
            else:
                path = ("Condition", operator, key, *((str(i),) if isinstance(value, list) else ()))
                raise self.fail(f"{shown(item)} is no condition value", *path)
        return tuple(texts)


class Document:
    """A policy document, compiled. Equal texts give the same object, so a document is compared by identity."""

    __slots__ = ("__weakref__", "id", "statements", "text_hash", "version")

    def __init__(self, raw: Mapping[str, Any], text_hash: str, source: str) -> None:
        for name in raw:
            if name not in _DOCUMENT_KEYS:
                raise PolicyError(source, pointer_of((name,)), f"{shown(name)} is no element of a policy")
        self.text_hash = text_hash
        self.id: str | None = _Reader(source, "", raw).optional_text("Id")
        self.version: str | None = raw.get("Version")
        if "Version" in raw and self.version not in VERSIONS:
            reason = f"version {shown(self.version)} is neither `2012-10-17` nor `2008-10-17`"
            raise PolicyError(source, "/Version", reason)
        if "Statement" not in raw:
            raise PolicyError(source, "", "a policy needs a `Statement`")
        listed = raw["Statement"]
        single = isinstance(listed, Mapping)
        statements = [listed] if single else listed
        if not isinstance(statements, list):
            raise PolicyError(source, "/Statement", f"{shown(listed)} is neither a statement nor a list of them")
        parsed: list[Statement] = []
        for i, statement in enumerate(statements):
            pointer = "/Statement" if single else f"/Statement/{i}"
            if not isinstance(statement, Mapping):
                raise PolicyError(source, pointer, f"{shown(statement)} is not a statement")
            for name in statement:
                if name not in _STATEMENT_KEYS:
                    reason = f"{shown(name)} is no element of a statement"
                    raise PolicyError(source, pointer + pointer_of((name,)), reason)
            parsed.append(Statement(statement, i, pointer, self.version or "2008-10-17", source))
        self.statements: tuple[Statement, ...] = tuple(parsed)

    def only(self, statements: Iterable[Statement]) -> Document:
        """A document with some of these statements, which keep their places; it is not interned."""
        found = copy(self)
        found.statements = tuple(statements)
        return found

    def to_json(self) -> dict[str, Any]:
        """The policy object again, from what was compiled: parsing it gives a document that decides alike."""
        found: dict[str, Any] = {} if self.version is None else {"Version": self.version}
        if self.id is not None:
            found["Id"] = self.id
        found["Statement"] = [statement.to_json() for statement in self.statements]
        return found

    def __repr__(self) -> str:
        return f"Document({self.text_hash[:12]}, {len(self.statements)} statements)"


#: By text the document, or why it is none.
Parsed = dict[str, "Document | PolicyError"]

#: Documents that somebody holds; whoever is done with a part of an organisation gives its documents up.
_INTERNED: WeakValueDictionary[str, Document] = WeakValueDictionary()


def parse_document(raw: str | bytes | Mapping[str, Any], *, source: str = "policy") -> Document:
    """The compiled document of a policy text or object; the same content gives the same object.

    Raises `PolicyError` naming `source` and the place. Text may be percent-encoded, as the IAM API returns it.
    """
    try:
        content = load_json(raw, source=source) if isinstance(raw, str | bytes) else raw
        if not isinstance(content, Mapping):
            raise PolicyError(source, "", f"{shown(content)} is not a policy object")
        return _interned(content, source)
    except RecursionError:
        raise PolicyError(source, "", "not a policy: nested too deeply") from None
    except PolicyError:
        raise
    except (TypeError, ValueError) as error:
        # An object that a program made and that is no JSON: keys that are no texts, numbers that are not finite.
        raise PolicyError(source, "", f"not json: {str(error).lower()}") from None


def _interned(content: Mapping[str, Any], source: str) -> Document:
    written = json.dumps(content, sort_keys=True, allow_nan=False)
    check_texts(content, written, source)
    text_hash = hashlib.sha256(written.encode()).hexdigest()
    found = _INTERNED.get(text_hash)
    if found is None:
        found = _INTERNED[text_hash] = Document(content, text_hash, source)
    return found
