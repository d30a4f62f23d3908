"""The plan of a made-up organisation: who and what there is, before a word of it is written.

Everything follows from the seed. An account's plan depends on the seed and its number alone, so that accounts can be
planned one at a time and a world of any size needs the memory of its largest account.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

#: Accounts, principals (IAM users and roles), resources.
SIZES = {"S": (10, 1_000, 10_000), "M": (100, 10_000, 100_000), "L": (1_000, 50_000, 1_000_000)}

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
HOME_REGION = "eu-west-1"
TEAMS = ("payments", "ledger", "risk", "search", "media", "growth", "identity", "data", "mobile", "shop", "ops", "lab")
NOUNS = ("api", "batch", "events", "gateway", "index", "ingest", "jobs", "portal", "reports", "store", "sync", "web")
WORDS = ("data", "logs", "events", "exports", "home")
#: What the resources are, in percent: by kind of ``docs/snapshot.md``.
KINDS = {"bucket": 20, "queue": 15, "topic": 12, "function": 22, "secret": 13, "table": 8, "key": 8, "instance": 2}
#: Shares of principals and resources that the numbers of the design presuppose.
CONDITIONED, WITH_BOUNDARY, WITH_POLICY = 0.20, 0.10, 0.10
FEWEST = 8


@dataclass(frozen=True)
class Shape:
    """How large a world is, and which of all worlds of that size.

    ``open``: so many buckets of each account, and so many roles of its workloads, are for the whole organisation.
    """

    accounts: int
    principals: int
    resources: int
    seed: int = 1
    regions: tuple[str, ...] = REGIONS
    open: int = 0

    def chance(self, *place: object) -> random.Random:
        """Chance of its own for every place: what is drawn in one account changes nothing in another."""
        return random.Random("/".join(map(str, (self.seed, *place))))


@dataclass(frozen=True)
class RolePlan:
    """``kind``: workload, hop, pair, step, deploy or reserved. ``number``: of a hop its place in the ring."""

    name: str
    path: str
    kind: str
    number: int = 0
    service: str = ""

    def arn(self, account: str) -> str:
        return f"arn:aws:iam::{account}:role{self.path}{self.name}"


@dataclass(frozen=True)
class ResourcePlan:
    """``named``: its policy names principals. ``open``: it is for the whole organisation."""

    kind: str
    region: str
    name: str
    app: str
    arn: str
    tags: dict[str, str]
    named: bool
    id: str = ""
    open: bool = False


@dataclass(frozen=True)
class AccountPlan:
    """One account. ``conditioned`` and ``bounded`` hold names of users and roles."""

    index: int
    id: str
    name: str
    env: str
    apps: tuple[str, ...]
    users: tuple[str, ...]
    roles: tuple[RolePlan, ...]
    sets: tuple[int, ...]
    conditioned: frozenset[str]
    bounded: frozenset[str]
    resources: tuple[ResourcePlan, ...] = field(default=(), repr=False)

    @property
    def team(self) -> str:
        return self.apps[0].partition("-")[0]


def account_id(index: int) -> str:
    return f"{200_000_000_000 + index * 104_729:012d}"


T = TypeVar("T")


def skewed(chance: random.Random, items: Sequence[T], count: int = 1) -> list[T]:
    """``count`` different items, the first ones far likelier than the last (Zipf)."""
    weights = [1 / (place + 1) for place in range(len(items))]
    found: dict[int, None] = {}
    while len(found) < min(count, len(items)):
        found[chance.choices(range(len(items)), weights)[0]] = None
    return [items[place] for place in found]


def spread(chance: random.Random, total: int, count: int, least: int) -> list[int]:
    """``total`` over ``count`` places, each at least ``least``, some several times as large as others."""
    weights = [1 / (place + 4) ** 0.5 for place in range(count)]
    chance.shuffle(weights)
    rest = max(total - least * count, 0)
    found = [least + int(rest * weight / sum(weights)) for weight in weights]
    for place in range(total - sum(found)):
        found[place % count] += 1
    return found


class Plan:
    """The plan of one world; raises ``ValueError`` for a shape that cannot be."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        fewest = FEWEST * shape.accounts
        if shape.accounts < 2 or shape.principals < fewest or shape.resources < shape.accounts:
            raise ValueError(f"a world has at least 2 accounts, {FEWEST} principals and 1 resource an account")
        if HOME_REGION not in shape.regions:
            raise ValueError(f"the regions lack `{HOME_REGION}`, where identity center is")

    @cached_property
    def ids(self) -> list[str]:
        return [account_id(index) for index in range(self.shape.accounts)]

    @cached_property
    def _principals(self) -> list[int]:
        return spread(self.shape.chance("principals"), self.shape.principals, self.shape.accounts, FEWEST)

    @cached_property
    def _resources(self) -> list[int]:
        return spread(self.shape.chance("resources"), self.shape.resources, self.shape.accounts, 1)

    @property
    def hops(self) -> int:
        """Roles of the ring: a twentieth of all principals that can all become each other, over all accounts."""
        return max(self.shape.principals // 20, 2)

    @property
    def sets(self) -> int:
        """How many permission sets there are."""
        return min(6 + self.shape.accounts // 5, 40)

    @property
    def people(self) -> int:
        return max(self.shape.principals // 4, 10)

    @property
    def directory_groups(self) -> int:
        return max(self.people // 12, 4)

    def hop(self, number: int) -> str:
        """The ARN of a role of the ring."""
        number %= self.hops
        account = number % self.shape.accounts
        return f"arn:aws:iam::{self.ids[account]}:role/chain/hop-{number // self.shape.accounts}"

    def other(self, chance: random.Random, index: int) -> str:
        """The id of some other account."""
        return self.ids[(index + chance.randrange(1, self.shape.accounts)) % self.shape.accounts]

    def account(self, index: int, *, resources: bool = True) -> AccountPlan:
        """The plan of one account."""
        chance = self.shape.chance("account", index)
        teams = skewed(chance, chance.sample(TEAMS, len(TEAMS)), 2)
        apps = tuple(f"{team}-{noun}" for team in teams for noun in skewed(chance, NOUNS, chance.randrange(1, 4)))
        env = chance.choice(("prod", "prod", "staging", "dev"))
        count = self._principals[index]
        sets = tuple(sorted(skewed(chance, range(self.sets), max(count // 5, 1))))
        users = tuple(f"{chance.choice(TEAMS)}.user{number}" for number in range(max(count // 5, 1)))
        roles = self._roles(chance, index, apps, count - len(sets) - len(users))
        some = [*users, *(role.name for role in roles)]
        share = -(-count * CONDITIONED // 1)
        plan = AccountPlan(
            index=index,
            id=self.ids[index],
            name=f"{apps[0]}-{env}-{index}",
            env=env,
            apps=apps,
            users=users,
            roles=roles,
            sets=sets,
            conditioned=frozenset(chance.sample(some, min(int(share), len(some)))),
            bounded=frozenset(chance.sample(some, max(round(count * WITH_BOUNDARY), 1))),
        )
        if not resources:
            return plan
        made = self._things(self.shape.chance("things", index), plan, self._resources[index])
        return AccountPlan(**{**vars(plan), "resources": made})

    def _roles(self, chance: random.Random, index: int, apps: tuple[str, ...], count: int) -> tuple[RolePlan, ...]:
        found = [
            RolePlan(f"hop-{number // self.shape.accounts}", "/chain/", "hop", number)
            for number in range(index, self.hops, self.shape.accounts)
        ]
        found += [RolePlan("deploy", "/", "deploy"), RolePlan(f"step-{index}", "/steps/", "step")]
        if index % 3 == 0:
            found += [RolePlan("pair-a", "/", "pair"), RolePlan("pair-b", "/", "pair")]
        for number in range(count - len(found)):
            service = chance.choice(("lambda", "lambda", "lambda", "ec2", "ecs-tasks", "states", ""))
            found.append(RolePlan(f"{chance.choice(apps)}-role{number}", "/app/", "workload", number, service))
        return tuple(found[:count])

    def _things(self, chance: random.Random, plan: AccountPlan, count: int) -> tuple[ResourcePlan, ...]:
        named = set(chance.sample(range(count), max(round(count * WITH_POLICY), 1)))
        kinds = chance.choices(list(KINDS), list(KINDS.values()), k=count)
        # Instances have no policies: those that were drawn to have one are queues.
        kinds = ["queue" if kind == "instance" and place in named else kind for place, kind in enumerate(kinds)]
        buckets = [number for number, kind in enumerate(kinds) if kind == "bucket"]
        things = [
            _thing(chance, plan, self.shape.regions, kind, number, number in named) for number, kind in enumerate(kinds)
        ]
        for number in buckets[: self.shape.open]:
            things[number] = replace(things[number], open=True)
        return tuple(things)


def _thing(
    chance: random.Random, plan: AccountPlan, regions: tuple[str, ...], kind: str, number: int, named: bool
) -> ResourcePlan:
    region, app = skewed(chance, regions)[0], skewed(chance, plan.apps)[0]
    name = f"{app}-{chance.choice(WORDS)}-{number}"
    id_ = str(uuid.UUID(int=chance.getrandbits(128)))
    place = f"{region}:{plan.id}"
    if kind == "bucket":
        name = f"{app}-{name.rsplit('-', 2)[1]}-{plan.index}-{number}"
    arn = {
        "bucket": f"arn:aws:s3:::{name}",
        "queue": f"arn:aws:sqs:{place}:{name}",
        "topic": f"arn:aws:sns:{place}:{name}",
        "function": f"arn:aws:lambda:{place}:function:{name}",
        "secret": f"arn:aws:secretsmanager:{place}:secret:{app}/{name}-{id_[:6]}",
        "table": f"arn:aws:dynamodb:{place}:table/{name}",
        "key": f"arn:aws:kms:{place}:key/{id_}",
        "instance": f"arn:aws:ec2:{place}:instance/i-{id_.replace('-', '')[:17]}",
    }[kind]
    tags: dict[str, str] = {}
    if chance.random() < 0.7:
        tags = {"team": app.partition("-")[0], "env": plan.env, "cost-center": str(chance.randrange(1000, 1040))}
        if chance.random() < 0.2:
            tags["classification"] = chance.choice(("public", "internal", "secret"))
    return ResourcePlan(kind, region, name, app, arn, tags, named, id_)
