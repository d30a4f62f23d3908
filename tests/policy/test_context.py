"""Every key of a request's context, for every kind of caller and target: known, absent, unknown (semantics U3, U7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from model.entities import Account, IdentityCenter, Organization, Role, S3Settings
from model.inventory import Inventory
from policy.assemble import Assembler
from policy.availability import home_region
from policy.context import Overrides, RequestContext, Value
from policy.context_values import ABSENT, Unknown
from policy.decide import Verdict, decide
from policy.document import parse_document
from policy.inputs import PolicyRef
from tests.graph.worlds import (
    FOREIGN,
    MANAGEMENT,
    ONE,
    ORG,
    TWO,
    allow,
    bucket,
    deny,
    document,
    key,
    made,
    queue,
    rcp,
    role,
    scp,
    secret,
    table,
    trust,
    user,
)

ENVIRONMENT, CALLER = Unknown("environment"), Unknown("caller")
PATH = f"{ORG}/r-1/ou-1/"

DEVICE = user("device", ONE, mfa=True, tags={"Team": "red"}, path="/staff/")
PLAIN = user("plain", ONE, mfa=False)
UNTOLD = user("untold", ONE, mfa=None)
FIXED = role("Fixed", ONE, tags={"Team": "red"}, path="/app/")
TAGGABLE = role(
    "Taggable", ONE, tags={"Team": "red"}, trusts=document(trust({"AWS": ONE}, ["sts:AssumeRole", "sts:TagSession"]))
)
STARRED = role("Starred", ONE, tags={"Team": "red"}, trusts=document(trust({"AWS": ONE}, "sts:*")))
UNREAD_TRUST = role("UnreadTrust", ONE, tags={"Team": "red"}, trusts="{")
DENIED_TAGS = role(
    "DeniedTags",
    ONE,
    tags={"Team": "red"},
    trusts=document(trust({"AWS": ONE}), trust({"AWS": ONE}, "sts:TagSession", effect="Deny")),
)
SSO = "/aws-reserved/sso.amazonaws.com/"
CENTER = role("AWSReservedSSO_Ops_0123456789abcdef", ONE, tags={"Team": "red"}, path=SSO)
SESSION = f"arn:aws:sts::{ONE}:assumed-role/Fixed/nightly"
ROOT = f"arn:aws:iam::{ONE}:root"
SAML = f"arn:aws:iam::{ONE}:saml-provider/okta"
FEDERATED_USER = f"arn:aws:sts::{ONE}:federated-user/kim"
OUTSIDE_ROLE = f"arn:aws:iam::{FOREIGN}:role/partner"
UNREAD_USER = f"arn:aws:iam::{TWO}:user/who"

HERE = f"arn:aws:sqs:eu-west-1:{TWO}:q"


def assembler(abac: bool | None = None, organization: bool = True, **fields: object) -> Assembler:
    given: dict[str, object] = {
        "users": (DEVICE, PLAIN, UNTOLD),
        "roles": (FIXED, TAGGABLE, STARRED, UNREAD_TRUST, DENIED_TAGS, CENTER),
        "centers": (IdentityCenter(instance="i", store="s", owner=MANAGEMENT, abac=abac),),
        "resources": (queue("q", TWO, region="eu-west-1", tags={"Team": "blue"}),),
        "unread_principals": (TWO,),
        **fields,
    }
    if not organization:
        given["organization"] = None
    return Assembler(Inventory(made(**given)))


def value(
    of: Assembler,
    principal: str,
    name: str,
    resource: str = HERE,
    action: str = "sqs:SendMessage",
    overrides: Overrides | None = None,
    *,
    mfa_lost: bool = False,
) -> Value:
    caller = of.caller(of.principal(principal), mfa_lost=mfa_lost)
    place = of.place(resource, action.lower(), caller.principal.account)
    return RequestContext(caller, place.target, action, of.now, overrides or Overrides()).get(name)


KNOWN = assembler()

USERS = (DEVICE.arn, PLAIN.arn, UNTOLD.arn)
ROLES = (FIXED.arn, TAGGABLE.arn, CENTER.arn, SESSION)
NOBODY = ("lambda.amazonaws.com", "anonymous", "accounts.google.com")

CASES: list[tuple[str, str, Value]] = [
    # aws:PrincipalArn: C6, a session is known by its role's ARN with the path.
    (DEVICE.arn, "aws:PrincipalArn", (DEVICE.arn,)),
    (FIXED.arn, "aws:PrincipalArn", (FIXED.arn,)),
    (SESSION, "aws:PrincipalArn", (FIXED.arn,)),
    (CENTER.arn, "aws:PrincipalArn", (CENTER.arn,)),
    (ROOT, "aws:PrincipalArn", (ROOT,)),
    (FEDERATED_USER, "aws:PrincipalArn", (FEDERATED_USER,)),
    (OUTSIDE_ROLE, "aws:PrincipalArn", (OUTSIDE_ROLE,)),
    (FOREIGN, "aws:PrincipalArn", Unknown("environment", prefix=f"arn:aws:iam::{FOREIGN}:")),
    *((name, "aws:PrincipalArn", ABSENT) for name in NOBODY),
    # aws:PrincipalAccount
    *((name, "aws:PrincipalAccount", (ONE,)) for name in (*USERS, *ROLES, ROOT, FEDERATED_USER)),
    (FOREIGN, "aws:PrincipalAccount", (FOREIGN,)),
    (OUTSIDE_ROLE, "aws:PrincipalAccount", (FOREIGN,)),
    *((name, "aws:PrincipalAccount", ABSENT) for name in NOBODY),
    # aws:PrincipalOrgID and Paths
    *((name, "aws:PrincipalOrgID", (ORG,)) for name in (*USERS, *ROLES, ROOT, FEDERATED_USER)),
    *((name, "aws:PrincipalOrgPaths", (PATH,)) for name in (*USERS, *ROLES, ROOT)),
    (FOREIGN, "aws:PrincipalOrgID", Unknown("environment", excludes=frozenset({ORG}))),
    (OUTSIDE_ROLE, "aws:PrincipalOrgID", Unknown("environment", excludes=frozenset({ORG}))),
    (OUTSIDE_ROLE, "aws:PrincipalOrgPaths", ENVIRONMENT),
    *((name, "aws:PrincipalOrgID", ABSENT) for name in NOBODY),
    *((name, "aws:PrincipalOrgPaths", ABSENT) for name in NOBODY),
    # aws:PrincipalIsAWSService and its kin
    ("lambda.amazonaws.com", "aws:PrincipalIsAWSService", ("true",)),
    *((name, "aws:PrincipalIsAWSService", ("false",)) for name in (*USERS, *ROLES, ROOT, "anonymous", OUTSIDE_ROLE)),
    ("lambda.amazonaws.com", "aws:PrincipalServiceName", ("lambda.amazonaws.com",)),
    ("lambda.amazonaws.com", "aws:PrincipalServiceNamesList", ENVIRONMENT),
    *((name, "aws:PrincipalServiceName", ABSENT) for name in (*USERS, *ROLES, ROOT)),
    *((name, "aws:PrincipalServiceNamesList", ABSENT) for name in (*USERS, *ROLES, ROOT)),
    # aws:PrincipalType
    *((name, "aws:PrincipalType", ("User",)) for name in USERS),
    *((name, "aws:PrincipalType", ("AssumedRole",)) for name in ROLES),
    (ROOT, "aws:PrincipalType", ("Account",)),
    (FEDERATED_USER, "aws:PrincipalType", ("FederatedUser",)),
    ("anonymous", "aws:PrincipalType", ("Anonymous",)),
    (FOREIGN, "aws:PrincipalType", ENVIRONMENT),
    # aws:username: users alone have one, without their path.
    (DEVICE.arn, "aws:username", ("device",)),
    *((name, "aws:username", ABSENT) for name in (*ROLES, ROOT, FEDERATED_USER, *NOBODY, OUTSIDE_ROLE)),
    (FOREIGN, "aws:username", ENVIRONMENT),
    # aws:userid
    (DEVICE.arn, "aws:userid", (DEVICE.id,)),
    (FIXED.arn, "aws:userid", Unknown("caller", prefix=f"{FIXED.id}:")),
    (SESSION, "aws:userid", (f"{FIXED.id}:nightly",)),
    (ROOT, "aws:userid", (ONE,)),
    ("anonymous", "aws:userid", ("anonymous",)),
    (FOREIGN, "aws:userid", ENVIRONMENT),
    (OUTSIDE_ROLE, "aws:userid", ENVIRONMENT),
    # aws:PrincipalTag: users', and roles' whose trust lets nobody tag sessions; without case (C1).
    (DEVICE.arn, "aws:PrincipalTag/Team", ("red",)),
    (DEVICE.arn, "aws:principaltag/TEAM", ("red",)),
    (DEVICE.arn, "aws:PrincipalTag/Other", ABSENT),
    (PLAIN.arn, "aws:PrincipalTag/Team", ABSENT),
    (FIXED.arn, "aws:PrincipalTag/Team", ("red",)),
    (FIXED.arn, "aws:PrincipalTag/Other", ABSENT),
    (SESSION, "aws:PrincipalTag/Team", ("red",)),
    (DENIED_TAGS.arn, "aws:PrincipalTag/Team", ("red",)),
    (TAGGABLE.arn, "aws:PrincipalTag/Team", ENVIRONMENT),
    (STARRED.arn, "aws:PrincipalTag/Team", ENVIRONMENT),
    (UNREAD_TRUST.arn, "aws:PrincipalTag/Team", ENVIRONMENT),
    (ROOT, "aws:PrincipalTag/Team", ABSENT),
    *((name, "aws:PrincipalTag/Team", ABSENT) for name in NOBODY),
    (UNREAD_USER, "aws:PrincipalTag/Team", ENVIRONMENT),
    (OUTSIDE_ROLE, "aws:PrincipalTag/Team", ENVIRONMENT),
    (FOREIGN, "aws:PrincipalTag/Team", ENVIRONMENT),
    # MFA: with a device or not known: unknown; without: absent. Never in a federated session or a service's.
    *(
        (name, mfa, wanted)
        for mfa in ("aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge")
        for name, wanted in (
            (DEVICE.arn, ENVIRONMENT),
            (PLAIN.arn, ABSENT),
            (UNTOLD.arn, ENVIRONMENT),
            (FIXED.arn, ENVIRONMENT),
            (SESSION, ENVIRONMENT),
            (CENTER.arn, ABSENT),
            (ROOT, ENVIRONMENT),
            ("lambda.amazonaws.com", ABSENT),
            ("anonymous", ABSENT),
            (FEDERATED_USER, ABSENT),
            (SAML, ABSENT),
            ("accounts.google.com", ABSENT),
            (OUTSIDE_ROLE, ENVIRONMENT),
            (FOREIGN, ENVIRONMENT),
            (UNREAD_USER, ENVIRONMENT),
        )
    ),
    # aws:Source…: absent unless the caller is a service.
    *(
        (name, source, wanted)
        for source in ("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths")
        for name, wanted in (
            ("lambda.amazonaws.com", ENVIRONMENT),
            (DEVICE.arn, ABSENT),
            (FIXED.arn, ABSENT),
            (ROOT, ABSENT),
            ("anonymous", ABSENT),
            (OUTSIDE_ROLE, ABSENT),
        )
    ),
    # The same of everybody.
    *((name, "aws:SecureTransport", ("true",)) for name in (DEVICE.arn, FIXED.arn, "anonymous")),
    (DEVICE.arn, "aws:CurrentTime", ("2026-01-02T03:04:05+00:00",)),
    (DEVICE.arn, "aws:EpochTime", ("1767323045",)),
    (DEVICE.arn, "aws:ResourceAccount", (TWO,)),
    (DEVICE.arn, "aws:ResourceOrgID", (ORG,)),
    (DEVICE.arn, "aws:ResourceOrgPaths", (PATH,)),
    (DEVICE.arn, "aws:RequestedRegion", ("eu-west-1",)),
]


@pytest.mark.parametrize(("principal", "name", "wanted"), CASES, ids=[f"{c[1]}-{c[0][-28:]}" for c in CASES])
def test_a_key_of_the_caller_is_what_the_inventory_says(principal: str, name: str, wanted: Value) -> None:
    assert value(KNOWN, principal, name) == wanted


@pytest.mark.parametrize(("name", "action"), [("kms:CallerAccount", "kms:decrypt"), ("aws:SourceOwner", "sns:publish")])
def test_some_keys_of_the_callers_account_are_in_requests_of_one_service(name: str, action: str) -> None:
    """The Service Authorization Reference lists ``kms:CallerAccount`` for actions of KMS alone: in requests of others
    it is not what it would be there, and "absent" would be a guess."""
    service = action.partition(":")[0]
    there = f"arn:aws:{service}:eu-west-1:{TWO}:" + {"kms": "key/k", "sns": "topic"}[service]
    assert value(KNOWN, DEVICE.arn, name, there, action) == (ONE,)
    assert value(KNOWN, "anonymous", name, there, action) == ABSENT
    for other in ("sqs:SendMessage", "sts:assumerole", ""):
        assert value(KNOWN, DEVICE.arn, name, action=other) == Unknown("environment")


def test_the_account_of_a_resource_of_s3_is_in_requests_of_s3_alone() -> None:
    """As the Service Authorization Reference lists it; the global key says the same in those of every service."""
    assert value(KNOWN, DEVICE.arn, "aws:ResourceAccount") == (TWO,)
    assert value(KNOWN, DEVICE.arn, "s3:ResourceAccount") == Unknown("environment")


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("aws:RequestTag/Team", "caller"),
        ("aws:TagKeys", "caller"),
        ("s3:prefix", "caller"),
        ("kms:EncryptionContext:app", "caller"),
        ("kms:EncryptionContextKeys", "caller"),
        ("sts:RoleSessionName", "caller"),
        ("iam:PassedToService", "caller"),
        ("kms:ViaService", "caller"),
        ("aws:CalledVia", "caller"),
        ("aws:CalledViaFirst", "caller"),
        ("aws:ViaAWSService", "caller"),
        ("aws:SourceIp", "environment"),
        ("aws:SourceVpce", "environment"),
        ("aws:SourceVpc", "environment"),
        ("aws:VpcSourceIp", "environment"),
        ("aws:SourceIdentity", "environment"),
        ("sts:ExternalId", "environment"),
        ("aws:FederatedProvider", "environment"),
        ("aws:TokenIssueTime", "environment"),
        ("aws:Ec2InstanceSourceVpc", "environment"),
        ("token.actions.githubusercontent.com:sub", "environment"),
        ("saml:sub", "environment"),
        ("aws:SomethingNew", "environment"),
        ("s3:ExistingObjectTag/Team", "environment"),
        ("S3:PREFIX", "caller"),
    ],
)
def test_an_unknown_key_says_who_chooses_it(name: str, owner: str) -> None:
    """U7."""
    found = value(KNOWN, DEVICE.arn, name)
    assert isinstance(found, Unknown)
    assert found.by == owner


def test_any_session_after_a_second_hop_has_no_mfa() -> None:
    """L14, U3."""
    assert value(KNOWN, FIXED.arn, "aws:MultiFactorAuthPresent", mfa_lost=True) is ABSENT
    assert value(KNOWN, FIXED.arn, "aws:PrincipalTag/Team", mfa_lost=True) == ("red",)


@pytest.mark.parametrize(("abac", "wanted"), [(False, ABSENT), (True, ENVIRONMENT), (None, ENVIRONMENT)])
def test_principal_tags_of_identity_center_roles_hang_on_access_control_attributes(
    abac: bool | None, wanted: Value
) -> None:
    """U3: absent if they are known to be off, unknown otherwise; the role's own tags never count."""
    assert value(assembler(abac), CENTER.arn, "aws:PrincipalTag/Team") == wanted
    session = f"arn:aws:sts::{ONE}:assumed-role/{CENTER.name}/eve"
    assert value(assembler(abac), session, "aws:PrincipalTag/Team") == wanted


