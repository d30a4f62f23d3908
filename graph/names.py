"""From what people type to subjects: ARNs, ``ACCOUNT/NAME``, people, services, account ids, ``anonymous``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from graph.carriers import carrier, carrier_subject, may_carry
from graph.subjects import ANONYMOUS, Subject
from graph.world import World
from model.arn import Arn, is_account_id
from model.errors import ArnError, GrantmapError
from model.inventory import Inventory
from policy.actions import catalogue
from policy.errors import PrincipalError, UnknownActionError
from policy.request import PLAIN_PROVIDERS, Principal, is_service


class UnknownNameError(GrantmapError):
    """A principal that the snapshot does not have."""


class AmbiguousNameError(GrantmapError):
    """A name that several principals have; the message lists them."""


class BadActionError(GrantmapError):
    """An action that AWS does not have."""


def acting_subject(world: World, text: str) -> Subject:
    """As ``subject_of``, or a resource that carries a role, by its ARN: it acts as that role."""
    found = carrier(world.inventory, text)
    if found is not None:
        return carrier_subject(found)
    if may_carry(text):
        snapshot = world.inventory.data.snapshot
        raise UnknownNameError(f"no resource `{text}` that carries a role in snapshot `{snapshot}`")
    return subject_of(world, text)


def subject_of(world: World, text: str) -> Subject:
    """The subject that ``text`` names.

    Sessions, federated users, account ids and principals of foreign accounts are made up on the spot (index -1).
    Raises ``ArnError``, ``UnknownNameError`` or ``AmbiguousNameError``.
    """
    by_key = world.subjects.by_key
    if text in by_key and (text == ANONYMOUS or not text.startswith("account:")):
        return by_key[text]
    if text.startswith("arn:"):
        return _by_arn(world, text)
    account = text.removeprefix("account:")
    if is_account_id(account):
        return _made(world, Principal.parse(account), f"account:{account}", "Account")
    if text in PLAIN_PROVIDERS or is_service(text):
        kind = "Provider" if text in PLAIN_PROVIDERS else "Service"
        return by_key.get(text) or _made(world, Principal.parse(text), text, kind)
    return _by_name(world, text)


def _by_arn(world: World, text: str) -> Subject:
    arn = Arn.parse(text)
    try:
        principal = world.assembler.principal(text)
    except PrincipalError as error:
        raise ArnError(
            f"wrong principal `{text}`: expected the arn of a user, role, session, federated user, root or provider"
        ) from error
    inventory = world.inventory
    if arn.account not in inventory.accounts:
        return _made(world, principal, text, "Outsider")
    if principal.kind == "session" and principal.role_arn is not None:
        return _made(world, principal, text, "Role")
    if principal.kind == "federated-user":
        return _made(world, principal, text, "Role")
    if arn.account in inventory.data.unread_principals:
        return _made(world, principal, text, "Role" if principal.kind in ("role", "session") else "User")
    known = [key for key in world.subjects.by_key if key.startswith("arn:") and f":{arn.account}:" in key]
    raise UnknownNameError(_not_found(world, text, known))


def _made(world: World, principal: Principal, key: str, kind: str) -> Subject:
    return Subject(-1, key, kind, world.assembler.caller(principal), account=principal.account or "")


def _by_name(world: World, text: str) -> Subject:
    found = {subject.key: subject for subject in (*_people(world, text), *_providers(world, text))}
    account, slash, name = text.partition("/")
    for subject in world.subjects.deciding():
        if subject.lost or subject.kind not in ("User", "Role"):
            continue
        own = subject.key.rsplit("/", 1)[-1]
        if (slash and own == name and account in _account_names(world, subject.account)) or (not slash and own == text):
            found[subject.key] = subject
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise AmbiguousNameError(f"`{text}` is ambiguous: it may be {', '.join(sorted(found))}; give one of them")
    names = [item.key.rsplit("/", 1)[-1].removeprefix("person:") for item in world.subjects.all]
    raise UnknownNameError(_not_found(world, text, names))


def _people(world: World, text: str) -> Iterable[Subject]:
    wanted = text.removeprefix("person:").lower()
    for key, person in world.inventory.people.items():
        names = {person.user.user_name.lower(), *(mail.lower() for mail in person.user.emails)}
        if wanted in names:
            yield world.subjects.by_key[key]


def _providers(world: World, text: str) -> Iterable[Subject]:
    """Identity providers by their issuer's host, as trust conditions write it."""
    for provider in world.inventory.data.providers:
        if provider.url and text.removeprefix("https://") == provider.url:
            yield world.subjects.by_key[provider.arn]


def _account_names(world: World, account: str) -> set[str]:
    found = world.inventory.accounts.get(account)
    return {account, found.name, found.alias} - {""} if found else {account}


def _not_found(world: World, text: str, known: Iterable[str]) -> str:
    wanted = text.rsplit("/", 1)[-1] if "/" in text and not text.startswith("arn:") else text
    near = get_close_matches(wanted, [*dict.fromkeys(known)], 3)
    hint = f"; did you mean {' or '.join(f'`{name}`' for name in dict.fromkeys(near))}?" if near else ""
    return f"no principal `{text}` in snapshot `{world.inventory.data.snapshot}`{hint}"


def action_of(text: str) -> str:
    """The canonical spelling of an action; raises ``BadActionError`` with near names."""
    try:
        return catalogue().canonical(text)
    except UnknownActionError:
        pass
    service, colon, name = text.partition(":")
    if not colon or not name:
        raise BadActionError(f"wrong action `{text}`: expected service:Action, for example s3:GetObject")
    if "*" in text or "?" in text:
        raise BadActionError(f"wrong action `{text}`: a pattern; ask about one action")
    names = {action.partition(":")[2] for action in catalogue().expand(f"{service}:*")}
    if not names:
        near = get_close_matches(service.lower(), sorted(catalogue().services()), 3)
        hint = f"; did you mean {' or '.join(f'`{item}`' for item in near)}?" if near else ""
        raise BadActionError(f"unknown action `{text}`: aws has no service `{service}`{hint}")
    near = get_close_matches(name, sorted(names), 3)
    hint = f"; did you mean {' or '.join(f'`{service}:{item}`' for item in near)}?" if near else ""
    raise BadActionError(f"unknown action `{text}`{hint}")


def resource_of(inventory: Inventory, text: str, action: str) -> str:
    """A resource as asked for: ``*`` or an ARN; raises ``ArnError``.

    A request that names a KMS key by an alias is about the key, save those that are about the alias itself
    (https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
    """
    if text != "*":
        Arn.parse(text)
    return text if action.lower().endswith("alias") else inventory.key_aliases.get(text, text)
