"""What S3 looks at beside bucket policies: Block Public Access, ACLs, ownership, access points (semantics L7)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from model.entities import AccessPoint, Account, Organization, S3Grant, S3Settings
from model.pages import ANSWERED, Page, Pages, first_page, policy_text
from model.snapshot import CallRecord

_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket_settings(ask: Callable[[str], CallRecord | None], point_accounts: Iterable[str]) -> S3Settings:
    """A bucket's settings; ``ask`` gives the record of an operation on the bucket."""
    flags = _block(first_page(ask("GetPublicAccessBlock")))
    owner, acl = _acl(first_page(ask("GetBucketAcl")))
    return S3Settings(
        block_public_acls=flags["BlockPublicAcls"],
        ignore_public_acls=flags["IgnorePublicAcls"],
        block_public_policy=flags["BlockPublicPolicy"],
        restrict_public_buckets=flags["RestrictPublicBuckets"],
        abac=_abac(ask("GetBucketAbac")),
        acl=acl,
        owner=owner,
        ownership=_ownership(first_page(ask("GetBucketOwnershipControls"))),
        point_accounts=tuple(sorted(point_accounts)),
    )


def _block(page: Page | None) -> dict[str, bool | None]:
    """The four flags of a PublicAccessBlockConfiguration; no configuration is none of them."""
    if page is None:
        return dict.fromkeys(_FLAGS)
    raw = page.get("PublicAccessBlockConfiguration") or {}
    return {name: bool(raw.get(name, False)) for name in _FLAGS}


def _abac(record: CallRecord | None) -> bool | None:
    """Whether a bucket's tags count in decisions: only where attribute-based access control was switched on.

    An endpoint that has no such setting has none switched on.
    """
    if record is not None and record.outcome == "unsupported":
        return False
    page = first_page(record)
    return None if page is None else (page.get("AbacStatus") or {}).get("Status") == "Enabled"


def _acl(page: Page | None) -> tuple[str, tuple[S3Grant, ...] | None]:
    """(owner's canonical id, grants) of an ACL. Groups are written as URIs that end in their names."""
    if page is None:
        return "", None
    grants = []
    for item in page.get("Grants") or ():
        grantee = item.get("Grantee") or {}
        name = str(grantee.get("ID") or grantee.get("URI", "").rpartition("/")[2])
        grants.append(S3Grant(grantee=name, permission=str(item.get("Permission", ""))))
    return str((page.get("Owner") or {}).get("ID", "")), tuple(grants)


def _ownership(page: Page | None) -> str | None:
    """Object ownership; a bucket without ownership controls is as buckets were before them: ACLs count.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    """
    if page is None:
        return None
    rules = (page.get("OwnershipControls") or {}).get("Rules") or ()
    return next((str(rule["ObjectOwnership"]) for rule in rules if rule.get("ObjectOwnership")), "ObjectWriter")


def account_public_block(
    pages: Pages, organization: Organization | None, accounts: Iterable[Account], flag: str = "RestrictPublicBuckets"
) -> dict[str, bool]:
    """A flag of Block Public Access for whole accounts, where it is known: the account's own or the organisation's.

    ``empty`` is AWS's "none configured".
    """
    own: dict[str, bool | None] = {}
    for record in pages.calls("s3control", "GetPublicAccessBlock"):
        found = _block(first_page(record))[flag]
        own[record.account] = own.get(record.account) if found is None else found
    policies = _organization_blocks(pages, organization)
    known: dict[str, bool] = {}
    for account in sorted({*own, *(account.id for account in accounts)}):
        levels = (own.get(account), policies.get(account) if policies is not None else False)
        if any(levels):
            known[account] = True
        elif None not in levels:
            known[account] = False
    return known


