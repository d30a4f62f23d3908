"""Policy documents: parsed once, compiled at parse time, interned by content (semantics M1-M4).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from policy.conditions import Condition, OperatorError
from policy.errors import PolicyError
from policy.patterns import Parts, Test, Variable, action_matcher, alternatives, resource_parts
from policy.principals import PrincipalElement, PrincipalShapeError, compile_principals

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


class ResourcePatterns:
    """The Resource or NotResource list of a statement.

    `plain` tests the patterns without variables (`None`: one of them matches everything, or there is no element at all,
    as in a trust policy); `variable` holds the others as (text, parts), decided with the context.
    """

    __slots__ = ("negated", "plain", "texts", "variable")

    def __init__(self, texts: tuple[str, ...] | None, *, negated: bool, variables: bool) -> None:
        self.texts = texts
        self.negated = negated
        parsed = [(text, resource_parts(text, variables=variables)) for text in texts or ()]
        self.variable: tuple[tuple[str, Parts], ...] = tuple(
            (text, parts) for text, parts in parsed if any(isinstance(part, Variable) for part in parts)
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
    """

    __slots__ = (
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
        "principal_element",
        "principals",
        "resource_patterns",
        "resources",
        "sid",
        "tests_resource",
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
        self.acts = _action_test(self.actions, self.not_actions)
        self.principals, self.not_principals = read.principals()
        self.principal_element: PrincipalElement | None = self.principals or self.not_principals
        self.has_principal = self.principal_element is not None
        self.conditions: tuple[Condition, ...] = read.conditions(variables)

    def __repr__(self) -> str:
        return f"Statement({self.index}, {self.sid!r}, {self.effect})"


def _action_test(actions: tuple[str, ...] | None, not_actions: tuple[str, ...] | None) -> Test | None:
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
        tail = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
        return PolicyError(self.source, self.pointer + tail, reason)

    def optional_text(self, name: str) -> str | None:
        value = self.raw.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.fail(f"`{value!r}` is not a text", name)

    def effect(self) -> str:
        value = self.raw.get("Effect")
        if value is None:
            raise self.fail("a statement needs an `Effect`")
        if value not in ("Allow", "Deny"):
            raise self.fail(f"effect `{value}` is neither `Allow` nor `Deny`", "Effect")
        return str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw[name]
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            raise self.fail(f"`{value!r}` is neither a text nor a list of texts", name)
        for i, item in enumerate(items):
            if not isinstance(item, str):
                raise self.fail(f"`{item!r}` is not a text", name, str(i))
        return tuple(items)

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
        if required:
            for i, text in enumerate(texts):
                if ":" not in text and text.strip("*"):
                    path = (found, str(i)) if isinstance(self.raw[found], list) else (found,)
                    raise self.fail(f"action `{text}` has no service before a colon", *path)
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
        raw = self.raw.get("Condition")
        if raw is None:
            return ()
        if not isinstance(raw, Mapping):
            raise self.fail(f"`{raw!r}` is not an object of operators", "Condition")
        compiled: list[Condition] = []
        for operator, keys in raw.items():
            if not isinstance(keys, Mapping):
                raise self.fail(f"`{keys!r}` is not an object of keys", "Condition", operator)
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
                raise self.fail(f"`{item!r}` is no condition value", *path)
        return tuple(texts)


class Document:
    """A policy document, compiled. Equal texts give the same object, so a document is compared by identity."""

    __slots__ = ("__weakref__", "statements", "text_hash", "version")

    def __init__(self, raw: Mapping[str, Any], text_hash: str, source: str) -> None:
        for name in raw:
            if name not in _DOCUMENT_KEYS:
                raise PolicyError(source, "/" + str(name), f"`{name}` is no element of a policy")
        self.text_hash = text_hash
        self.version: str | None = raw.get("Version")
        if self.version is not None and self.version not in VERSIONS:
            raise PolicyError(
                source,
                "/Version",
                f"version `{self.version}` is neither `2012-10-17` nor `2008-10-17`",
            )
        if "Statement" not in raw:
            raise PolicyError(source, "", "a policy needs a `Statement`")
        listed = raw["Statement"]
        single = isinstance(listed, Mapping)
        statements = [listed] if single else listed
        if not isinstance(statements, list):
            raise PolicyError(source, "/Statement", f"`{listed!r}` is neither a statement nor a list of them")
        parsed: list[Statement] = []
        for i, statement in enumerate(statements):
            pointer = "/Statement" if single else f"/Statement/{i}"
            if not isinstance(statement, Mapping):
                raise PolicyError(source, pointer, f"`{statement!r}` is not a statement")
            for name in statement:
                if name not in _STATEMENT_KEYS:
                    raise PolicyError(source, f"{pointer}/{name}", f"`{name}` is no element of a statement")
            parsed.append(Statement(statement, i, pointer, self.version or "2008-10-17", source))
        self.statements: tuple[Statement, ...] = tuple(parsed)

    def __repr__(self) -> str:
        return f"Document({self.text_hash[:12]}, {len(self.statements)} statements)"


_INTERNED: dict[str, Document] = {}


def parse_document(raw: str | bytes | Mapping[str, Any], *, source: str = "policy") -> Document:
    """The compiled document of a policy text or object; the same content gives the same object.

    Raises `PolicyError` naming `source` and the place. Text may be percent-encoded, as the IAM API returns it.
    """
    content = raw if isinstance(raw, Mapping) else _load(raw, source)
    if not isinstance(content, Mapping):
        raise PolicyError(source, "", f"`{type(content).__name__}` is not a policy object")
    text_hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    found = _INTERNED.get(text_hash)
    if found is None:
        found = _INTERNED[text_hash] = Document(content, text_hash, source)
    return found


def _load(raw: str | bytes, source: str) -> Any:
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw.removeprefix("\ufeff")
        if text.lstrip().lower().startswith("%7b"):
            text = unquote(text)
        return json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PolicyError(source, "", f"not json: {str(error).lower()}") from None
