"""From what people type to a ``Revocation``: what a principal has, by the names and ids that answers give it.

Every mistake is one line that lists what there is to choose from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from graph.names import subject_of
from graph.people import assignment_id
from graph.revoking import Revocation
from graph.steps import ASSUME_ROLE, assume_action
from graph.subjects import Subject
from graph.world import World
from model.entities import Assignment, IamPrincipal, Role, User
from model.errors import GrantmapError
from policy.document import Document
from policy.fold import Fold

_SHOWN = 8


class NotHeldError(GrantmapError):
    """Something that the principal does not have, or that nobody can take away there."""


class WhichOneError(GrantmapError):
    """A name that several things have; the message lists them."""


class BadRevocationError(GrantmapError):
    """A name of the wrong form."""


def revocation(world: World, subject: Subject, kind: str, text: str) -> Revocation:
    """What is taken from ``subject``: ``kind`` is ``policy``, ``assignment``, ``group``, ``trust`` or ``statement``.

    Raises ``NotHeldError``, ``WhichOneError``, ``BadRevocationError``, and for the role of a trust what
    ``graph.names`` raises.
    """
    named: dict[str, Callable[[World, Subject, str], Revocation]] = {
        "policy": _policy,
        "assignment": _assignment,
        "group": _group,
        "trust": _trust,
        "statement": _statement,
    }
    return named[kind](world, subject, text)


def owner_of(subject: Subject) -> str:
    """Whose policies a subject acts with: of a session its role, of everybody else itself."""
    principal = subject.caller.principal if subject.caller is not None else None
    return principal.role_arn or subject.key if principal is not None else subject.key


# -- policies


def _holder(world: World, subject: Subject) -> User | Role | None:
    key = owner_of(subject)
    return world.inventory.users.get(key) or world.inventory.roles.get(key)


def _policy(world: World, subject: Subject, text: str) -> Revocation:
    holder = _holder(world, subject)
    if holder is None:
        raise NotHeldError(f"`{subject.key}` has no policies of its own: {_instead(world, subject)}")
    own = _ids(holder)
    found = [id for id in own if _called(id, text)]
    if len(found) == 1:
        return Revocation("policy", frozenset(found), holder=holder.arn)
    if found:
        raise WhichOneError(f"`{holder.arn}` has several policies `{text}`: {_listed(found)}; give one of them")
    for group in _groups(world, holder):
        if any(_called(id, text) for id in _ids(group)):
            raise NotHeldError(
                f"policy `{text}` comes to `{holder.arn}` through group `{group.name}`: "
                f"ask about the membership with --group {group.name}"
            )
    if holder.boundary and _called(holder.boundary, text):
        raise NotHeldError(f"`{text}` is the permissions boundary of `{holder.arn}`, which gives no access")
    raise NotHeldError(f"`{holder.arn}` has no policy `{text}`: it has {_listed(own)}")


def _instead(world: World, subject: Subject) -> str:
    """What can be taken from somebody who holds no policies."""
    if subject.kind != "Person":
        return "what it can do comes from trust policies and resource policies, give --trust or --statement"
    given = [_told(world, item) for item in _assignments(world, subject)]
    return f"people act through permission sets, give --assignment {_listed(given)}" if given else "and no assignments"


def _ids(holder: IamPrincipal) -> list[str]:
    """The policies of a holder, by the names that ``because`` has for them."""
    return [*(f"{holder.arn}#inline:{one.name}" for one in holder.inline), *dict.fromkeys(holder.attached)]


def _called(id: str, text: str) -> bool:
    """Whether a policy is the one meant: by its id, or by its name, which IAM takes in any case."""
    _, inline, name = id.partition("#inline:")
    return text == id or text.lower() == (name if inline else id.rpartition("/")[2]).lower()


def _groups(world: World, holder: User | Role) -> list[IamPrincipal]:
    known = world.inventory.groups
    return [known[arn] for arn in holder.groups if arn in known] if isinstance(holder, User) else []


# -- Identity Center and groups


def _assignments(world: World, subject: Subject) -> list[Assignment]:
    """A person's own assignments and those of their groups."""
    user = world.inventory.people[subject.key].user.id
    groups = {group.id for group in world.inventory.data.directory_groups if user in group.members}
    return [item for item in dict.fromkeys(world.inventory.data.assignments) if item.principal_id in {user, *groups}]