def _organization_blocks(pages: Pages, organization: Organization | None) -> dict[str, bool | None] | None:
    """Whether the organisation's S3 policies block public access, by account; ``None``: it has no such policies.

    They are all or nothing: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_s3_syntax.html
    """
    if organization is None:
        return None
    roots = [root for _, root in pages.items("organizations", "ListRoots", "Roots")]
    types = [kind for root in roots for kind in root.get("PolicyTypes") or ()]
    if roots and not any(kind.get("Type") == "S3_POLICY" and kind.get("Status") == "ENABLED" for kind in types):
        return None
    found: dict[str, bool | None] = {}
    for record in pages.calls("organizations", "DescribeEffectivePolicy"):
        page = first_page(record)
        if record.params.get("PolicyType") == "S3_POLICY" and page is not None:
            found[str(record.params.get("TargetId"))] = _blocks_all(page)
    return found


def _blocks_all(page: Page) -> bool | None:
    """What an effective S3 policy says; ``None`` where it cannot be read."""
    text = policy_text((page.get("EffectivePolicy") or {}).get("PolicyContent"))
    if not text:
        return False
    try:
        said = json.loads(text)["s3_attributes"]["public_access_block_configuration"]
    except (ValueError, KeyError, TypeError):
        return None
    if isinstance(said, dict):
        said = said.get("@@assign")
    return {"all": True, "none": False}.get(str(said))


def canonical_ids(pages: Pages) -> dict[str, str]:
    """Each account's canonical user id, which the list of its buckets tells.

    One that several accounts call their own, as emulators do, tells nothing.
    """
    found = {
        record.account: str((page.get("Owner") or {}).get("ID", ""))
        for record, page in pages.pages("s3", "ListBuckets")
    }
    values = list(found.values())
    return {account: id for account, id in found.items() if id and values.count(id) == 1}


def load_access_points(pages: Pages) -> tuple[AccessPoint, ...]:
    """Every access point, from the lists of the accounts that own them."""
    found: dict[str, AccessPoint] = {}
    for record, item in pages.items("s3control", "ListAccessPoints", "AccessPointList"):
        account, region, name = record.account, record.region, str(item.get("Name", ""))
        arn = str(item.get("AccessPointArn", ""))
        if not arn or not item.get("Bucket"):  # one of a file system of FSx is no way to a bucket
            continue
        described = first_page(pages.asked("s3control", "GetAccessPoint", account, region, name))
        policy = first_page(pages.asked("s3control", "GetAccessPointPolicy", account, region, name))
        flags = _block(described)
        found[arn] = AccessPoint(
            arn=arn,
            account=account,
            region=region,
            name=name,
            bucket=str(item["Bucket"]),
            bucket_account=str(item.get("BucketAccountId") or (described or {}).get("BucketAccountId") or ""),
            alias=str(item.get("Alias") or (described or {}).get("Alias") or ""),
            policy=None if policy is None else policy_text(policy.get("Policy")),
            vpc=str((item.get("VpcConfiguration") or {}).get("VpcId", "")),
            ignore_public_acls=flags["IgnorePublicAcls"],
            restrict_public_buckets=flags["RestrictPublicBuckets"],
        )
    return tuple(sorted(found.values(), key=lambda point: point.arn))


def accounts_with_points(pages: Pages) -> dict[str, set[str]]:
    """The accounts that have access points of a bucket, by the bucket's name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for record, item in pages.items("s3control", "ListAccessPoints", "AccessPointList"):
        if item.get("Bucket"):
            found[str(item["Bucket"])].add(record.account)
    return found


def unread_points(pages: Pages, accounts: Iterable[Account]) -> Iterator[tuple[str, str]]:
    """(account, region) whose access points were not listed: absence is believed on ``ok`` and ``empty`` alone."""
    asked = set()
    for call in pages.calls("s3control", "ListAccessPoints"):
        asked.add(call.account)
        if call.outcome not in ANSWERED:
            yield call.account, "" if call.region == "global" else call.region
    for account in accounts:
        if account.id not in asked:
            yield account.id, ""
