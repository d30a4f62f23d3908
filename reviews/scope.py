"""Which entitlements a review is about: keys with values, any of which will do; all keys must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from graph.access import LEVELS
from model.inventory import Inventory
from reviews.audience import Audience
from reviews.entitlements import Held
from reviews.errors import CampaignPlanError
from reviews.records import ENTITLEMENT_KINDS, RISKS, Item
from reviews.words import Names, listed

Scope = Mapping[str, tuple[str, ...]]

#: Key: how it is said, with the values in the place of ``{}``.
KEYS = {
    "account": "in {}",
    "ou": "in the accounts below {}",
    "identities": "of {}",
    "kind": "of the kinds {}",
    "permission-set": "by permission set {}",
    "level": "that reaches {}",
    "risk": "of {} risk",
    "principal": "of {}",
    "privileged": "that is privileged",
    "external": "from outside the organisation",
}
_IDENTITIES = {"human": "people", "workload": "workloads"}


def scope_in_words(scope: Scope) -> str:
    """What a review is about, as people say it: ``All access of people in payments-prod``."""
    parts = []
    for key, words in KEYS.items():
        if scope.get(key):
            values = [_IDENTITIES.get(value, value) if key == "identities" else value for value in scope[key]]
            parts.append(words.format(listed(values, "or")))
    return f"All access {' '.join(parts)}".strip()


def check_scope(scope: Scope, inventory: Inventory) -> None:
    """Raises ``CampaignPlanError`` for a key, or a value, that does not exist; the message says what there is."""
    for key, values in scope.items():
        if key not in KEYS:
            raise CampaignPlanError(f"unknown scope `{key}`: one of {', '.join(KEYS)}")
        if not values:
            raise CampaignPlanError(f"scope `{key}` has no value")
        known = _known(key, inventory)
        for value in values:
            if known is not None and value.lower() not in {name.lower() for name in known}:
                raise CampaignPlanError(
                    f"unknown {key} `{value}` in a scope: {_hint(value, known, _things(key, inventory))}"
                )


def _hint(value: str, known: Iterable[str], things: int) -> str:
    """What there is instead: all names, near ones, or how many things, each of which may have several names."""
    names = sorted({name for name in known if name})
    if len(names) <= 12:
        return f"one of {', '.join(names)}" if names else "the snapshot has none"
    near = get_close_matches(value, names, 3)
    if near:
        return f"did you mean {listed([f'`{name}`' for name in near], 'or')}?"
    return f"there are {things or len(names):,}, among them {', '.join(names[:3])}"


def _known(key: str, inventory: Inventory) -> set[str] | None:
    if key == "account":
        return {name for account in inventory.data.accounts for name in (account.id, account.name, account.alias)} - {
            ""
        }
    if key == "ou":
        units = inventory.organization.units if inventory.organization else ()
        return {name for unit in units for name in (unit.id, unit.name)} - {""}
    if key == "permission-set":
        return {name for item in inventory.data.permission_sets for name in (item.name, item.arn)}
    if key == "principal":
        return principals(inventory)
    return {
        "identities": set(_IDENTITIES),
        "kind": set(ENTITLEMENT_KINDS),
        "level": {*LEVELS, "Read"},
        "risk": set(RISKS),
        "privileged": {"yes"},
        "external": {"yes"},
    }[key]


def _things(key: str, inventory: Inventory) -> int:
    """How many things a key can name; 0 where each has one name."""
    data = inventory.data
    if key == "principal":
        several = (data.users, data.roles, data.groups, data.directory_users, data.directory_groups, data.accounts)
        return sum(len(things) for things in several)
    units = inventory.organization.units if inventory.organization else ()
    return {"account": len(data.accounts), "ou": len(units), "permission-set": len(data.permission_sets)}.get(key, 0)


def principals(inventory: Inventory) -> set[str]:
    """Every name that an identity of the snapshot can be called by in a scope."""
    found = {"anonymous", *(f"account:{account.id}" for account in inventory.data.accounts)}
    for holder in (*inventory.data.users, *inventory.data.roles, *inventory.data.groups):
        found.update((holder.arn, holder.name))
    for key, person in inventory.people.items():
        found.update((key, person.user.user_name, *person.user.emails))
    for group in inventory.data.directory_groups:
        found.update((f"group:{group.name}", group.name))
    return found


class Filter:
    """Decides what is in a scope: what can be told of an entitlement first, the rest of the finished item."""

    def __init__(self, scope: Scope, inventory: Inventory, names: Names, audience: Audience) -> None:
        self._scope = {key: frozenset(value.lower() for value in values) for key, values in scope.items()}
        self._inventory = inventory
        self._names = names
        self._audience = audience
        self._accounts = self._wanted_accounts()

    def _wanted_accounts(self) -> frozenset[str] | None:
        """Ids of the accounts in scope; ``None`` for all."""
        if not {"account", "ou"} & self._scope.keys():
            return None
        found = {account.id for account in self._inventory.data.accounts}
        if "account" in self._scope:
            wanted = self._scope["account"]
            found = {
                account.id
                for account in self._inventory.data.accounts
                if wanted & {account.id, account.name.lower(), account.alias.lower()}
            }
        if "ou" in self._scope:
            units = self._inventory.organization.units if self._inventory.organization else ()
            ids = {unit.id for unit in units if self._scope["ou"] & {unit.id.lower(), unit.name.lower()}}
            found = {id for id in found if ids & set(self._inventory.accounts[id].path)}
        return frozenset(found)

    def wants(self, held: Held) -> bool:
        """Whether an entitlement may be in scope, before anything was decided about it."""
        scope = self._scope
        if "kind" in scope and held.kind not in scope["kind"]:
            return False
        if self._accounts is not None and self._accounts.isdisjoint(self._places(held)):
            return False
        if "permission-set" in scope and not self._of_permission_set(held):
            return False
        if "principal" in scope and scope["principal"].isdisjoint(self._called(held)):
            return False
        if "identities" in scope:
            human = self._audience.human(held)
            # Whose it is could not be told: it belongs into either review.
            return human is None or ("human" if human else "workload") in scope["identities"]
        return True

    def _places(self, held: Held) -> set[str]:
        """Accounts that an entitlement is about; of a directory group those that it is given access to."""
        if held.kind != "directory-membership":
            return {held.account}
        return {item.account for item in self._inventory.data.assignments if item.principal_id == held.group}

    def _of_permission_set(self, held: Held) -> bool:
        if held.assignment is None:
            return False
        known = self._inventory.permission_sets.get(held.assignment.permission_set)
        names = {held.assignment.permission_set.lower(), known.name.lower() if known else ""}
        return not self._scope["permission-set"].isdisjoint(names)

    def _called(self, held: Held) -> set[str]:
        names = {held.principal.lower(), held.principal.rpartition("/")[2].lower()}
        names.add(held.principal.partition(":")[2].lower() if held.principal.startswith(("group:", "person:")) else "")
        known = self._inventory.people.get(held.principal)
        if known is not None:
            names.update(name.lower() for name in (known.user.user_name, *known.user.emails))
        return names - {""}

    def has(self, item: Item) -> bool:
        """Whether a finished item is in scope."""
        scope = self._scope
        if "risk" in scope and item.risk not in scope["risk"]:
            return False
        if "privileged" in scope and not item.privileged:
            return False
        if "external" in scope and not item.external:
            return False
        if "level" in scope:
            levels = {level.lower() for row in item.access.rows for level in row.levels}
            levels.update("read" for level in list(levels) if level.startswith("read:"))
            return not scope["level"].isdisjoint(levels)
        return True