def _assignment(world: World, subject: Subject, text: str) -> Revocation:
    """The assignment that gives a person the set: their own if there is one, else that of a group they are in."""
    if subject.kind != "Person":
        raise NotHeldError(f"`{subject.key}` is not a person: permission sets are assigned to people and their groups")
    wanted, given_to, holder = text.partition("#")
    if "@" not in wanted.strip("@"):
        raise BadRevocationError(f"wrong assignment `{text}`: expected SET@ACCOUNT, for example Admin@111122223333")
    have = _assignments(world, subject)
    found = [item for item in have if wanted.lower() in _spellings(world, item)]
    if given_to:
        found = [item for item in found if holder.lower() in _holders(world, item)]
    if not found:
        told = _listed(_told(world, item) for item in have)
        raise NotHeldError(f"`{subject.key}` has no assignment `{text}`: they have {told}")
    own = [item for item in found if item.principal_type == "USER"]
    found = own or found
    if len(found) > 1:
        raise WhichOneError(
            f"`{subject.key}` has `{wanted}` several times: {_listed(_told(world, item) for item in found)}; "
            "give one of them"
        )
    item = found[0]
    same = [one for one in have if (one.permission_set, one.account) == (item.permission_set, item.account)]
    return Revocation(
        "assignment",
        frozenset({assignment_id(item)}),
        assignment=item,
        beside=tuple(assignment_id(one) for one in same if one != item),
        unseen=_unseen(world, [item]),
    )


def _unseen(world: World, assignments: Iterable[Assignment]) -> str:
    """Why it is not known what assignments open: a role that was not found."""
    lost = [
        item for item in assignments if world.inventory.permission_set_role(item.account, item.permission_set) is None
    ]
    if not lost:
        return ""
    told = _listed(dict.fromkeys(_told(world, item).partition("#")[0] for item in lost))
    return f"what {told} opens is not known: no role of it was found in that account"


def _spellings(world: World, item: Assignment) -> set[str]:
    """``SET@ACCOUNT`` in lower case, by every name of the set and of the account."""
    known, account = (
        world.inventory.permission_sets.get(item.permission_set),
        world.inventory.accounts.get(item.account),
    )
    sets = {item.permission_set, known.name if known is not None else ""} - {""}
    accounts = {item.account, *((account.name, account.alias) if account is not None else ())} - {""}
    return {f"{one}@{other}".lower() for one in sets for other in accounts}


def _holders(world: World, item: Assignment) -> set[str]:
    """Whom an assignment is given to, in lower case: ``group:NAME``, ``group:ID``, ``user:NAME``, ``user:ID``."""
    kind, names = item.principal_type.lower(), {item.principal_id}
    if kind == "group" and item.principal_id in world.inventory.directory_groups:
        names.add(world.inventory.directory_groups[item.principal_id].name)
    elif item.principal_id in world.inventory.directory_users:
        names.add(world.inventory.directory_users[item.principal_id].user_name)
    return {f"{kind}:{name}".lower() for name in names}


def _told(world: World, item: Assignment) -> str:
    """An assignment as it can be typed: names in place of ids, the group that it comes through."""
    known, account = (
        world.inventory.permission_sets.get(item.permission_set),
        world.inventory.accounts.get(item.account),
    )
    name = known.name if known is not None else item.permission_set
    text = f"{name}@{(account.name if account is not None else '') or item.account}"
    group = world.inventory.directory_groups.get(item.principal_id)
    if item.principal_type == "USER":
        return text
    return f"{text}#group:{group.name if group is not None else item.principal_id}"


