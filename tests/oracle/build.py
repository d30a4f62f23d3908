"""Build a world in the double, and read back what the cloud chose.

What the double (moto 5.2.5) keeps otherwise than AWS, and what follows for a world:

* Users lose their permissions boundary in authorization details: worlds give boundaries to roles only.
* `OrganizationAccountAccessRole` has no policy: `AdministratorAccess` is attached here.
* Roles of Identity Center do not appear: worlds name them, path and hash included.
* `AddPermission` stores an account or role as a plain string where AWS writes `{"AWS": ARN}`.
* Users have ids like `uujy8b9gumx2tl6ivusc`, without `AIDA`; people cannot be disabled (`tests.oracle.double` does it).
* A permission set made without a session duration has the number 3600 where AWS has `PT1H`.
* Identity policies of Version 2008-10-17 are refused, which AWS accepts: worlds have none.
* The account's Block Public Access answers only where the client leaves the account out of the host name.
"""

import io
import json
import re
import zipfile
from typing import Any

import boto3
from botocore.config import Config

from tests.oracle.world import MANAGEMENT, World, arn_of

ROLE = "OrganizationAccountAccessRole"
CONFIG = Config(
    retries={"total_max_attempts": 2}, parameter_validation=True, max_pool_connections=4, inject_host_prefix=False
)
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
SAML = "<EntityDescriptor>" + "x" * 1100 + "</EntityDescriptor>"