def test_principal_tags_of_identity_center_roles_are_unknown_where_no_instance_could_be_read() -> None:
    assert value(assembler(centers=()), CENTER.arn, "aws:PrincipalTag/Team") == ENVIRONMENT


def test_outside_an_organisation_the_keys_of_one_are_absent() -> None:
    alone = assembler(organization=False)
    for name in ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID", "aws:ResourceOrgPaths"):
        assert value(alone, DEVICE.arn, name) is ABSENT, name


def test_an_organisation_without_known_id_leaves_its_keys_unknown() -> None:
    unread = assembler()
    data = unread.inventory.data
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    fields["organization"] = Organization(id="", management_account="", scps_known=False, rcps_known=False)
    of = Assembler(Inventory(type(data)(**fields)))
    for name in ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID", "aws:ResourceOrgPaths"):
        assert value(of, DEVICE.arn, name) == ENVIRONMENT, name


# -- targets


def tags_of(abac: bool | None, tags: dict[str, str] | None = None, action: str = "s3:ListBucket") -> Value:
    one = bucket("b", ONE, tags={"Team": "blue"} if tags is None else tags, s3=S3Settings(abac=abac))
    return value(assembler(resources=(one,)), DEVICE.arn, "aws:ResourceTag/Team", one.arn, action)


