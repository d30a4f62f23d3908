"""Where the emulator's IAM differs from AWS's, corrected (see `faults`)."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

from moto.core.responses import EmptyResult
from moto.core.utils import utcnow
from moto.iam import models as iam
from moto.iam.exceptions import ReportNotPresentException
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random

# What AWS puts before the unique ids; policies name deleted users and roles by them.
_PREFIXES = {"User": "AIDA", "Group": "AGPA", "InstanceProfile": "AIPA", "ManagedPolicy": "ANPA"}
_REPORT_DATE = "%Y-%m-%dT%H:%M:%S+00:00"


def apply() -> None:
    """Install the corrections of IAM."""
    _aws_policies_once()
    _iam_details()
    _iam_boundaries()
    _service_linked_names()
    _unique_ids()
    _credential_report()


def _aws_policies_once() -> None:
    """AWS's managed policies are parsed once, not for every account and partition (0.2 s each, 36 times a build)."""
    parse = iam.IAMBackend._init_aws_policies
    originals: list[Any] = []

    def init_aws_policies(self: Any) -> list[Any]:
        if self.partition != "aws":
            return []
        if not originals:
            state = mock_random.getstate()  # only the first account draws ids here: it must not shift later ones
            originals.extend(parse(self))
            mock_random.setstate(state)
        policies = [copy.copy(each) for each in originals]  # each account counts its own attachments
        for policy in policies:
            policy.account_id = self.account_id
        return policies

    backend: Any = iam.IAMBackend
    backend._init_aws_policies = init_aws_policies


def _iam_details() -> None:
    """Authorization details name their policies and list AWS's own only where one is attached (or a boundary)."""
    details = iam.IAMBackend.get_account_authorization_details

    def in_use(backend: Any) -> set[str]:
        holders = [*backend.users.values(), *backend.roles.values()]
        arns = {arn for each in [*holders, *backend.groups.values()] for arn in each.managed_policies}
        return arns | {arn for each in holders if (arn := getattr(each, "permissions_boundary_arn", None))}

    def get_account_authorization_details(self: Any, policy_filter: list[str]) -> dict[str, Any]:
        answer: dict[str, Any] = dict(details(self, policy_filter))
        wanted = in_use(self)
        answer["managed_policies"] = [
            each for each in answer["managed_policies"] if ":iam::aws:" not in each.arn or each.arn in wanted
        ]
        return answer

    backend_class: Any = iam.IAMBackend
    backend_class.get_account_authorization_details = get_account_authorization_details
    policy_class: Any = iam.ManagedPolicy
    policy_class.policy_name = property(lambda self: self.name)


def _iam_boundaries() -> None:
    """Users have permissions boundaries."""

    def boundary(self: Any) -> dict[str, str] | None:
        arn = getattr(self, "permissions_boundary_arn", None)
        if not arn:
            return None
        return {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}

    def put(self: Any) -> Any:
        user = self.backend.get_user(self._get_param("UserName"))
        user.permissions_boundary_arn = self._get_param("PermissionsBoundary")
        return EmptyResult()

    user_class: Any = iam.User
    user_class.permissions_boundary = property(boundary)
    responses: Any = IamResponse
    responses.put_user_permissions_boundary = put


def _service_linked_names() -> None:
    """Service-linked roles have the names AWS gives them."""
    iam.SERVICE_NAME_CONVERSION.update(
        {
            "organizations": "Organizations",
            "sso": "SSO",
            "guardduty": "AmazonGuardDuty",
            "config": "Config",
            "cloudtrail": "CloudTrail",
            "support": "Support",
            "trustedadvisor": "TrustedAdvisor",
            "ecs": "ECS",
        }
    )


def _unique_ids() -> None:
    """Unique ids begin with what they identify and are in capitals."""
    for name, prefix in _PREFIXES.items():
        _prefix_ids(getattr(iam, name), prefix)


def _prefix_ids(entity: Any, prefix: str) -> None:
    construct = entity.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        construct(self, *args, **kwargs)
        self.id = prefix + str(self.id).upper()[-17:]

    entity.__init__ = init


def _credential_report() -> None:
    """The report has the root user's row, and says where and for what a key was last used."""

    def report(self: Any) -> str:
        if not self.credential_report:
            raise ReportNotPresentException("Credential report not present")
        rows = [_REPORT_COLUMNS, _root_row(self.account_id), *(_user_row(user) for user in self.users.values())]
        return "\n".join(",".join(row) for row in rows) + "\n"

    backend: Any = iam.IAMBackend
    backend.get_credential_report = report


_REPORT_COLUMNS = [
    *("user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed"),
    *("password_next_rotation", "mfa_active"),
    *("access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date"),
    *("access_key_1_last_used_region", "access_key_1_last_used_service"),
    *("access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date"),
    *("access_key_2_last_used_region", "access_key_2_last_used_service"),
    *("cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"),
]
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATES = ["false", "N/A", "false", "N/A"]


def _root_row(account: str) -> list[str]:
    opened = (utcnow() - timedelta(days=1_200)).strftime(_REPORT_DATE)
    root = ["<root_account>", f"arn:aws:iam::{account}:root", opened, "not_supported", "no_information"]
    return [*root, "not_supported", "not_supported", "true", *_NO_KEY, *_NO_KEY, *_NO_CERTIFICATES]


def _user_row(user: Any) -> list[str]:
    created = user.create_date.strftime(_REPORT_DATE)
    used = user.password_last_used.strftime(_REPORT_DATE) if user.password_last_used else "no_information"
    password = ["true", used, created, "N/A"] if user.password else ["false", "N/A", "N/A", "N/A"]
    keys = [cell for key in user.access_keys[:2] for cell in _key_cells(key)]
    keys += _NO_KEY * (2 - len(user.access_keys[:2]))
    mfa = "true" if user.mfa_devices else "false"
    return [user.name, user.arn, created, *password, mfa, *keys, *_NO_CERTIFICATES]


def _key_cells(key: Any) -> list[str]:
    rotated: datetime = key.create_date
    cells = ["true" if key.status == "Active" else "false", rotated.strftime(_REPORT_DATE)]
    if key.last_used is None:
        return [*cells, "N/A", "N/A", "N/A"]
    return [*cells, key.last_used.strftime(_REPORT_DATE), key.last_used.region, key.last_used.service]
