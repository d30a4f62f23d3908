"""The parameters of a query: their types, and the values that people type for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from cypher.errors import QueryError

ParameterType = Literal["text", "number", "flag", "texts"]
ParameterValue = str | int | bool | list[str]

_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_EXPECTED = {"text": "a text", "number": "a whole number", "flag": "yes or no", "texts": "texts divided by commas"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """``required``: it has no default, and ``default`` is ``None``."""

    name: str
    type: ParameterType
    default: ParameterValue | None

    @classmethod
    def declare(cls, name: str, type_name: str, default: str | None, where: str) -> Parameter:
        """A parameter as its header line declares it; raises ``QueryError`` for a default of another type."""
        parameter = cls(name, cast(ParameterType, type_name), None)
        if default is None:
            return parameter
        return cls(name, parameter.type, parameter.read(default, where))

    @property
    def required(self) -> bool:
        return self.default is None

    def read(self, value: object, where: str) -> ParameterValue:
        """``value`` as this type; a text is read as what a person typed. Raises ``QueryError`` when it does not fit."""
        if self.type == "text" and isinstance(value, str):
            return value
        if self.type == "texts":
            if isinstance(value, str):
                return [part.strip() for part in value.split(",") if part.strip()]
            if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
                return list(value)
        if self.type == "flag":
            if isinstance(value, bool):
                return value
            if isinstance(value, str) and value.lower() in _FLAGS:
                return _FLAGS[value.lower()]
        if self.type == "number":
            if isinstance(value, int) and not isinstance(value, bool):
                return value
            if isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) < 19:
                return int(value)
        raise QueryError(f"{where}: parameter `{self.name}` is `{value}`, expected {_EXPECTED[self.type]}")

    def in_words(self) -> str:
        """Type and default, for documentation."""
        return f"{self.type}, required" if self.required else f"{self.type}, default `{self.default}`"
