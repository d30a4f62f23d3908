"""Where the emulator differs from AWS, corrected in its own process (the only module that knows its insides).

Collectors must meet AWS's answers, not the emulator's faults, so the faults are repaired here and never worked round
there. Loaded by `server.serve` alone. Each function says which answer it makes true.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.awslambda.policy import Policy as FunctionPolicy
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import EC2Backend
from moto.iam import models as iam
from moto.identitystore.responses import IdentityStoreResponse
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.models import moto_api_backend
from moto.organizations import models as organizations
from moto.organizations import utils as organizations_utils
from moto.ssoadmin import models as ssoadmin
from moto.ssoadmin.exceptions import ResourceNotFoundException
from moto.ssoadmin.responses import SSOAdminResponse

from collectors.demo import faults_iam
from collectors.demo.company import HOME_REGION, REGIONS

SEED = 20_260_101
# In the order in which accounts are created; the emulator would draw them by lot.
ACCOUNT_IDS = ("204718365590", "318846201957", "471093822654", "562017739418", "685340917726")

_people: dict[str, dict[str, Any]] = {}
_account_ids: list[str] = []


def apply() -> None:
    """Install every correction; call once, before the first request."""
    _organizations()
    faults_iam.apply()
    _regions()
    _function_policies()
    _identity_center()
    _identity_store()
    restart()


def restart() -> None:
    """Seed the emulator's identifiers and forget the facts told by `remember_people`."""
    mock_random.seed(SEED)
    _people.clear()
    _account_ids[:] = [DEFAULT_ACCOUNT_ID, *ACCOUNT_IDS]


def reset(_: Any) -> None:
    """Forget everything: a new, empty AWS."""
    moto_api_backend.reset()
    restart()


def account_of(access_key: str) -> str:
    """The account an access key belongs to (dummy keys: the management account)."""
    return str(iam.get_account_id_from(access_key))


def remember_people(body: dict[str, dict[str, Any]]) -> None:
    """{user id: {"ExternalIds": […], "UserStatus": "ENABLED"}}: what the identity provider provisions, not the API."""
    _people.update(body)


def remember_accounts(body: dict[str, dict[str, str]]) -> None:
    """{account id: {"name": …, "email": …}}: who signed up for the management account."""
    for account in organizations.organizations_backends[DEFAULT_ACCOUNT_ID]["aws"].accounts:
        facts = body.get(account.id)
        if facts:
            account.name, account.email = facts["name"], facts["email"]


def remember_history(body: list[dict[str, Any]]) -> None:
    """[{"account", "kind": "user" | "role" | "key", "name", "created_days"?, "used_days"?, "service"?, "region"?}]:
    ages in days before now. A "key" is every access key of the user that `name` names."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    for fact in body:
        backend: Any = iam.iam_backends[fact["account"]]["aws"]
        created = now - timedelta(days=fact["created_days"]) if "created_days" in fact else None
        used = now - timedelta(days=fact["used_days"]) if "used_days" in fact else None
        region = fact.get("region", "eu-west-1")
        if fact["kind"] == "role":
            role = next(each for each in backend.roles.values() if each.name == fact["name"])
            role.create_date = created or role.create_date
            if used:
                role.last_used, role.last_used_region = used, region
            continue
        user = backend.users[fact["name"]]
        if fact["kind"] == "user":
            user.create_date = created or user.create_date
            user.password_last_used = used or user.password_last_used
            continue
        for key in user.access_keys:
            key.create_date = created or key.create_date
            if used:
                key.last_used = iam.AccessKeyLastUsed(used, fact.get("service", "s3"), region)


CONTROL: dict[str, Callable[[Any], Any]] = {
    "reset": reset,
    "people": remember_people,
    "accounts": remember_accounts,
    "history": remember_history,
}


def _organizations() -> None:
    """Account ids are those of ACCOUNT_IDS; the management account has no OrganizationAccountAccessRole."""
    draw = organizations_utils.make_random_account_id
    create = organizations.OrganizationsBackend.create_organization

    def make_account_id() -> str:
        return _account_ids.pop(0) if _account_ids else str(draw())

    def create_organization(self: Any, region: str, **kwargs: Any) -> dict[str, Any]:
        answer: dict[str, Any] = create(self, region, **kwargs)
        iam.iam_backends[self.account_id]["aws"].delete_role("OrganizationAccountAccessRole")
        return answer

    backend: Any = organizations.OrganizationsBackend
    organizations_utils.make_random_account_id = make_account_id
    backend.create_organization = create_organization


def _regions() -> None:
    """An account has the regions the company approved: the emulator lists those of every partition, and where the
    company's own guardrail would deny each call the emulator, which evaluates none, would answer."""
    describe = EC2Backend.describe_regions

    def describe_regions(self: Any, region_names: list[str] | None = None) -> list[Any]:
        return [each for each in describe(self, region_names) if each.name in REGIONS]

    backend: Any = EC2Backend
    backend.describe_regions = describe_regions


def _function_policies() -> None:
    """A permission for an account names its root user, as AWS writes it."""
    write = FunctionPolicy.principal_formatter

    def principal(self: Any, obj: Any) -> Any:
        if isinstance(obj, str) and obj.isdigit():
            return {"AWS": f"arn:aws:iam::{obj}:root"}
        return write(self, obj)

    policy_class: Any = FunctionPolicy
    policy_class.principal_formatter = principal