@pytest.mark.parametrize(("abac", "wanted"), [(False, ABSENT), (True, ("blue",)), (None, ENVIRONMENT)])
def test_tags_of_buckets_count_only_with_attribute_based_access_on(abac: bool | None, wanted: Value) -> None:
    assert tags_of(abac) == wanted


def test_a_bucket_without_the_tag_has_it_absent() -> None:
    assert tags_of(True, {"Other": "x"}) is ABSENT


def test_tags_of_a_resource_are_known_where_the_action_data_lists_the_key() -> None:
    one = secret("s", ONE, tags={"Team": "blue"})
    of = assembler(resources=(one,))
    arn, action = one.arn, "secretsmanager:GetSecretValue"
    assert value(of, DEVICE.arn, "aws:ResourceTag/Team", arn, action) == ("blue",)
    assert value(of, DEVICE.arn, "aws:resourcetag/TEAM", arn, action) == ("blue",)
    assert value(of, DEVICE.arn, "secretsmanager:ResourceTag/Team", arn, action) == ("blue",)
    assert value(of, DEVICE.arn, "aws:ResourceTag/Other", arn, action) is ABSENT


def test_tags_that_were_not_collected_are_unknown() -> None:
    one = secret("s", ONE, tags=None)
    of = assembler(resources=(one,))
    assert value(of, DEVICE.arn, "aws:ResourceTag/Team", one.arn, "secretsmanager:GetSecretValue") == ENVIRONMENT