class Builder:
    """Creates one world through one endpoint."""

    def __init__(self, world: World, endpoint: str) -> None:
        self.world, self.endpoint = world, endpoint
        self.found: dict[str, str] = {}
        self.keys: dict[str, dict[str, str]] = {
            "mgmt": {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}
        }
        self.clients: dict[tuple[str, str, str], Any] = {}

    def client(self, service: str, account: str = "mgmt", region: str = "us-east-1") -> Any:
        key = (service, account, region)
        if key not in self.clients:
            options: dict[str, Any] = {"endpoint_url": self.endpoint, "region_name": region, "config": CONFIG}
            make: Any = boto3.client
            self.clients[key] = client = make(service, **options, **self.keys[account])
            client.meta.events.register("before-call", self.without_account_in_host)
        return self.clients[key]

    def without_account_in_host(self, params: dict[str, Any], **_: Any) -> None:
        """S3 Control puts the account before the host, where the double does not listen."""
        params["url"] = re.sub(r"^https?://[^/]+", self.endpoint, params["url"])

    def filled(self, value: Any) -> Any:
        """`value` with every placeholder known so far replaced."""
        text = re.sub(r"@[^@\"]+@", lambda match: self.found.get(match.group(0), match.group(0)), json.dumps(value))
        return json.loads(text)

    def text(self, value: Any) -> str:
        return json.dumps(self.filled(value))

    def run(self) -> World:
        self.organisation()
        self.hollow_resources()
        self.identities()
        self.resource_policies()
        self.organisation_policies()
        self.identity_center()
        return self.read_back()

    def organisation(self) -> None:
        client = self.client("organizations")
        self.found["@org@"] = client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        root = client.list_roots()["Roots"][0]["Id"]
        self.found |= {"@root@": root, "@mgmt@": MANAGEMENT}
        self.places = {"root": root}
        for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
            client.enable_policy_type(RootId=root, PolicyType=kind)
        for name in self.world["ous"]:
            unit = client.create_organizational_unit(ParentId=root, Name=name)
            self.places[name] = unit["OrganizationalUnit"]["Id"]
        for name, account in self.world["accounts"].items():
            if name == "mgmt":
                self.block_public_access(name)
                continue
            made = client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
            self.found[f"@{name}@"] = self.places[name] = made["AccountId"]
            if account["ou"] != "root":
                target = self.places[account["ou"]]
                client.move_account(AccountId=made["AccountId"], SourceParentId=root, DestinationParentId=target)
            arn = f"arn:aws:iam::{made['AccountId']}:role/{ROLE}"
            keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="build")["Credentials"]
            self.keys[name] = {
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys["SessionToken"],
            }
            self.block_public_access(name)
            administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
            self.client("iam", name).attach_role_policy(RoleName=ROLE, PolicyArn=administrator)

    def block_public_access(self, name: str) -> None:
        if self.world["accounts"][name]["bpa"]:
            block = {"AccountId": self.found[f"@{name}@"], "PublicAccessBlockConfiguration": BLOCK}
            self.client("s3control", name).put_public_access_block(**block)

    def hollow_resources(self) -> None:
        """Everything but functions, without policies: keys and secrets get their ARNs here."""
        for resource in self.world["resources"]:
            kind, name, region, tags = (resource[field] for field in ("type", "name", "region", "tags"))
            account = resource["account"]
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            if kind == "bucket":
                where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
                client = self.client("s3", account, region)
                client.create_bucket(Bucket=name, **where)
                client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})
                if resource["bpa"]:
                    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCK)
            elif kind == "queue":
                self.client("sqs", account, region).create_queue(QueueName=name, tags=tags)
            elif kind == "topic":
                self.client("sns", account, region).create_topic(Name=name, Tags=pairs)
            elif kind == "key":
                pairs = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
                made = self.client("kms", account, region).create_key(Tags=pairs, Description=name)
                self.found[arn_of(resource)] = made["KeyMetadata"]["Arn"]
            elif kind == "secret":
                client = self.client("secretsmanager", account, region)
                self.found[arn_of(resource)] = client.create_secret(Name=name, SecretString="x", Tags=pairs)["ARN"]
            elif kind == "table":
                self.client("dynamodb", account, region).create_table(
                    TableName=name,
                    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                    BillingMode="PAY_PER_REQUEST",
                    Tags=pairs,
                )

    def identities(self) -> None:
        for provider in self.world["providers"]:
            client = self.client("iam", provider["account"])
            if provider["kind"] == "saml":
                client.create_saml_provider(Name=provider["name"], SAMLMetadataDocument=SAML)
            else:
                url = f"https://{provider['name']}"
                audience = ["sts.amazonaws.com"]
                client.create_open_id_connect_provider(Url=url, ClientIDList=audience, ThumbprintList=["a" * 40])
        for policy in self.world["policies"]:
            document = self.text(policy["document"])
            self.client("iam", policy["account"]).create_policy(PolicyName=policy["name"], PolicyDocument=document)
        for group in self.world["groups"]:
            client = self.client("iam", group["account"])
            client.create_group(GroupName=group["name"])
            self.grant(client, "group", group)
        for user in self.world["users"]:
            self.user(user)
        for role in self.world["roles"]:
            self.role(role)

    def grant(self, client: Any, kind: str, owner: dict[str, Any]) -> None:
        whose = {f"{kind.capitalize()}Name": owner["name"]}
        for name, document in owner["inline"].items():
            getattr(client, f"put_{kind}_policy")(**whose, PolicyName=name, PolicyDocument=self.text(document))
        for arn in owner["attached"]:
            getattr(client, f"attach_{kind}_policy")(**whose, PolicyArn=self.filled(arn))

    def user(self, user: dict[str, Any]) -> None:
        client = self.client("iam", user["account"])
        tags = [{"Key": key, "Value": value} for key, value in user["tags"].items()]
        client.create_user(UserName=user["name"], Path=user["path"], Tags=tags)
        for group in user["groups"]:
            client.add_user_to_group(GroupName=group, UserName=user["name"])
        if user["mfa"]:
            device = client.create_virtual_mfa_device(VirtualMFADeviceName=user["name"])["VirtualMFADevice"]
            codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
            client.enable_mfa_device(UserName=user["name"], SerialNumber=device["SerialNumber"], **codes)
        self.grant(client, "user", user)

    def role(self, role: dict[str, Any]) -> None:
        client = self.client("iam", role["account"])
        more: dict[str, Any] = {}
        if role["boundary"]:
            name = f"boundary-{role['name']}"
            made = client.create_policy(PolicyName=name, PolicyDocument=self.text(role["boundary"]))
            more["PermissionsBoundary"] = made["Policy"]["Arn"]
        client.create_role(
            RoleName=role["name"],
            Path=role["path"],
            AssumeRolePolicyDocument=self.text(role["trust"]),
            Tags=[{"Key": key, "Value": value} for key, value in role["tags"].items()],
            **more,
        )
        self.grant(client, "role", role)

    def resource_policies(self) -> None:
        for resource in self.world["resources"]:
            kind, name, region, account = (resource[field] for field in ("type", "name", "region", "account"))
            if kind == "function":
                self.function(resource)
            if kind == "function" or not resource["policy"]:
                continue
            text, arn = self.text(resource["policy"]), self.filled(arn_of(resource))
            if kind == "bucket":
                self.client("s3", account, region).put_bucket_policy(Bucket=name, Policy=text)
            elif kind == "queue":
                client = self.client("sqs", account, region)
                url = client.get_queue_url(QueueName=name)["QueueUrl"]
                client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
            elif kind == "topic":
                client = self.client("sns", account, region)
                client.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
            elif kind == "key":
                client = self.client("kms", account, region)
                client.put_key_policy(KeyId=arn, PolicyName="default", Policy=text)
                for grant in self.filled(resource.get("grants", [])):
                    client.create_grant(KeyId=arn, GranteePrincipal=grant["grantee"], Operations=grant["operations"])
            elif kind == "secret":
                self.client("secretsmanager", account, region).put_resource_policy(SecretId=arn, ResourcePolicy=text)
            elif kind == "table":
                self.client("dynamodb", account, region).put_resource_policy(ResourceArn=arn, Policy=text)

    def function(self, function: dict[str, Any]) -> None:
        client = self.client("lambda", function["account"], function["region"])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("main.py", "def handler(event, context): return None")
        client.create_function(
            FunctionName=function["name"],
            Runtime="python3.12",
            Role=self.filled(f"arn:aws:iam::@{function['account']}@:role/service-role/exec-{function['account']}"),
            Handler="main.handler",
            Code={"ZipFile": packed.getvalue()},
            Tags=function["tags"],
        )
        for index, statement in enumerate((function["policy"] or {"Statement": []})["Statement"]):
            fields = {key: value for key, value in self.filled(statement).items() if key != "Effect"}
            client.add_permission(FunctionName=function["name"], StatementId=f"S{index}", **fields)

    def organisation_policies(self) -> None:
        client = self.client("organizations")
        for field, kind in (("scps", "SERVICE_CONTROL_POLICY"), ("rcps", "RESOURCE_CONTROL_POLICY")):
            for policy in self.world[field]:
                content = self.text(policy["document"])
                made = client.create_policy(Name=policy["name"], Description="", Type=kind, Content=content)
                for target in policy["targets"]:
                    client.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=self.places[target])
        listed = self.places[self.world["allow_list_ou"]]
        client.detach_policy(PolicyId="p-FullAWSAccess", TargetId=listed)

    def identity_center(self) -> None:
        admin, store = self.client("sso-admin"), self.client("identitystore")
        instance = admin.list_instances()["Instances"][0]
        where, home = {"InstanceArn": instance["InstanceArn"]}, {"IdentityStoreId": instance["IdentityStoreId"]}
        ids: dict[tuple[str, str], str] = {}
        for name in self.world["identity_groups"]:
            ids["GROUP", name] = store.create_group(**home, DisplayName=name)["GroupId"]
        for person in self.world["persons"]:
            made = store.create_user(
                **home,
                UserName=person["name"],
                DisplayName=person["name"],
                Name={"GivenName": person["name"], "FamilyName": "Example"},
                Emails=[{"Value": person["email"], "Primary": True}],
            )
            ids["USER", person["name"]] = made["UserId"]
            for group in person["groups"]:
                member = {"UserId": made["UserId"]}
                store.create_group_membership(**home, GroupId=ids["GROUP", group], MemberId=member)
        sets: dict[str, str] = {}
        for one in self.world["permission_sets"]:
            duration = {} if one["name"] == "Reader" else {"SessionDuration": "PT8H"}
            arn = admin.create_permission_set(**where, Name=one["name"], **duration)["PermissionSet"][
                "PermissionSetArn"
            ]
            sets[one["name"]] = arn
            text = self.text(one["inline"])
            admin.put_inline_policy_to_permission_set(**where, PermissionSetArn=arn, InlinePolicy=text)
            for policy in one["managed"]:
                admin.attach_managed_policy_to_permission_set(**where, PermissionSetArn=arn, ManagedPolicyArn=policy)
        for given in self.world["assignments"]:
            admin.create_account_assignment(
                **where,
                TargetId=self.found[f"@{given['account']}@"],
                TargetType="AWS_ACCOUNT",
                PermissionSetArn=sets[given["set"]],
                PrincipalType=given["kind"],
                PrincipalId=ids[given["kind"], given["name"]],
            )

    def read_back(self) -> World:
        """The world with every placeholder filled, ids and the policies as the double answers them."""
        built: World = self.filled(self.world)
        built["ids"] = {name.strip("@"): value for name, value in self.found.items()}
        built["places"] = self.places
        built["managed"] = {}
        for kind in ("users", "roles"):
            for one, plain in zip(built[kind], self.world[kind], strict=True):
                one["arn"] = self.filled(arn_of(plain))
                client = self.client("iam", one["account"])
                if kind == "users":
                    one["id"] = client.get_user(UserName=one["name"])["User"]["UserId"]
                else:
                    one["id"] = client.get_role(RoleName=one["name"])["Role"]["RoleId"]
        for one in [*built["users"], *built["roles"], *built["groups"]]:
            for arn in one["attached"]:
                if arn.startswith("arn:aws:iam::aws:") and arn not in built["managed"]:
                    built["managed"][arn] = self.managed(arn)
        for account in built["accounts"]:
            self.access_role(built, account)
        for resource, plain in zip(built["resources"], self.world["resources"], strict=True):
            resource["arn"] = self.filled(arn_of(plain))
            if resource["type"] in ("topic", "key", "function"):
                resource["policy"] = self.stored_policy(resource)
        return built

    def managed(self, arn: str) -> Any:
        client = self.client("iam")
        version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]

    def access_role(self, built: World, account: str) -> None:
        """`OrganizationAccountAccessRole`, which the organisation made in each member account."""
        if account == "mgmt":
            return
        role = self.client("iam", account).get_role(RoleName=ROLE)["Role"]
        administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
        built["managed"].setdefault(administrator, self.managed(administrator))
        known: dict[str, Any] = {
            "account": account,
            "type": "role",
            "name": ROLE,
            "path": "/",
            "tags": {},
            "boundary": None,
            "inline": {},
        }
        trust = {"trust": role["AssumeRolePolicyDocument"], "attached": [administrator]}
        built["roles"].append({**known, **trust, "arn": role["Arn"], "id": role["RoleId"]})

    def stored_policy(self, resource: dict[str, Any]) -> Any:
        kind, name, account, region = (resource[field] for field in ("type", "name", "account", "region"))
        if kind == "topic":
            client = self.client("sns", account, region)
            return json.loads(client.get_topic_attributes(TopicArn=resource["arn"])["Attributes"]["Policy"])
        if kind == "key":
            client = self.client("kms", account, region)
            return json.loads(client.get_key_policy(KeyId=resource["arn"], PolicyName="default")["Policy"])
        client = self.client("lambda", account, region)
        return json.loads(client.get_policy(FunctionName=name)["Policy"]) if resource["policy"] else None


def build_in_moto(world: World, endpoint_url: str) -> World:
    """Create `world` through the endpoint; return it with placeholders filled and what the cloud chose."""
    return Builder(world, endpoint_url).run()
