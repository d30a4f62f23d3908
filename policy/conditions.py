"""One condition of a statement, compiled, and its truth in a context (semantics C1-C5, M3, U1)."""

from __future__ import annotations

from functools import lru_cache

from policy.context_values import ABSENT, By, Context, ContextValue, Unknown, is_multivalued
from policy.expression import FALSE, TRUE, KeyLeaf, Residual, Where
from policy.operators import OPERATORS, Operator, compile_test
from policy.patterns import Parts, Test, Variable, loosened, matcher, parse_parts, render, resolve

_SETS = {"forallvalues": "all", "foranyvalue": "any"}


class OperatorError(ValueError):
    """A text that is no condition operator."""


def split_operator(text: str) -> tuple[Operator, str, bool]:
    """`ForAnyValue:StringLikeIfExists` → (StringLike, "any", True); operators match without case (C1)."""
    prefix, _, base = text.rpartition(":")
    name = base.lower()
    if_exists = name.endswith("ifexists")
    operator = OPERATORS.get(name[: -len("ifexists")] if if_exists else name)
    if operator is None or (prefix and prefix.lower() not in _SETS) or (if_exists and operator.family == "null"):
        raise OperatorError(f"`{text}` is no condition operator")
    return operator, _SETS.get(prefix.lower(), ""), if_exists


class Condition:
    """One operator on one key: `values` are alternatives (C5)."""

    __slots__ = (
        "if_exists",
        "key",
        "key_text",
        "multivalued",
        "operator",
        "operator_text",
        "parts",
        "set_operator",
        "single",
        "tests",
        "values",
        "when_absent",
    )

    def __init__(self, operator_text: str, key: str, values: tuple[str, ...], *, variables: bool) -> None:
        self.operator, self.set_operator, self.if_exists = split_operator(operator_text)
        self.operator_text = operator_text
        self.key = key.lower()
        self.key_text = key
        self.values = values
        self.multivalued = is_multivalued(key)
        use_variables = variables and self.operator.takes_variables
        self.parts: tuple[Parts, ...] = tuple(
            parse_parts(value, variables=use_variables, wildcards=self.operator.wildcards) for value in values
        )
        fixed = not any(isinstance(part, Variable) for parts in self.parts for part in parts)
        self.tests: tuple[Test, ...] | None = self._compile(self.parts) if fixed else None
        self.when_absent: Residual = TRUE if self._holds_absent() else FALSE
        self.single: Test | None = self._single()

    def _compile(self, patterns: tuple[Parts, ...]) -> tuple[Test, ...]:
        if self.operator.family == "null":
            return ()
        return tuple(compile_test(self.operator, parts) for parts in patterns)

    def _single(self) -> Test | None:
        """What `holds` says of a key that is there once, where key and operator are for one value."""
        tests, negated = self.tests, self.operator.negated
        if tests is None or self.set_operator or self.multivalued or self.operator.family == "null":
            return None
        if len(tests) == 1:
            (test,) = tests
            return test if not negated else lambda value: not test(value)
        return lambda value: _matches_one(value, tests) is not negated

    def _holds_absent(self) -> bool:
        """C2: what the condition says when the key is not in the request."""
        if self.operator.family == "null":
            return any(value.lower() == "true" for value in self.values)
        if self.set_operator == "all":
            return True
        if self.set_operator == "any":
            return self.if_exists
        return self.if_exists or self.operator.negated

    def truth(self, context: Context, where: Where) -> Residual:
        """TRUE, FALSE or the leaf that it hangs on."""
        value = context.get(self.key)
        if value is ABSENT:
            return self.when_absent
        if isinstance(value, Unknown):
            return self._leaf(value, context, where)
        if self.tests is None:
            return self._truth_of_variables(value, context, where)
        return TRUE if self.holds(value, self.tests) else FALSE

    def unsure(self, unknown: Unknown, where: Where) -> Residual:
        """The leaf that a condition without variables hangs on where its key is not known."""
        return self._leaf(unknown, _NOTHING, where)

    def holds(self, value: tuple[str, ...], tests: tuple[Test, ...]) -> bool:
        """Whether the condition holds for the values of a present key."""
        operator = self.operator
        if operator.family == "null":
            wanted = "false" if value else "true"
            return any(text.lower() == wanted for text in self.values)
        negated = operator.negated
        if self.set_operator == "":
            # C3: a list compared without a set operator matches nothing, negated and IfExists included.
            if self.multivalued or len(value) > 1:
                return False
            if not value:
                return self.when_absent is TRUE
            return _matches_one(value[0], tests) is not negated
        if self.set_operator == "all":
            return all(_matches_one(item, tests) is not negated for item in value)
        return any(_matches_one(item, tests) is not negated for item in value)

    def _truth_of_variables(self, value: tuple[str, ...], context: Context, where: Where) -> Residual:
        """The key is known and some values hold variables (M3)."""
        filled = [resolve(parts, context) for parts in self.parts]
        certain = tuple(item.parts for item in filled if item.parts is not None and not item.unknown)
        open_ended = tuple(item.parts for item in filled if item.parts is not None and item.unknown)
        at_least = self.holds(value, self._compile(certain))
        if not open_ended:
            return TRUE if at_least else FALSE
        # No value of a variable lets a pattern match more than `*` in its place does; none lets it match less than
        # nothing. When both ends agree, the variables do not matter.
        at_most = self.holds(value, self._compile(certain + tuple(loosened(parts) for parts in open_ended)))
        if at_least is at_most:
            return TRUE if at_least else FALSE
        return self._leaf(None, context, where, value)

    def _leaf(self, unknown: Unknown | None, context: Context, where: Where, present: tuple[str, ...] = ()) -> Residual:
        values: list[str] = list(self.values) if self.operator.family == "null" else []
        variables: dict[str, Unknown] = {}
        for text, parts in zip(self.values, self.parts, strict=True) if not values else ():
            if self.operator.takes_variables:
                item = resolve(parts, context)
                if item.parts is None:
                    continue
                variables.update({variable.key: open_key for variable, open_key in item.unknown})
                values.append(render(item.parts, wildcards=self.operator.wildcards))
            else:
                values.append(text)
        owners: set[By] = {open_key.by for open_key in variables.values()}
        if unknown is not None:
            owners.add(unknown.by)
        return KeyLeaf(
            self.key_text,
            self.operator_text,
            tuple(values),
            "caller" if owners == {"caller"} else "environment",
            where,
            unknown,
            present,
            tuple(variables.items()),
        )