def test_tags_of_iam_roles_and_users_are_known_to_iam() -> None:
    for one in (FIXED, DEVICE):
        action = "iam:GetRole" if isinstance(one, Role) else "iam:GetUser"
        assert value(KNOWN, PLAIN.arn, "iam:ResourceTag/Team", one.arn, action) == ("red",)
        assert value(KNOWN, PLAIN.arn, "aws:ResourceTag/Team", one.arn, action) == ("red",)


def test_whether_passing_a_role_may_hang_on_its_tags_is_unknown() -> None:
    """U3: the reference lists the keys, and the guide says that they limit nothing."""
    for name in ("aws:ResourceTag/Team", "iam:ResourceTag/Team", "aws:ResourceTag/Other"):
        assert value(KNOWN, PLAIN.arn, name, FIXED.arn, "iam:PassRole") == ENVIRONMENT


def test_tags_of_what_nobody_collected_are_unknown() -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{ONE}:secret:other-AbCdEf"
    assert value(KNOWN, DEVICE.arn, "aws:ResourceTag/Team", arn, "secretsmanager:GetSecretValue") == ENVIRONMENT


REGIONS: list[tuple[str, str, Value]] = [
    (f"arn:aws:sqs:eu-west-1:{TWO}:q", "sqs:SendMessage", ("eu-west-1",)),
    (f"arn:aws:sqs:ap-south-1:{TWO}:elsewhere", "sqs:SendMessage", ("ap-south-1",)),
    (FIXED.arn, "iam:GetRole", ("us-east-1",)),
    (f"arn:aws:iam::{ONE}:user/new", "iam:CreateUser", ("us-east-1",)),
    (f"arn:aws-us-gov:iam::{ONE}:role/x", "iam:GetRole", ("us-gov-west-1",)),
    (f"arn:aws-cn:iam::{ONE}:role/x", "iam:GetRole", ("cn-north-1",)),
    (f"arn:aws:cloudfront::{ONE}:distribution/E1", "cloudfront:GetDistribution", ("us-east-1",)),
    # sts: the endpoint that the caller picks; `*`: an action without resource.
    (FIXED.arn, "sts:AssumeRole", CALLER),
    ("*", "sts:GetCallerIdentity", CALLER),
    # A regional service's action about a role is called where the caller likes.
    (FIXED.arn, "ssm:UpdateManagedInstanceRole", CALLER),
    (FIXED.arn, "ec2:AssociateEnclaveCertificateIamRole", CALLER),
    ("*", "ec2:DescribeInstances", CALLER),
    ("*", "s3:ListAllMyBuckets", CALLER),
    # Global services are called in one place whatever is asked of them.
    ("*", "iam:ListUsers", ("us-east-1",)),
    ("*", "organizations:ListAccounts", ("us-east-1",)),
    ("arn:aws:s3:::nobody-collected", "s3:ListBucket", CALLER),
]


