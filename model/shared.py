"""What all accounts share: the inventory without the resources of accounts, and where those lie."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from model.entities import Entity, Resource
from model.inventory import InventoryData


class Shared(Entity, frozen=True, kw_only=True):
    """An inventory but for its resources.

    ``data`` has no ``resources``; ``accounts`` are those whose resources were read, sorted. ``points`` are the accounts
    with access points of a bucket, sorted, by its name. ``places`` maps the ARNs of resources that do not name their
    account (all S3 buckets) to it.
    """

    data: InventoryData
    accounts: tuple[str, ...]
    points: dict[str, tuple[str, ...]]
    places: dict[str, str]

    def account_of(self, arn: str) -> str | None:
        """The account whose resources hold what ``arn`` names or lies inside of, if anything was collected there.

        ``None``: it names no account, and no bucket that was collected.
        """
        found = self.places.get(arn)
        if found is not None:
            return found
        parts = arn.split(":", 5)
        if len(parts) != 6:
            return None
        if parts[2] == "s3" and not parts[4]:
            return self.places.get(":".join((*parts[:5], parts[5].partition("/")[0])))
        return parts[4] or None


def settled(account: str, resources: Iterable[Resource], shared: Shared) -> tuple[Resource, ...]:
    """An account's resources with what only the other accounts tell of them.

    Those are the accounts that have access points of a bucket, and whose a resource is that several accounts list, as
    emulators without accounts do: the last one's that its ARN does not name.
    """
    places, points = shared.places, shared.points
    return tuple(_pointed(one, points) for one in resources if places.get(one.arn, account) == account)


def _pointed(resource: Resource, points: dict[str, tuple[str, ...]]) -> Resource:
    if resource.s3 is None:
        return resource
    accounts = points.get(resource.name, ())
    if accounts == resource.s3.point_accounts:
        return resource
    return msgspec.structs.replace(resource, s3=msgspec.structs.replace(resource.s3, point_accounts=accounts))