def _matches_one(item: str, tests: tuple[Test, ...]) -> bool:
    for test in tests:  # noqa: SIM110  # the loop is twice as fast as any() over a generator, and this is the hot path
        if test(item):
            return True
    return False


@lru_cache(maxsize=65536)
def condition_of(operator: str, key: str, values: tuple[str, ...]) -> Condition:
    """The condition that a leaf of a residual states; its values may still hold variables."""
    return Condition(operator, key, values, variables=True)


class _Completed:
    """A context that is fully known."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, tuple[str, ...]]) -> None:
        self._values = values

    def get(self, key: str, /) -> ContextValue:
        return self._values.get(key, ABSENT)


#: What a condition without variables looks its variables up in.
_NOTHING = _Completed({})


def leaf_holds(operator: str, key: str, values: tuple[str, ...], context: dict[str, tuple[str, ...]]) -> bool:
    """The truth of a leaf in a completed request; `context` has lower-case keys."""
    condition = condition_of(operator, key, values)
    return condition.truth(_Completed(context), Where("", "", None, None)) is TRUE


@lru_cache(maxsize=4096)
def _pattern_of(pattern: str) -> Parts:
    return parse_parts(pattern, variables=True, wildcards=True)


def pattern_holds(pattern: str, resource: str, context: dict[str, tuple[str, ...]]) -> bool:
    """The truth of a resource leaf in a completed request."""
    filled = resolve(_pattern_of(pattern), _Completed(context))
    return filled.parts is not None and bool(matcher(filled.parts)(resource))