@pytest.mark.parametrize(("resource", "action", "wanted"), REGIONS, ids=[f"{c[1]}-{c[0][-20:]}" for c in REGIONS])
def test_the_requested_region_follows_from_the_resource(resource: str, action: str, wanted: Value) -> None:
    """U3: the ARN's; the home of global services; unknown for sts, for an action without resource, and for what a
    regional service does with what a global one has."""
    found = value(KNOWN, DEVICE.arn, "aws:RequestedRegion", resource, action)
    assert found == wanted or (isinstance(wanted, Unknown) and isinstance(found, Unknown))


@pytest.mark.parametrize(("region", "wanted"), [("eu-west-1", ("eu-west-1",)), ("", None)])
def test_the_requested_region_of_s3_is_the_buckets(region: str, wanted: Value | None) -> None:
    one = bucket("b", ONE, region=region)
    of = assembler(resources=(one,))
    for arn in (one.arn, one.arn + "/x/y"):
        found = value(of, DEVICE.arn, "aws:RequestedRegion", arn, "s3:GetObject")
        assert isinstance(found, Unknown) if wanted is None else found == wanted


def test_an_object_is_in_the_account_of_its_bucket() -> None:
    one = bucket("b", TWO)
    of = assembler(resources=(one,))
    assert value(of, DEVICE.arn, "aws:ResourceAccount", one.arn + "/x", "s3:GetObject") == (TWO,)
    assert value(of, DEVICE.arn, "s3:ResourceAccount", one.arn + "/x", "s3:GetObject") == (TWO,)
    assert value(of, DEVICE.arn, "aws:ResourceOrgPaths", one.arn + "/x", "s3:GetObject") == (PATH,)


