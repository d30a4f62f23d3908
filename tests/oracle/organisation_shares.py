"""Shares of AWS RAM in a random organisation, as the resource policies that RAM makes of them (semantics L16).

https://docs.aws.amazon.com/ram/latest/userguide/getting-started-terms-and-concepts.html: a share with an organisation
or a unit is a statement for everybody with a condition on the caller's organisation; with a service one with
`aws:SourceAccount`. Reading chosen: what was not read may let in whoever a share can be with; nobody shares with the
unsigned. Kinds without resource policy give nothing in the account that shares.
"""

from typing import Any

from tests.oracle.evaluate import Case, listed

Json = dict[str, Any]
#: Kinds of which RAM shows a policy that is none.
ONLY_SHOWN = ("route53resolver:",)
SHAREABLE = {"ssm": "parameter/", "codebuild": "project/", "route53resolver": "resolver-rule/"}


def statements_of(share: Json) -> list[Json] | None:
    """The statements that a share is; None where a part of it was not read."""
    if share["principals"] is None or share["template"] is None:
        return None
    own = {"Effect": "Allow", "Action": share["template"]["Action"], "Resource": share["resources"]}
    return [{**own, **reached(share, one)} for one in share["principals"]]


def reached(share: Json, principal: str) -> Json:
    condition = {operator: dict(keys) for operator, keys in share["template"].get("Condition", {}).items()}
    if ":organizations:" not in principal:
        if principal.endswith(".amazonaws.com"):
            condition.setdefault("StringEquals", {})["aws:SourceAccount"] = share["account"]
            return {"Principal": {"Service": principal}, "Condition": condition}
        return {"Principal": {"AWS": principal}, "Condition": condition}
    pieces = principal.split("/")
    if principal.split(":")[5].startswith("organization/"):
        condition.setdefault("StringEquals", {})["aws:PrincipalOrgID"] = pieces[1]
    else:
        condition["ForAnyValue:StringLike"] = {"aws:PrincipalOrgPaths": f"{pieces[1]}/*/{pieces[2]}/*"}
    if share["type"].startswith(ONLY_SHOWN):
        condition["StringNotEquals"] = {"aws:PrincipalAccount": share["account"]}
    return {"Principal": "*", "Condition": condition}


def attach_shares(world: Any, case: Case, subject: Json) -> None:
    """What shares add to the case; `alternatives` are the contents of what could not be read."""
    if not world.get("shares") and not world.get("shares_unlisted"):
        return
    service = subject["kind"] == "service"
    options = share_options(world, case, subject["principal"] if service else subject["account"])
    case["shares"] = options[0]
    if len(options) > 1 and (subject["account"] or service):
        case["alternatives"]["shares"] = options


def share_options(world: Any, case: Case, account: str) -> list[list[Any]]:
    """The policies that shares may add to a request of somebody in an account, or of a service."""
    resource = case["resource"]
    service = case["action"].split(":")[0]
    policies: list[Any] = []
    unread = False
    for share in world.get("shares", ()):
        if resource in share["resources"]:
            found = statements_of(share)
            if found is None:
                unread = unread or may_name(share, account)
            else:
                policies.append({"Version": "2012-10-17", "Statement": found})
    parts = resource.split(":")
    if len(parts) == 6 and parts[2] == service and parts[5].startswith(SHAREABLE.get(service, "-")):
        unread = unread or [parts[4], parts[3]] in world.get("shares_unlisted", ())
    own = account == (parts[4] if len(parts) > 4 else "")
    if not unread or (own and resource.split(":")[2] + ":" in ONLY_SHOWN):
        return [policies]
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    return [policies, [*policies, {"Version": "2012-10-17", "Statement": [anybody]}]]


def may_name(share: Json, account: str) -> bool:
    """Whether a share of which not everything was read may be with somebody of an account, or with a service."""
    named, service = listed(share["principals"]), account.endswith(".amazonaws.com")
    within = any(":organizations:" in one for one in named) and not service
    return share["principals"] is None or within or any(account in one for one in named)


def statement_list(share: Json) -> Json:
    """A share as a document, of nothing where it was not read."""
    return {"Statement": statements_of(share) or []}
