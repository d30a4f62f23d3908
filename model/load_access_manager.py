"""Pages of account access manager to its applications and entitlements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from model.access_manager import AccessApplication, RoleEntitlement
from model.entities import Role
from model.pages import ANSWERED, Page, Pages, first_page

_SERVICE = "account-access"


def load_applications(pages: Pages) -> tuple[AccessApplication, ...]:
    """The applications, each once; of one that could not be read the status is not known."""
    found: dict[str, AccessApplication] = {}
    for record, item in pages.items(_SERVICE, "ListApplications", "applications"):
        arn = item["applicationArn"]
        asked = pages.asked(_SERVICE, "GetApplication", record.account, None, arn)
        told = first_page(asked) or {}
        source = (told.get("identitySource") or {}).get("identityCenter") or {}
        found[arn] = AccessApplication(
            arn=arn, instance=source.get("instanceArn", ""), status=str(told.get("status", ""))
        )
    return tuple(found.values())


def load_entitlements(pages: Pages) -> tuple[RoleEntitlement, ...]:
    """The entitlements of users and groups to roles, each once; AWS has no other sort (the type is a union of one)."""
    found: dict[tuple[str, str], RoleEntitlement] = {}
    for record, item in pages.items(_SERVICE, "ListEntitlements", "entitlements"):
        told = (item.get("entitlement") or {}).get("principalRole")
        if told is None:
            continue
        kind, principal = _principal(told)
        application = str(record.params["applicationArn"])
        found[application, item["entitlementId"]] = RoleEntitlement(
            id=item["entitlementId"],
            application=application,
            principal_type=kind,
            principal_id=principal,
            role=told["roleArn"],
        )
    return tuple(found.values())


def _principal(told: Page) -> tuple[Literal["USER", "GROUP"], str]:
    """(USER or GROUP, id in the identity store)."""
    named = told["principal"]["identityCenter"]
    return ("USER", named["userId"]) if "userId" in named else ("GROUP", named["groupId"])


def unread_entitlements(pages: Pages, applications: Iterable[AccessApplication]) -> bool:
    """Whether there may be entitlements that were not read, where there is an Identity Center to have them."""
    if not any(True for _ in pages.items("sso-admin", "ListInstances", "Instances")):
        return False
    if not pages.answered(_SERVICE, "ListApplications"):
        return True
    listed = {
        call.params.get("applicationArn")
        for call in pages.calls(_SERVICE, "ListEntitlements")
        if call.outcome in ANSWERED
    }
    return any(application.arn not in listed for application in applications)


def entitled_stand_ins(
    unread: Iterable[str], entitlements: Iterable[RoleEntitlement], known: Collection[str]
) -> Iterator[Role]:
    """Roles of accounts that could not be read, because entitlements name them: neither their policies nor their trust
    is known. Identity Center's own roles have a trust that AWS fixed, which lets nobody else in.

    ``known`` are ARNs of roles that were read all the same.
    """
    accounts = set(unread)
    for arn in sorted({item.role for item in entitlements if item.account in accounts}.difference(known)):
        path, _, name = arn.split(":", 5)[5].removeprefix("role").rpartition("/")
        if not path.startswith("/aws-reserved/sso.amazonaws.com"):
            yield Role(
                arn=arn,
                id="",
                name=name,
                path=f"{path}/",
                account=arn.split(":", 5)[4],
                trust="",
                assumed_from_permission_set=True,
            )