def test_a_path_inside_a_container_is_the_containers() -> None:
    one = table("orders", TWO, tags={"Team": "blue"})
    of = assembler(resources=(one,))
    arn = one.arn + "/index/by-day"
    assert value(of, DEVICE.arn, "aws:ResourceAccount", arn, "dynamodb:Query") == (TWO,)
    assert value(of, DEVICE.arn, "aws:RequestedRegion", arn, "dynamodb:Query") == ("us-east-1",)


def test_without_a_resource_the_account_is_the_callers() -> None:
    """Contract: `*` is decided in the account of the principal."""
    assert value(KNOWN, DEVICE.arn, "aws:ResourceAccount", "*", "iam:ListUsers") == (ONE,)


def test_a_resource_of_another_organisation_has_its_organisation_unknown() -> None:
    arn = f"arn:aws:sqs:us-east-1:{FOREIGN}:q"
    assert value(KNOWN, DEVICE.arn, "aws:ResourceAccount", arn) == (FOREIGN,)
    assert isinstance(value(KNOWN, DEVICE.arn, "aws:ResourceOrgID", arn), Unknown)


@pytest.mark.parametrize("name", ["aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths"])
def test_some_actions_carry_no_resource_account(name: str) -> None:
    """U3: AWS's list of actions without it."""
    arn = f"arn:aws:ec2:us-east-1:{ONE}:volume/vol-1"
    assert value(KNOWN, DEVICE.arn, name, arn, "ec2:CreateVolume") == ENVIRONMENT


def test_a_bucket_that_is_in_no_list_is_somebody_elses() -> None:
    """Every bucket was listed: whose this one is nobody can tell, and its owner's policy has to be asked (L4, U6)."""
    there = "arn:aws:s3:::unseen/x"
    assert isinstance(value(KNOWN, DEVICE.arn, "aws:ResourceAccount", there, "s3:GetObject"), Unknown)
    request, inputs = KNOWN.request(KNOWN.caller(KNOWN.principal(DEVICE.arn)), "s3:GetObject", there)
    assert request.resource_account == ""
    everything = parse_document(document({"Effect": "Allow", "Action": "*", "Resource": "*"}))
    found = decide(request, replace(inputs, identity=(PolicyRef("p", everything),)))
    assert found.residual is not None
    assert found.residual.to_json() == {"document": "arn:aws:s3:::unseen#policy"}
    assert decide(request, replace(inputs, identity=())).verdict is Verdict.IMPLICITLY_DENIED


