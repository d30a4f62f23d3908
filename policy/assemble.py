"""From the inventory to one request: who asks, what for, and every document that AWS would look at.

The one place that knows which of an organisation's documents apply to which request; ``policy.decide`` judges them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from model.entities import IamPrincipal, OrganizationPolicy, Resource, Role, User
from model.inventory import Inventory
from model.providers import is_gone
from policy.aim import Aim
from policy.buckets import access_point_of, is_access_point, settings_of, through_point, without_points
from policy.context import NO_OVERRIDES, Caller, Overrides, Target
from policy.decide import Decision, decide
from policy.delegated import Delegated
from policy.document import Document, Parsed, parse_document
from policy.errors import PolicyError
from policy.inputs import NO_SETTINGS, Inputs, Level, PolicyRef, Settings
from policy.request import WITHOUT_IDENTITY, Principal, Request
from policy.required import with_required
from policy.services import PROVIDERS, TRUST_ACTIONS, is_awss
from policy.shares import Shares
from policy.targets import Place, decides, uncollected_type, unread_policy
from policy.uncollected import Uncollected, may_be_anybodys


class Assembler:
    """Callers, targets and inputs of one inventory. ``documents``: texts parsed before, which others may share.

    ``invalid`` maps the id of every policy that could not be parsed to the reason: it is decided as a document that
    was not collected, so that answers which hang on it are Conditional.
    """

    def __init__(self, inventory: Inventory, documents: Parsed | None = None) -> None:
        self.inventory = inventory
        self.invalid: dict[str, str] = {}
        self._documents: Parsed = {} if documents is None else documents
        self._refs: dict[str, PolicyRef] = {}
        self._identities: dict[str, tuple[tuple[PolicyRef, ...], tuple[PolicyRef, ...]]] = {}
        self._guardrails: dict[tuple[str, str], tuple[Level, ...]] = {}
        self._settings: dict[str, Settings] = {}
        self._points: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        #: The assembler of everything, where this one is a part's.
        self._whole: Assembler = self

    def part(self, inventory: Inventory) -> Assembler:
        """An assembler of one part of the same inventory: what it reads of resources and their policies goes with it,
        what all parts share (guardrails, AWS's own policies) stays."""
        found = Assembler(inventory)
        found._whole = self._whole
        found._guardrails = self._whole._guardrails
        found._points = self._whole._points
        return found

    # -- documents

    def ref(self, id: str, text: str | None) -> PolicyRef:
        """The policy called ``id``; ``text`` ``None``: it could not be collected."""
        found = self._refs.get(id) or self._whole._refs.get(id)
        if found is None:
            found = PolicyRef(id, None if text is None else self._document(id, text))
            self._refs[id] = found
        return found

    def _document(self, id: str, text: str) -> Document | None:
        if text not in self._documents:
            try:
                self._documents[text] = parse_document(text, source="policy")
            except PolicyError as error:
                self._documents[text] = error
        found = self._documents[text]
        if isinstance(found, PolicyError):
            self.invalid[id] = f"{found.pointer or '/'}: {found.reason}"
            return None
        return found

    # -- callers

    def caller(self, principal: Principal, *, mfa_lost: bool = False) -> Caller:
        """What is known of ``principal``; ``mfa_lost`` for a session that can carry no MFA (semantics L14)."""
        inventory = self.inventory
        account = principal.account
        if account in inventory.data.canonical_ids:
            principal = replace(principal, canonical_id=inventory.data.canonical_ids[account])
        known = account is not None and account in inventory.accounts
        org_id, org_path, outside = self._membership(account)
        if principal.kind in PROVIDERS and account is not None and is_gone(inventory, principal.text):
            principal = replace(principal, gone=True)
        caller = Caller(principal, org_id=org_id, org_path=org_path, outside=outside)
        if principal.kind == "root" or principal.kind in WITHOUT_IDENTITY:
            return Caller(principal, org_id=org_id, org_path=org_path, tags={}, outside=outside)
        if not known:
            return caller
        if principal.kind == "user" and principal.text in inventory.users:
            user = inventory.users[principal.text]
            return Caller(principal, org_id, org_path, tags=user.tags, mfa=user.mfa, user_id=user.id)
        role = inventory.roles.get(principal.role_arn or "")
        if role is not None:
            mfa = False if mfa_lost or role.permission_set_name is not None else None
            return Caller(principal, org_id, org_path, tags=self._session_tags(role), mfa=mfa, user_id=role.id)
        return caller

    def principal(self, text: str) -> Principal:
        """``Principal.parse`` with what the inventory knows: a session's role with its path, unique ids."""
        principal = Principal.parse(text)
        if principal.kind == "session" and principal.account:
            role = self.inventory.role_by_session_name.get((principal.account, principal.role_name or ""))
            if role is not None:
                return Principal.parse(text, role_arn=role.arn, unique_id=role.id)
        entity = self.inventory.users.get(text) or self.inventory.roles.get(text)
        return Principal.parse(text, unique_id=entity.id) if entity is not None else principal

    def _membership(self, account: str | None) -> tuple[str | None, str | None, frozenset[str]]:
        """(organisation id, its path, organisations it is known not to be in) of an account; empty text for none."""
        organization = self.inventory.organization
        if account is None:
            return "", "", frozenset()
        if account in self.inventory.accounts:
            if organization is None:
                return ("", "", frozenset()) if self.inventory.data.alone else (None, None, frozenset())
            if not organization.id:
                return None, None, frozenset()
            # Every member is below the root: without a path its place could not be read.
            path = self.inventory.organization_path(account) if self.inventory.accounts[account].path else None
            return organization.id, path, frozenset()
        return None, None, frozenset({organization.id}) if organization and organization.id else frozenset()

    def _session_tags(self, role: Role) -> dict[str, str] | None:
        """A role session's principal tags (U3): the role's, unless whoever assumes it may bring others."""
        if role.permission_set_name is not None:
            abac = [center.abac for center in self.inventory.data.centers]
            return {} if abac and all(value is False for value in abac) else None
        return None if self._may_tag_sessions(role) else role.tags

    def _may_tag_sessions(self, role: Role) -> bool:
        document = self.ref(f"{role.arn}#trust", role.trust).document
        allowing = () if document is None else [one for one in document.statements if one.allows]
        return document is None or any(one.acts is None or one.acts("sts:tagsession") for one in allowing)

    # -- identity side

    def identity(self, principal: Principal) -> tuple[tuple[PolicyRef, ...], tuple[PolicyRef, ...]]:
        """(identity policies, boundary) of a principal; what is not known is a reference without document."""
        key = principal.role_arn or principal.text
        found = self._identities.get(key)
        if found is None:
            found = self._identity(principal)
            self._identities[key] = found
        return found

    def _identity(self, principal: Principal) -> tuple[tuple[PolicyRef, ...], tuple[PolicyRef, ...]]:
        inventory = self.inventory
        if principal.kind not in ("user", "role", "session", "federated-user"):
            return (), ()
        if principal.account not in inventory.accounts:
            return (PolicyRef(f"account:{principal.account}", None),), ()
        if principal.kind == "federated-user":
            return (PolicyRef(f"{principal.text}#session", None),), ()
        arn = principal.role_arn or principal.text
        user, role = inventory.users.get(arn), inventory.roles.get(arn)
        if user is not None:
            groups = [inventory.groups[group] for group in user.groups if group in inventory.groups]
            refs = [ref for holder in (user, *groups) for ref in self._held(holder)]
            refs += [PolicyRef(f"{group}#policies", None) for group in user.groups if group not in inventory.groups]
            return tuple(dict.fromkeys(refs)), self._boundary(user)
        if role is not None and role.assumed_from_permission_set:
            # The account was not read: what its role really has hangs on it.
            return (*self._held(role), PolicyRef(f"account:{role.account}", None)), ()
        if role is not None:
            return tuple(self._held(role)), self._boundary(role)
        return (PolicyRef(f"{arn}#policies", None),), ()

    def _held(self, holder: IamPrincipal) -> Iterable[PolicyRef]:
        for inline in holder.inline:
            yield self.ref(f"{holder.arn}#inline:{inline.name}", inline.document)
        for arn in holder.attached:
            yield self._managed(arn)

    def _managed(self, arn: str) -> PolicyRef:
        policy = self.inventory.policies.get(arn)
        keeper = self._whole if policy is not None and policy.aws_managed else self
        return keeper.ref(arn, policy.document if policy is not None else None)

    def _boundary(self, holder: User | Role) -> tuple[PolicyRef, ...]:
        return (self._managed(holder.boundary),) if holder.boundary else ()

    # -- guardrails

    def guardrails(self, kind: str, account: str) -> tuple[Level, ...]:
        """SCPs or RCPs over an account, root first; empty where they do not apply (semantics L2, L3)."""
        key = (kind, account)
        found = self._guardrails.get(key)
        if found is None:
            found = self._guardrails[key] = self._levels(kind, account)
        return found

    def _levels(self, kind: str, account: str) -> tuple[Level, ...]:
        organization = self.inventory.organization
        if organization is None or account not in self.inventory.accounts:
            return ()
        if account == organization.management_account:
            return ()
        known = organization.scps_known if kind == "scp" else organization.rcps_known
        enabled = organization.scps_enabled if kind == "scp" else organization.rcps_enabled
        if not known or not self.inventory.accounts[account].path:
            return (Level(account, (PolicyRef(f"{kind}:{account}", None),)),)
        if enabled is False:
            return ()
        levels = (
            Level(target, tuple(self._guardrail(policy) for policy in policies))
            for target, policies in self.inventory.guardrails(kind, account)
        )
        # Every place has at least one SCP while the type is on: AWS refuses to detach the last one. A place without any
        # is one whose attachments the source did not tell, and RCPFullAWSAccess is implied.
        return tuple(level for level in levels if level.policies)

    def _guardrail(self, policy: OrganizationPolicy) -> PolicyRef:
        return self._whole.ref(policy.arn, policy.document)

    # -- targets

    def place(self, resource: str, action: str, caller_account: str | None, owner: str | None = None) -> Place:
        """The target of a request; ``*`` is in the caller's account, and what its ARN does not tell may be there.

        ``owner``: whose it is, where something else tells that.
        """
        inventory = self.inventory
        found = access_point_of(inventory, resource)
        if found is not None:
            return self.place(found[1], action, caller_account, found[0].bucket_account).through(found[0])
        container = None if resource == "*" else inventory.container(resource)
        if container is not None:
            return self._collected(resource, container)
        parts = resource.split(":", 5)
        service = parts[2] if len(parts) == 6 else action.partition(":")[0].lower()
        elsewhere = owner or self.delegated.owner(parts)
        named = elsewhere or (parts[4] if len(parts) == 6 else "")
        account = named or caller_account or ""
        region: str | None = parts[3] if len(parts) == 6 else None
        if service == "s3":
            region = region or None
        org_id, org_path, _ = self._membership(account or None)
        # An action without a resource has none whose tags could be asked; of an ARN nobody collected they are unknown.
        honours = False if resource == "*" else None
        partition = parts[1] if len(parts) == 6 else inventory.partition
        target = Target(resource, account, service, region, org_id, org_path, None, honours, partition)
        if len(parts) == 6 and not elsewhere and may_be_anybodys(parts):
            # It is somebody else's, or of an account where not everything was listed, as the caller's may be.
            own = account if service != "s3" or named or self.uncollected.may_be_in(account, resource) else ""
            target = replace(target, account=own, org_id=None, org_path=None, foreign=True)
        elif is_awss(account):  # whose AWS reports it to be is not documented
            target = replace(target, account="", org_id=None, org_path=None)
        return Place(target, None, uncollected_type(parts))

    def _collected(self, arn: str, container: Resource) -> Place:
        org_id, org_path, _ = self._membership(container.account)
        service = container.type.partition(":")[0]
        # Global resources say "" as their region, which `requested_region` reads as the partition's home.
        honours = container.s3.abac if container.s3 is not None else True
        target = Target(
            arn,
            container.account,
            service,
            container.region or (None if service == "s3" else ""),
            org_id,
            org_path,
            tags=container.tags,
            honours_tags=honours,
            partition=container.arn.split(":", 2)[1],
            without_points=self._without_points(container) if container.s3 is not None else frozenset(),
        )
        return Place(target, container, container.type)

    def _without_points(self, bucket: Resource) -> frozenset[str]:
        """As ``without_points``, once for buckets alike: it is a set of nearly every account."""
        key = (bucket.region, bucket.s3.point_accounts if bucket.s3 is not None else ())
        found = self._points.get(key)
        if found is None:
            found = self._points[key] = without_points(self.inventory, bucket)
        return found

    def resource_policy(self, place: Place, action: str) -> PolicyRef | None:
        """The policy on the resource, ``None`` when it is known to have none that decides this action."""
        if not decides(place.type, action):
            return None
        container = place.container
        unread = unread_policy(place)
        if unread is not None and place.target.account in self.inventory.accounts:
            return unread
        if container is not None:
            if container.type == "iam:role":
                role = self.inventory.roles.get(container.arn)
                return self.ref(f"{container.arn}#trust", role.trust) if role and action in TRUST_ACTIONS else None
            if container.policy == "":
                return None
            return self.ref(f"{container.arn}#policy", container.policy)
        return self._uncollected_policy(place, action)

    def _uncollected_policy(self, place: Place, action: str) -> PolicyRef | None:
        """The policy of an ARN that nobody collected: unknown where it may exist without our knowing."""
        target, type_name = place.target, place.type
        if target.arn == "*":
            return None
        point = place.point is not None or is_access_point(target.arn)
        if point or (target.service == "s3" and (target.foreign or self.uncollected.buckets_in)):
            owner = target.arn.partition("/object/" if target.arn.split(":", 5)[4] else "/")[0]
            return PolicyRef(f"{owner}#policy", None, unlisted=place.point is None)
        if target.account not in self.inventory.accounts:
            return PolicyRef(f"account:{target.account}", None) if target.account else None
        if type_name == "iam:role":
            role = self.inventory.roles.get(target.arn)
            trust = role.trust if role is not None else None
            return self.ref(f"{target.arn}#trust", trust) if action in TRUST_ACTIONS else None
        unread = self.uncollected.may_have_policy(target, type_name)
        return PolicyRef(f"{target.arn}#policy", None) if unread else None

    @cached_property
    def uncollected(self) -> Uncollected:
        """What may be there although nobody collected it."""
        return Uncollected(self.inventory)

    def settings(self, place: Place) -> Settings:
        """What S3 looks at beside policies, and KMS grants of the resource, as far as they were collected (L7)."""
        if place.point is not None:
            return through_point(self.settings(Place(place.target, place.container, place.type)), place.point, self.ref)
        container = place.container
        if container is None or container.type not in ("s3:bucket", "kms:key"):
            return NO_SETTINGS
        found = self._settings.get(container.arn)
        if found is None:
            found = self._settings[container.arn] = settings_of(self.inventory, container)
        return found

    @cached_property
    def shares(self) -> Shares:
        """What AWS RAM adds to the policies of resources (L16)."""
        return Shares(self.inventory)

    @cached_property
    def delegated(self) -> Delegated:
        """What AWS lets an organisation's administrators do in other accounts (L4)."""
        return Delegated(self.inventory)

    # -- requests

    @cached_property
    def now(self) -> tuple[str, str]:
        """The snapshot's time as (ISO 8601, epoch seconds)."""
        taken = self.inventory.data.taken
        return taken, str(int(datetime.fromisoformat(taken).timestamp()))

    def aim(self, caller: Caller, resource: str, action: str) -> Aim:
        """A caller aimed at a resource: whatever of a request does not hang on its action.

        ``action`` is one of those that will be asked; of ``*`` its service is the target's.
        """
        return self.aim_at(caller, self.place(resource, action.lower(), caller.principal.account), resource)

    def aim_at(self, caller: Caller, place: Place, resource: str) -> Aim:
        """As ``aim``, where the resource's place is known."""
        principal = caller.principal
        identity, boundary = self.identity(principal)
        exempt = principal.kind == "service" or principal.service_linked
        aws_owned = place.container is not None and place.container.key_manager == "AWS"
        exempt_from_rcps = principal.service_linked or aws_owned or place.target.foreign
        inputs = Inputs(
            identity=identity,
            boundary=boundary,
            # What a federated user's session was given hangs on the same as its user's policies: nobody read them.
            session=identity if principal.kind == "federated-user" else None,
            scps=() if exempt or principal.account is None else self.guardrails("scp", principal.account),
            # Over what may be anywhere no guardrail is certain; that its policy was not read says so already.
            rcps=() if exempt_from_rcps else self.guardrails("rcp", place.target.account),
            settings=self.settings(place),
        )
        return Aim(self, caller, place, resource if place.point is None else place.target.arn, inputs)

    def request(
        self, caller: Caller, action: str, resource: str, overrides: Overrides = NO_OVERRIDES
    ) -> tuple[Request, Inputs]:
        """The request and every document that applies to it."""
        return self.aim(caller, resource, action).request(action, overrides)

    def decide(self, caller: Caller, action: str, resource: str, overrides: Overrides = NO_OVERRIDES) -> Decision:
        """One decision: ``request`` judged by ``policy.decide``, with what else the action needs (semantics M6)."""
        request, inputs = self.request(caller, action, resource, overrides)
        return with_required(self, caller, request, decide(request, inputs), overrides)