def _identity_center() -> None:
    """There is one instance, in one region; permission sets are provisioned where they are assigned and have tags and
    a boundary; a user's rows include its groups'; access-control attributes are kept; policies may have a path."""
    backend_class: Any = ssoadmin.SSOAdminBackend
    responses: Any = SSOAdminResponse

    def find_managed_policy(self: Any, managed_policy_arn: str) -> Any:
        policy = iam.iam_backends[self.account_id]["aws"].managed_policies.get(managed_policy_arn)
        if policy is None:
            raise ResourceNotFoundException(f"Policy does not exist with ARN: {managed_policy_arn}")
        return ssoadmin.ManagedPolicy(managed_policy_arn, policy.name)

    def list_instances(self: Any) -> list[Any]:
        at_home = (self.account_id, self.region_name) == (DEFAULT_ACCOUNT_ID, HOME_REGION)
        return self.instances if at_home else []

    def permission_set(self: Any, key: str = "PermissionSetArn") -> Any:
        return self.ssoadmin_backend._find_permission_set(self._get_param("InstanceArn"), self._get_param(key))

    def tags(self: Any) -> str:
        return json.dumps({"Tags": permission_set(self, "ResourceArn").tags or []})

    def put_boundary(self: Any) -> str:
        permission_set(self).permissions_boundary = self._get_param("PermissionsBoundary")
        return "{}"

    def get_boundary(self: Any) -> str:
        found = getattr(permission_set(self), "permissions_boundary", None)
        if found is None:
            raise ResourceNotFoundException("There is no permissions boundary on this permission set")
        return json.dumps({"PermissionsBoundary": found})

    def put_attributes(self: Any) -> str:
        self.ssoadmin_backend.access_control = self._get_param("InstanceAccessControlAttributeConfiguration")
        return "{}"

    def get_attributes(self: Any) -> str:
        found = getattr(self.ssoadmin_backend, "access_control", None)
        if found is None:
            raise ResourceNotFoundException("There is no access-control attribute configuration")
        return json.dumps({"Status": "ENABLED", "InstanceAccessControlAttributeConfiguration": found})

    def accounts_for(self: Any, instance_arn: str, permission_set_arn: str) -> list[str]:
        return sorted({each.target_id for each in _assignments(self, instance_arn, permission_set_arn)})

    def provisioned_to_account(self: Any) -> str:
        rows = _assignments(self.ssoadmin_backend, self._get_param("InstanceArn"), None)
        account = self._get_param("AccountId")
        return json.dumps({"PermissionSets": sorted({r.permission_set_arn for r in rows if r.target_id == account})})

    def for_principal(self: Any) -> str:
        """Rows of the user itself and of the groups it is in, keeping the group as the row's principal."""
        from moto.identitystore.models import identitystore_backends

        backend, principal = self.ssoadmin_backend, self._get_param("PrincipalId")
        instance_arn = self._get_param("InstanceArn")
        instance = next(each for each in backend.instances if each.instance_arn == instance_arn)
        store = identitystore_backends[backend.account_id][backend.region_name].identity_stores.get(
            instance.identity_store_id
        )
        principals = {(self._get_param("PrincipalType"), principal)}
        if store is not None and self._get_param("PrincipalType") == "USER":
            rows = store.group_memberships.values()
            principals |= {("GROUP", row["GroupId"]) for row in rows if row["MemberId"]["UserId"] == principal}
        account = self._get_param("Filter", {}).get("AccountId")
        found = [
            {
                "AccountId": each.target_id,
                "PermissionSetArn": each.permission_set_arn,
                "PrincipalId": each.principal_id,
                "PrincipalType": each.principal_type,
            }
            for each in _assignments(backend, instance_arn, None)
            if (each.principal_type, each.principal_id) in principals and account in {None, each.target_id}
        ]
        return json.dumps({"AccountAssignments": found})

    backend_class.list_instances = list_instances
    responses.list_tags_for_resource = tags
    responses.put_permissions_boundary_to_permission_set = put_boundary
    responses.get_permissions_boundary_for_permission_set = get_boundary
    responses.create_instance_access_control_attribute_configuration = put_attributes
    responses.describe_instance_access_control_attribute_configuration = get_attributes
    backend_class._find_managed_policy = find_managed_policy
    backend_class.list_accounts_for_provisioned_permission_set = accounts_for
    responses.list_permission_sets_provisioned_to_account = provisioned_to_account
    responses.list_account_assignments_for_principal = for_principal


def _assignments(backend: Any, instance_arn: str, permission_set_arn: str | None) -> list[Any]:
    return [
        each
        for each in backend.account_assignments
        if each.instance_arn == instance_arn and permission_set_arn in {None, each.permission_set_arn}
    ]


def _identity_store() -> None:
    """Users carry the link to the identity provider and a status."""
    list_users, describe_user = IdentityStoreResponse.list_users, IdentityStoreResponse.describe_user

    def facts(user: dict[str, Any]) -> dict[str, Any]:
        return user | {"UserStatus": "ENABLED"} | _people.get(user["UserId"], {})

    def listed(self: Any) -> str:
        answer = json.loads(list_users(self))
        return json.dumps(answer | {"Users": [facts(user) for user in answer["Users"]]})

    def described(self: Any) -> str:
        return json.dumps(facts(json.loads(describe_user(self))))

    responses: Any = IdentityStoreResponse
    responses.list_users, responses.describe_user = listed, described