def test_whose_a_bucket_is_that_no_list_could_have_is_not_known_of_root_users_either() -> None:
    """U2: one account at most owns it, and its own root user alone keeps the last word about its policy (L10)."""
    there = "arn:aws:s3:::unseen"
    for unread in ((ONE, TWO), (ONE,)):
        some = assembler(unread_lists=tuple((account, "", "s3:bucket") for account in unread))
        for account in (ONE, TWO):
            root = some.caller(some.principal(f"arn:aws:iam::{account}:root"))
            found = decide(*some.request(root, "s3:PutBucketPolicy", there))
            if account not in unread:  # it is not in an account that listed its buckets
                assert found.verdict is Verdict.IMPLICITLY_DENIED
                continue
            assert found.verdict is Verdict.CONDITIONAL
            assert found.residual is not None and found.residual.to_json() == {"document": f"{there}#policy"}
            assert_nobody_knows_whose(some, there, "s3:GetObject")
            assert value(some, DEVICE.arn, "s3:ResourceAccount", there, "s3:GetObject") == ENVIRONMENT


@pytest.mark.parametrize("unread", [(), (("bucket", ONE),)])
@pytest.mark.parametrize("kind", ["root", "account"])
def test_an_account_outside_the_organisation_may_own_a_bucket_that_nobody_listed(kind: Any, unread: Any) -> None:
    """L4: nobody reads its buckets, so that none is missing there, and its root user keeps its own (L10)."""
    some = assembler(unread_lists=tuple((account, "", f"s3:{kind}") for kind, account in unread))
    stranger = replace(some.principal("arn:aws:iam::999999999999:root"), kind=kind)
    found = some.decide(some.caller(stranger), "s3:PutBucketPolicy", "arn:aws:s3:::unseen")
    assert found.verdict is Verdict.CONDITIONAL


def test_no_guardrail_over_the_callers_account_is_sure_to_be_over_a_bucket_that_nobody_listed() -> None:
    """L3: it may be in another account, where its policy may let the caller in."""
    nothing = rcp("none", deny("*", Principal="*"))
    there = "arn:aws:s3:::unseen"
    for unread in ((ONE, TWO), (TWO,)):
        some = assembler(
            users=(user("u", ONE, allow("*")),),
            guardrails=(scp("all", allow("*")), nothing),
            unread_lists=tuple((account, "", "s3:bucket") for account in unread),
        )
        caller = some.caller(some.principal(user("u").arn))
        found = decide(*some.request(caller, "s3:GetObject", f"{there}/x"))
        assert found.verdict is Verdict.CONDITIONAL
        assert found.residual is not None and found.residual.to_json() == {"document": f"{there}#policy"}


def assert_nobody_knows_whose(of: Assembler, there: str, action: str) -> None:
    for name in ("aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths"):
        assert value(of, DEVICE.arn, name, there, action) == ENVIRONMENT


@pytest.mark.parametrize(
    ("there", "action"),
    [
        ("arn:aws:ec2:eu-west-1::image/x-1", "ec2:RunInstances"),
        ("arn:aws:ec2:eu-west-1::snapshot/x-1", "ec2:CreateTags"),
        ("arn:aws:ssm:eu-west-1::document/AWS-RunShellScript", "ssm:SendCommand"),
        ("arn:aws:bedrock:eu-west-1::foundation-model/m", "bedrock:InvokeModel"),
        ("arn:aws:bedrock:::foundation-model/m", "bedrock:InvokeModel"),
    ],
)
def test_images_models_and_documents_may_be_of_any_account(there: str, action: str) -> None:
    """U3: their ARNs do not say of which; who may use one needs no more than the own side for it (L4)."""
    assert_nobody_knows_whose(KNOWN, there, action)
    assert KNOWN.decide(KNOWN.caller(KNOWN.principal(ROOT)), action, there).verdict is Verdict.ALLOWED


@pytest.mark.parametrize("there", ["arn:aws:route53:::hostedzone/z", "arn:aws:apigateway:eu-west-1::/restapis/x"])
def test_what_an_account_alone_has_is_its_own_without_being_named(there: str) -> None:
    """U3."""
    assert value(KNOWN, DEVICE.arn, "aws:ResourceAccount", there, f"{there.split(':')[2]}:GET") == (ONE,)


