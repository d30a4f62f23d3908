"""What reaches across accounts and networks: shares of AWS RAM, VPC endpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from model.entities import Account, Share, SharePermission, VpcEndpoint
from model.pages import ANSWERED, Pages, first_page, policy_text

#: Shares that were deleted, or whose making failed, give nothing; associations count once they are accepted.
_IN_FORCE, _ACCEPTED = "ACTIVE", "ASSOCIATED"


def load_shares(pages: Pages) -> Iterator[Share]:
    """The shares in force of every account."""
    entities = {kind: _associated(pages, kind) for kind in ("PRINCIPAL", "RESOURCE")}
    for record, item in sorted(
        pages.items("ram", "GetResourceShares", "resourceShares"), key=lambda found: str(found[1]["resourceShareArn"])
    ):
        if item.get("status", _IN_FORCE) != _IN_FORCE:
            continue
        arn, place = item["resourceShareArn"], (record.account, record.region)
        asked = {kind: found.get(place) for kind, found in entities.items()}
        principals, resources = asked["PRINCIPAL"], asked["RESOURCE"]
        yield Share(
            arn=arn,
            name=item.get("name", ""),
            account=record.account,
            region=record.region,
            principals=None if principals is None else tuple(principals.get(arn, ())),
            resources=None if resources is None else tuple(resources.get(arn, ())),
            permissions=_permissions(pages, record.account, record.region, arn),
        )


def _associated(pages: Pages, kind: str) -> Mapping[tuple[str, str], Mapping[str, list[str]]]:
    """By (account, region) that answered, by share: the principals or resources that are part of it."""
    found: dict[tuple[str, str], defaultdict[str, list[str]]] = {}
    for record in pages.calls("ram", "GetResourceShareAssociations"):
        if record.params.get("associationType") != kind or record.outcome not in ANSWERED:
            continue
        of_place = found.setdefault((record.account, record.region), defaultdict(list))
        for page in record.response:
            for item in page.get("resourceShareAssociations") or ():
                if item.get("status") == _ACCEPTED:
                    of_place[item["resourceShareArn"]].append(item["associatedEntity"])
    return found


def _permissions(pages: Pages, account: str, region: str, share: str) -> tuple[SharePermission, ...] | None:
    record = pages.asked("ram", "ListResourceSharePermissions", account, region, share)
    if record is None or record.outcome not in ANSWERED:
        return None
    return tuple(
        SharePermission(
            arn=item["arn"],
            type=item.get("resourceType", ""),
            template=_template(pages, account, region, item["arn"], str(item.get("version", ""))),
        )
        for page in record.response
        for item in page.get("permissions") or ()
    )


def _template(pages: Pages, account: str, region: str, arn: str, version: str) -> str | None:
    for record in pages.calls("ram", "GetPermission"):
        asked = (record.account, record.region, record.params.get("permissionArn"))
        if asked == (account, region, arn) and str(record.params.get("permissionVersion")) == version:
            page = first_page(record)
            return policy_text((page.get("permission") or {}).get("permission")) or None if page is not None else None
    return None


def unread_shares(pages: Pages, accounts: Iterable[Account]) -> Iterator[tuple[str, str]]:
    """(account, region) whose shares were not listed: absence is believed on ``ok`` and ``empty`` alone."""
    asked = set()
    for call in pages.calls("ram", "GetResourceShares"):
        asked.add(call.account)
        if call.outcome not in ANSWERED:
            yield call.account, call.region
    for account in accounts:
        if account.id not in asked:
            yield account.id, ""


def load_endpoints(pages: Pages) -> Iterator[VpcEndpoint]:
    """Every VPC endpoint; the ones of services that somebody runs behind a load balancer have no policy."""
    for record, item in pages.items("ec2", "DescribeVpcEndpoints", "VpcEndpoints"):
        if str(item.get("State", "")).lower() in ("deleted", "deleting", "rejected", "failed"):
            continue
        yield VpcEndpoint(
            id=item["VpcEndpointId"],
            account=record.account,
            region=record.region,
            vpc=item.get("VpcId", ""),
            service=item.get("ServiceName", ""),
            policy=policy_text(item.get("PolicyDocument")),
        )