def _group(world: World, subject: Subject, text: str) -> Revocation:
    if subject.kind == "Person":
        return _directory_group(world, subject, text)
    user = _holder(world, subject)
    if not isinstance(user, User):
        raise NotHeldError(f"`{subject.key}` is in no group: groups have users, and people of Identity Center")
    found = [arn for arn in dict.fromkeys(user.groups) if arn == text or arn.rpartition("/")[2].lower() == text.lower()]
    if not found:
        names = _listed(arn.rpartition("/")[2] for arn in user.groups)
        raise NotHeldError(f"`{user.arn}` is not in group `{text}`: it is in {names}")
    arn = found[0]
    known = world.inventory.groups.get(arn)
    ids = {f"{arn}#policies"} if known is None else set(_ids(known))
    return Revocation("group", frozenset(ids), holder=user.arn, group=arn, member=user.arn)


def _directory_group(world: World, subject: Subject, text: str) -> Revocation:
    user = world.inventory.people[subject.key].user.id
    mine = [group for group in world.inventory.data.directory_groups if user in group.members]
    found = [group for group in mine if group.id == text] or [one for one in mine if one.name.lower() == text.lower()]
    if not found:
        names = _listed(group.name for group in mine)
        unread = world.inventory.data.unread_members
        others = [one for one in world.inventory.data.directory_groups if one.id in unread]
        if any(text.lower() in (one.id.lower(), one.name.lower()) for one in others):
            raise NotHeldError(f"who is in group `{text}` was not read: what leaving it takes away is not known")
        raise NotHeldError(f"`{subject.key}` is not in group `{text}`: they are in {names}")
    if len(found) > 1:
        raise WhichOneError(
            f"`{subject.key}` is in several groups `{text}`: {_listed(one.id for one in found)}; give one of these ids"
        )
    given = [item for item in dict.fromkeys(world.inventory.data.assignments) if item.principal_id == found[0].id]
    return Revocation(
        "group",
        frozenset(assignment_id(item) for item in given),
        holder=subject.key,
        group=found[0].id,
        member=user,
        unseen=_unseen(world, given),
    )


# -- statements


def _trust(world: World, subject: Subject, text: str) -> Revocation:
    named, _, sid = text.partition("#")
    sid = sid.removeprefix("trust").removeprefix("#")
    role = world.inventory.roles.get(named) or world.inventory.roles.get(subject_of(world, named).key)
    if role is None:
        raise NotHeldError(f"`{named}` is not a role: only roles have a trust policy")
    _editable(role)
    id = f"{role.arn}#trust"
    document = _document(world, id, role.trust)
    if sid:
        return _cut("trust", id, document, _places(document, id, sid))
    if subject.kind == "Person":
        raise NotHeldError(
            f"`{subject.key}` is a person: no trust policy names people; name a statement with {role.arn}#SID, "
            "or take away what leads there with --assignment or --group"
        )
    places = _letting_in(world, subject, role)
    if not places:
        raise NotHeldError(
            f"no statement of the trust policy of `{role.arn}` lets in `{subject.key}`; "
            f"it has {_listed(_marks(document))}: name one with {role.arn}#SID"
        )
    return _cut("trust", id, document, places)


def _editable(role: Role) -> None:
    if role.permission_set_name is not None:
        raise NotHeldError(
            f"the trust policy of `{role.arn}` is made by Identity Center and cannot be changed: give --assignment"
        )
    if role.service_linked:
        raise NotHeldError(f"the trust policy of `{role.arn}` is made by AWS for a service and cannot be changed")


def _letting_in(world: World, subject: Subject, role: Role) -> frozenset[int]:
    """The places of the trust's statements that let a subject in, for certain or under a condition, in any session."""
    sessions = [subject]
    if subject.kind == "Role" and subject.index >= 0:
        sessions.append(world.subjects.session(subject.key, lost=True))
    found: set[int] = set()
    for one in sessions:
        assert one.caller is not None
        action = assume_action(one) if one.kind == "Provider" else ASSUME_ROLE
        request, inputs = world.assembler.request(one.caller, action, role.arn)
        side = Fold(request, inputs, action.lower()).resource
        found |= {hit.statement.index for hit in side.allows} if side is not None else set()
    return frozenset(found)