@pytest.mark.parametrize("owner", ["aws", "amazon", "third-party"])
def test_what_aws_itself_offers_is_in_no_known_account(owner: str) -> None:
    """L4: the caller's own side decides; as whose AWS reports it is not documented (U3)."""
    there = f"arn:aws:imagebuilder:eu-west-1:{owner}:image/x/1.0.0/1"
    assert_nobody_knows_whose(KNOWN, there, "imagebuilder:GetImage")
    caller = KNOWN.caller(KNOWN.principal(ROOT))
    assert KNOWN.decide(caller, "imagebuilder:GetImage", there).verdict is Verdict.ALLOWED
    assert KNOWN.decide(caller, "iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess").verdict is Verdict.ALLOWED
    stranger = KNOWN.caller(KNOWN.principal("anonymous"))
    assert KNOWN.decide(stranger, "imagebuilder:GetImage", there).verdict is Verdict.IMPLICITLY_DENIED


def test_what_a_federated_session_was_given_is_not_known() -> None:
    bob = f"arn:aws:sts::{ONE}:federated-user/bob"
    found = KNOWN.decide(
        KNOWN.caller(KNOWN.principal(bob)), "ec2:StopInstances", f"arn:aws:ec2:eu-west-1:{ONE}:instance/i-1"
    )
    assert found.residual is not None
    assert found.residual.to_json() == {"document": f"{bob}#session"}


def test_home_regions_are_those_of_the_partition() -> None:
    assert [home_region(name) for name in ("aws", "aws-cn", "aws-us-gov")] == [
        "us-east-1",
        "cn-north-1",
        "us-gov-west-1",
    ]


# -- what the asker says


def test_what_is_given_counts_above_what_is_derived_in_any_case() -> None:
    said = Overrides.of({"AWS:MultiFactorAuthPresent": ["true"], "aws:PrincipalTag/team": ["a", "b"]})
    assert value(KNOWN, PLAIN.arn, "aws:multifactorauthpresent", overrides=said) == ("true",)
    assert value(KNOWN, DEVICE.arn, "aws:PrincipalTag/TEAM", overrides=said) == ("a", "b")


def test_what_is_said_to_be_absent_is_absent() -> None:
    said = Overrides.of({}, absent=["aws:SourceIp", "aws:PrincipalAccount"])
    assert value(KNOWN, DEVICE.arn, "aws:SourceIp", overrides=said) is ABSENT
    assert value(KNOWN, DEVICE.arn, "aws:PrincipalAccount", overrides=said) is ABSENT


def test_what_is_said_to_be_unknown_is_unknown_also_where_it_follows() -> None:
    said = Overrides.of({}, unknown=["aws:PrincipalAccount", "aws:SecureTransport", "aws:RequestedRegion"])
    assert value(KNOWN, DEVICE.arn, "aws:PrincipalAccount", overrides=said) == ENVIRONMENT
    assert value(KNOWN, DEVICE.arn, "aws:SecureTransport", overrides=said) == ENVIRONMENT
    assert value(KNOWN, DEVICE.arn, "aws:RequestedRegion", overrides=said) == CALLER


def test_nothing_said_is_no_override() -> None:
    assert not Overrides.of({})
    assert Overrides.of({"a:b": []})


def test_an_account_whose_place_is_not_known_has_its_paths_unknown() -> None:
    """U1: a path that could not be read is no path that does not match."""
    accounts = (Account(id=MANAGEMENT, path=("r-1",)), Account(id=ONE, path=()))
    of = assembler(accounts=accounts, resources=())
    assert value(of, DEVICE.arn, "aws:PrincipalOrgPaths", f"arn:aws:sqs:us-east-1:{ONE}:q") == ENVIRONMENT


def test_the_region_of_a_key_is_that_of_its_arn() -> None:
    one = key("k", ONE)
    of = assembler(resources=(one,))
    assert value(of, DEVICE.arn, "aws:RequestedRegion", one.arn, "kms:Decrypt") == ("us-east-1",)


def test_a_statement_about_nothing_derivable_is_conditional_for_everybody() -> None:
    asker = user("ann", ONE, allow("sqs:SendMessage", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    of = assembler(users=(asker,), resources=(queue("q", ONE),))
    decision = of.decide(of.caller(of.principal(asker.arn)), "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ONE}:q")
    assert str(decision.verdict) == "Conditional"
