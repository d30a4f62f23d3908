"""Decision cases: one JSON object a line in, one answer a line out (the format of the conformance cases).

Some things beyond that format. `shares` are the policies that AWS RAM adds to the resource (semantics L16). `also`
lists further resources that the action needs an Allow on: `{"resource", "resource_account", "resource_policy"}` (M6). A
document that could not be collected is written as `null` or `{"document": "<id>"}` where a policy would stand
(`resource_policy: {"document": "<id>"}`; `resource_policy: null` is none at all). And `settings` may hold
`"crossAccountLimits": true`: then what AWS refuses across accounts whatever the policies say (semantics L17) is
applied; the cases leave it out, because they ask what the given policies say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from policy.context_values import Context, DictContext, Unknown
from policy.decide import Decision
from policy.document import parse_document
from policy.errors import CaseError, PolicyError, PrincipalError
from policy.inputs import Grant, Inputs, Level, PolicyRef, Settings
from policy.jsontext import load_json
from policy.readings import undisputed_label
from policy.request import Principal, Request
from policy.required import decide_together
from policy.s3_cases import s3_settings


def read_case(case: Any) -> tuple[Request, Inputs]:
    """The request and inputs of a case; raises `CaseError` or `PolicyError`."""
    if not isinstance(case, Mapping):
        raise CaseError(f"a case is an object, not `{type(case).__name__}`")
    context = _object(case, "context")
    _check_context(context)
    unknown = case.get("unknown") or ()
    if not isinstance(unknown, list | tuple) or not all(isinstance(key, str) for key in unknown):
        raise CaseError("`unknown` is not a list of keys")
    known = DictContext(context, unknown)
    request = Request(
        _principal(case, known),
        _action(case),
        _text(case, "resource"),
        _optional_text(case, "resource_account"),
        known,
    )
    return request, _inputs(case)


def _principal(case: Mapping[str, Any], context: Context) -> Principal:
    """The principal; a session's role and unique ids are what the request's own keys say (C6, P2)."""
    arn, user_id = context.get("aws:principalarn"), context.get("aws:userid")
    try:
        found = Principal.parse(
            _text(case, "principal"),
            role_arn=arn[0] if isinstance(arn, tuple) and len(arn) == 1 else None,
            unique_id=user_id[0].partition(":")[0] if isinstance(user_id, tuple) and len(user_id) == 1 else None,
        )
    except PrincipalError as error:
        raise CaseError(f"`principal`: {error}") from None
    canonical = _optional_text(case, "principal_canonical_id") or ""  # a case is complete: not given is none
    found = replace(found, canonical_id=canonical)
    if found.kind == "federated-user":
        # A case does not say who federated; its identity policies are those of the user of that name.
        partition = found.text.split(":")[1]
        found = replace(found, federated_by=f"arn:{partition}:iam::{found.account}:user/{found.session_name}")
    arn_unknown = arn if isinstance(arn, Unknown) and found.kind == "session" else None
    id_unknown = user_id if isinstance(user_id, Unknown) else None
    if arn_unknown is None and id_unknown is None:
        return found
    return replace(found, arn_unknown=arn_unknown, id_unknown=id_unknown)


def _check_context(context: Mapping[str, Any]) -> None:
    for key, value in context.items():
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str | bool | int | float) for item in items):
            raise CaseError(f"`context`: the value of `{key}` is neither a text nor a list of texts")


def _action(case: Mapping[str, Any]) -> str:
    action = _text(case, "action")
    service, colon, name = action.partition(":")
    if not (service and colon and name) or "*" in action or "?" in action:
        raise CaseError(f"`action`: `{action}` is no action")
    return action


def _inputs(case: Mapping[str, Any]) -> Inputs:
    boundary = _policies(case, "permission_boundaries", "boundary")
    if len(boundary) > 1:
        raise CaseError("`permission_boundaries`: a principal has one at most")
    session = _policies(case, "session_policies", "session")
    return Inputs(
        identity=_policies(case, "identity_policies", "identity"),
        boundary=boundary,
        session=session or None,
        scps=_levels(case, "scps", "scp"),
        rcps=_levels(case, "rcps", "rcp"),
        resource=_policy(case["resource_policy"], "resource") if case.get("resource_policy") is not None else None,
        shares=_policies(case, "shares", "share"),
        vpce=_policies(case, "vpc_endpoint_policies", "vpce"),
        settings=_settings(case),
    )


def _policies(case: Mapping[str, Any], name: str, prefix: str) -> tuple[PolicyRef, ...]:
    return _refs(_list(case, name), f"{name}", prefix)


def _refs(items: list[Any], name: str, prefix: str) -> tuple[PolicyRef, ...]:
    refs: list[PolicyRef] = []
    for i, item in enumerate(items):
        label = f"{prefix}[{i}]"
        if isinstance(item, Mapping) and "policy" in item:
            given = item.get("name")
            if given is not None and not isinstance(given, str):
                raise CaseError(f"`{name}`: `{given!r}` is no name")
            refs.append(_policy(item["policy"], given or label))
        else:
            refs.append(_policy(item, label))
    return tuple(refs)


def _policy(raw: Any, name: str) -> PolicyRef:
    if raw is None:
        return PolicyRef(name, None)
    if isinstance(raw, Mapping) and set(raw) == {"document"} and isinstance(raw["document"], str):
        return PolicyRef(raw["document"], None)
    if not isinstance(raw, Mapping | str):
        raise CaseError(f"`{name}`: `{type(raw).__name__}` is not a policy")
    return PolicyRef(name, parse_document(raw, source=name))


def _levels(case: Mapping[str, Any], name: str, prefix: str) -> tuple[Level, ...]:
    levels: list[Level] = []
    for i, item in enumerate(_list(case, name)):
        if not isinstance(item, Mapping) or not isinstance(item.get("policies"), list):
            raise CaseError(f"`{name}`: a level is an object with `level` and `policies`")
        label = str(item.get("level", i))
        levels.append(Level(label, _refs(item["policies"], name, f"{prefix}/{label}")))
    return tuple(levels)


def _settings(case: Mapping[str, Any]) -> Settings:
    raw = _object(case, "settings")
    grants = raw.get("grants", [])
    if grants is not None and not isinstance(grants, list):
        raise CaseError("`settings`: `grants` is not a list")
    return replace(
        s3_settings(raw.get("s3"), _policy),
        kms_grants=None if grants is None else tuple(_grant(i, item) for i, item in enumerate(grants)),
        cross_account_limits=raw.get("crossAccountLimits") is True,
    )


def _grant(i: int, raw: Any) -> Grant:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("grantee"), str):
        raise CaseError("`settings`: a grant is an object with `grantee` and `operations`")
    operations = raw.get("operations")
    if not isinstance(operations, list) or not all(isinstance(name, str) for name in operations):
        raise CaseError("`settings`: the `operations` of a grant are a list of names")
    return Grant(raw["grantee"], frozenset(operations), id=f"grant[{i}]")


def _text(case: Mapping[str, Any], name: str) -> str:
    value = case.get(name)
    if not isinstance(value, str) or not value:
        raise CaseError(f"`{name}` is missing" if value is None else f"`{name}`: `{value!r}` is not a text")
    return value


def _optional_text(case: Mapping[str, Any], name: str) -> str | None:
    return _text(case, name) if case.get(name) is not None else None


def _list(case: Mapping[str, Any], name: str) -> list[Any]:
    value = case.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise CaseError(f"`{name}` is not a list")
    return value


def _object(case: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = case.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CaseError(f"`{name}` is not an object")
    return value


def _parts(case: Any) -> list[tuple[Request, Inputs]]:
    """The request of a case on its resource, and on those of `also` (semantics M6)."""
    request, inputs = read_case(case)
    parts = [(request, inputs)]
    for item in _list(case, "also"):
        if not isinstance(item, Mapping):
            raise CaseError("`also`: a further resource is an object with `resource`")
        account = _optional_text(item, "resource_account") or request.resource_account
        policy = item.get("resource_policy")
        of_it = None if policy is None else _policy(policy, "resource")
        asked = replace(request, resource=_text(item, "resource"), resource_account=account)
        settings = Settings(cross_account_limits=inputs.settings.cross_account_limits)
        parts.append((asked, replace(inputs, resource=of_it, shares=(), settings=settings)))
    return parts


def answer(case_id: str | None, decision: Decision) -> dict[str, Any]:
    """The output object of a decided case."""
    return {
        "id": case_id,
        "verdict": decision.verdict.value,
        "layers": decision.layers,
        "because": [because.to_json() for because in decision.because],
        "residual": None if decision.residual is None else decision.residual.to_json(),
    }


def run_cases(lines: Iterable[str | bytes]) -> Iterator[dict[str, Any]]:
    """Decide one case a line; a malformed one gives `{"id", "verdict": "Error", "error"}` and the run goes on."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        case_id = f"line {number}"
        try:
            case = load_json(line, source=case_id)
            if isinstance(case, dict) and isinstance(case.get("id"), str):
                case_id = case["id"]
            parts = _parts(case)
            decision = decide_together(parts)
            yield answer(case_id, undisputed_label(*parts[0], decision) if len(parts) == 1 else decision)
        except (CaseError, PolicyError, RecursionError) as error:
            yield {"id": case_id, "verdict": "Error", "error": str(error)}