def _statement(world: World, subject: Subject, text: str) -> Revocation:
    named, _, sid = text.rpartition("#")
    if not named or not sid or sid in ("trust", "policy") or sid.startswith("inline:"):
        raise BadRevocationError(
            f"wrong statement `{text}`: expected POLICY#SID, where POLICY is the name or ARN of a policy, "
            "OWNER_ARN#inline:NAME, ROLE_ARN#trust or RESOURCE_ARN#policy"
        )
    id, written = _named_policy(world, subject, named)
    document = _document(world, id, written)
    return _cut("statement", id, document, _places(document, id, sid))


def _cut(kind: Literal["trust", "statement"], id: str, document: Document, places: frozenset[int]) -> Revocation:
    """Statements of one document that go."""
    marks = tuple(mark for place, mark in enumerate(_marks(document)) if place in places)
    return Revocation(kind, frozenset({id}), statements=places, marks=marks)


def _named_policy(world: World, subject: Subject, text: str) -> tuple[str, str | None]:
    """The id and the text of a policy that is named by its id, or by its name if the principal has it."""
    inventory = world.inventory
    owner, _, part = text.partition("#")
    if part == "trust" and owner in inventory.roles:
        _editable(inventory.roles[owner])
        return text, inventory.roles[owner].trust
    if owner in inventory.resources and part in ("", "policy") and inventory.resources[owner].policy != "":
        return f"{owner}#policy", inventory.resources[owner].policy
    holder = _holder(world, subject)
    mine = [id for one in ([holder, *_groups(world, holder)] if holder is not None else []) for id in _ids(one)]
    anybody = inventory.users.get(owner) or inventory.roles.get(owner) or inventory.groups.get(owner)
    others = [id for id in (_ids(anybody) if anybody is not None else ()) if id == text]
    others += [text] if text in inventory.policies else []
    found = list(dict.fromkeys([*(id for id in mine if _called(id, text)), *others]))
    if not found:
        has = f"; the policies of `{subject.key}` are {_listed(mine)}" if mine else ""
        raise NotHeldError(f"no policy `{text}` with statements that can be taken away{has}")
    if len(found) > 1:
        raise WhichOneError(f"`{text}` may be {_listed(found)}; give one of them")
    return found[0], _text(world, found[0])


def _text(world: World, id: str) -> str | None:
    """The text of an identity policy; raises ``NotHeldError`` for one that only AWS can edit."""
    inventory = world.inventory
    owner, inline, name = id.partition("#inline:")
    if inline:
        holder = inventory.users.get(owner) or inventory.roles.get(owner) or inventory.groups[owner]
        return next(one.document for one in holder.inline if one.name == name)
    if id.split(":", 5)[4] == "aws":
        raise NotHeldError(f"`{id}` is a policy of AWS, which cannot be edited: detach it with --policy")
    return inventory.policies[id].document if id in inventory.policies else None


def _document(world: World, id: str, text: str | None) -> Document:
    found = world.assembler.ref(id, text).document
    if found is None:
        why = world.assembler.invalid.get(id, "it was not collected")
        raise NotHeldError(f"the statements of `{id}` are not known: {why}")
    return found


def _places(document: Document, id: str, sid: str) -> frozenset[int]:
    """The statements called so: by Sid, else by their number, from 1, as people read it."""
    found = {one.index for one in document.statements if one.sid == sid}
    if not found and sid.isascii() and sid.isdigit() and 1 <= int(sid[:9]) <= len(document.statements):
        found = {int(sid) - 1}
    if not found:
        raise NotHeldError(f"`{id}` has no statement `{sid}`: it has {_listed(_marks(document))}")
    return frozenset(found)


def _marks(document: Document) -> list[str]:
    """The statements as they can be named."""
    return [one.sid or str(one.index + 1) for one in document.statements]


def _listed(items: Iterable[str]) -> str:
    """So many of the names, and how many more there are; ``none`` for no names."""
    found = [f"`{item}`" for item in items] or ["none"]
    more = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
