"""Contexts to ask conditions in before there is a request."""

from __future__ import annotations

from policy.context_values import Context, ContextValue, Unknown
from policy.expression import Where

#: For conditions that are asked outside of a decision, where nobody is told what they hang on.
NO_WHERE = Where("", "", None, None)


class Nothing:
    """A context in which nothing is known."""

    def get(self, _key: str, /) -> ContextValue:
        return Unknown("environment")


#: A context in which nothing is known.
NOTHING = Nothing()


class Told:
    """A context in which one more key is known."""

    __slots__ = ("_context", "_key", "_value")

    def __init__(self, context: Context, key: str, value: ContextValue) -> None:
        self._context, self._key, self._value = context, key, value

    def get(self, key: str, /) -> ContextValue:
        return self._value if key == self._key else self._context.get(key)


class Remembering:
    """A context that is asked for each key once."""

    __slots__ = ("_context", "_known")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[str, ContextValue] = {}

    def get(self, key: str, /) -> ContextValue:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._context.get(key)
        return found
