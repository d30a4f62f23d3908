"""One account's parts of a snapshot to what they tell: its resources, and what the organisation is made of.

A pure function of the account's parts, so that accounts can be read one after another in little memory, or by several
processes at once. What only other accounts tell is put right by ``model.loading``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from model.entities import (
    AccessPoint,
    Entity,
    IamGroup,
    ManagedPolicy,
    Provider,
    Resource,
    Role,
    Share,
    User,
    VpcEndpoint,
)
from model.errors import ArnError, InventoryError
from model.load_iam import IamEntities, load_iam
from model.load_resources import LIST_CALLS, load_resources
from model.load_s3 import accounts_with_points, load_access_points
from model.load_sharing import load_endpoints, load_shares
from model.lookup import alias_arns
from model.pages import Pages
from model.providers import PROVIDER_CALLS
from model.snapshot import CallRecord, Snapshot


class AccountData(Entity, frozen=True, kw_only=True):
    """What the parts of one account tell.

    ``resources`` are sorted by ARN; ``strays`` are the ARNs of those (and their aliases) that do not name the account:
    S3 buckets, and what an emulator lists in every account. ``points`` are the names of the buckets, anybody's, that
    the account has access points of. ``records`` are the calls from which the loaders of the whole organisation read:
    those of Organizations, Identity Center and account access manager as they are, of lists of resources the outcome
    alone.
    """

    account: str
    resources: tuple[Resource, ...] = ()
    strays: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    groups: tuple[IamGroup, ...] = ()
    policies: tuple[ManagedPolicy, ...] = ()
    providers: tuple[Provider, ...] = ()
    access_points: tuple[AccessPoint, ...] = ()
    points: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    endpoints: tuple[VpcEndpoint, ...] = ()
    records: tuple[CallRecord, ...] = ()


def load_account(snapshot: Snapshot, account: str, partition: str = "aws") -> AccountData:
    """What one account's parts tell; ``partition`` is for ARNs that AWS omits.

    Raises ``SnapshotError`` and ``InventoryError`` as ``model.loading.load_inventory`` does.
    """
    # A reader of edited records may give those of other accounts too.
    pages = Pages(record for record in snapshot.records(account) if record.account == account)
    with aws_shapes(snapshot):
        iam = load_iam(pages)
        resources = (*load_resources(pages, {account: partition}), *_iam_resources(iam))
        # Read back as they will be stored: what is of another type than declared is found here, not by a question.
        stored = decode_resources(encode_resources(sorted(resources, key=lambda resource: resource.arn)))
        return AccountData(
            account=account,
            resources=stored,
            strays=tuple(_strays(account, stored)),
            users=tuple(iam.users),
            roles=tuple(iam.roles),
            groups=tuple(iam.groups),
            policies=tuple(iam.policies.values()),
            providers=tuple(iam.providers),
            access_points=load_access_points(pages),
            points=tuple(accounts_with_points(pages)),
            shares=tuple(load_shares(pages)),
            endpoints=tuple(load_endpoints(pages)),
            records=tuple(_kept(pages)),
        )


def _strays(account: str, resources: Iterable[Resource]) -> Iterator[str]:
    for resource in resources:
        if resource.arn.split(":", 5)[4:5] != [account]:
            yield resource.arn
            yield from alias_arns(resource)


encode_resources = msgspec.msgpack.Encoder().encode
decode_resources = msgspec.msgpack.Decoder(tuple[Resource, ...]).decode


@contextmanager
def aws_shapes(snapshot: Snapshot) -> Iterator[None]:
    """Turn what a page of another shape makes fail into one line."""
    try:
        yield
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, ArnError, msgspec.MsgspecError) as error:
        raise InventoryError(
            f"snapshot `{snapshot.manifest.id}`: a page has not the shape that aws documents: {error!r}; collect again"
        ) from error


_WHOLE_SERVICES = ("organizations", "sso-admin", "identitystore", "account-access")
_WHOLE = (("iam", "ListAccountAliases"), ("s3control", "GetPublicAccessBlock"))
_BUCKETS = ("s3", "ListBuckets")
_OUTCOMES = dict.fromkeys(
    (
        *LIST_CALLS.values(),
        ("iam", "GetAccountAuthorizationDetails"),
        *PROVIDER_CALLS.values(),
        ("s3control", "ListAccessPoints"),
        ("ram", "GetResourceShares"),
    )
)


def _kept(pages: Pages) -> Iterator[CallRecord]:
    """The records that are read together with those of all other accounts, without what is not read."""
    for record in pages.of_services(_WHOLE_SERVICES):
        yield _slim(record, record.response)
    for operation in _WHOLE:
        for record in pages.calls(*operation):
            yield _slim(record, record.response)
    for operation in _OUTCOMES:
        for record in pages.calls(*operation):
            # The owner of an account's buckets is its canonical user id.
            owners = [{"Owner": page.get("Owner")} for page in record.response] if operation == _BUCKETS else []
            yield _slim(record, owners)


def _slim(record: CallRecord, response: list[dict[str, object]]) -> CallRecord:
    return msgspec.structs.replace(record, started="", ended="", request_ids=[], response=response)


def _iam_resources(iam: IamEntities) -> Iterator[Resource]:
    """IAM entities as what requests act on; they have no resource policy but a role's trust, which is the role's."""
    tags_of = {user.arn: user.tags for user in iam.users} | {role.arn: role.tags for role in iam.roles}
    kinds: tuple[tuple[str, Iterable[User | Role | IamGroup]], ...] = (
        ("user", iam.users),
        ("role", iam.roles),
        ("group", iam.groups),
    )
    for kind, entities in kinds:
        for entity in entities:
            yield Resource(
                arn=entity.arn,
                type=f"iam:{kind}",
                account=entity.account,
                region="",
                name=entity.name,
                tags=tags_of.get(entity.arn, {}),
            )
    for policy in iam.policies.values():
        if not policy.aws_managed:
            yield Resource(
                arn=policy.arn, type="iam:policy", account=policy.account, region="", name=policy.name, tags=policy.tags
            )
