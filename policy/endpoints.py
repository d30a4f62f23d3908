"""Requests through a VPC endpoint (semantics L11).

A request goes through one where the asker says so, by `aws:SourceVpce`: then the endpoint's policy must allow it, and
the VPC that it comes from follows.
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from model.entities import VpcEndpoint
from policy.context import Overrides
from policy.inputs import PolicyRef

#: Where a request says through which endpoint it comes, and from which VPC.
SOURCE_ENDPOINT, SOURCE_VPC = "aws:sourcevpce", "aws:sourcevpc"


def endpoint_policy(
    overrides: Overrides, endpoints: Mapping[str, VpcEndpoint], ref: Callable[[str, str | None], PolicyRef]
) -> tuple[PolicyRef, ...]:
    """The policy of the endpoint that a request is said to come through; none where it is known to have none.

    ``ref`` makes a reference of a name and a text, ``None`` for what was not read.
    """
    id = _endpoint_of(overrides)
    if id is None:
        return ()
    endpoint = endpoints.get(id)
    if endpoint is not None and not endpoint.policy:
        return ()
    return (ref(f"{id}#policy", None if endpoint is None else endpoint.policy),)


def _endpoint_of(overrides: Overrides) -> str | None:
    given = overrides.given.get(SOURCE_ENDPOINT, ())
    return given[0] if len(given) == 1 else None


def through(overrides: Overrides, endpoints: Mapping[str, VpcEndpoint]) -> Overrides:
    """What was said of a request, with the VPC of its endpoint where that was collected and nothing else was said."""
    endpoint = endpoints.get(_endpoint_of(overrides) or "")
    said = SOURCE_VPC in overrides.given or SOURCE_VPC in overrides.absent or SOURCE_VPC in overrides.unknown
    if endpoint is None or not endpoint.vpc or said:
        return overrides
    return replace(overrides, given={**overrides.given, SOURCE_VPC: (endpoint.vpc,)})
