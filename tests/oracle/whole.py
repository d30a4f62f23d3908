"""Whole organisations that nobody has seen, every answer compared with brute force by the naive evaluator.

    python -m tests.oracle.whole --seed 1 --count 20

draws an organisation, writes it as a snapshot, builds it, and asks `can`, `who-can` and `reach` as the commands do.
Prints each disagreement with the naive verdict's documents. Exit status 1 if there is any.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graph.builder import build
from graph.builds import built_tables
from graph.questions import Questions
from graph.reaching import expanded, reach, reach_json
from model.snapshot import open_snapshot
from policy.context import Overrides
from tests.oracle.evaluate import glob
from tests.oracle.organisation_answers import SAMPLE, Answers, Cost, levels, universe
from tests.oracle.organisation_completions import TooManyError
from tests.oracle.organisation_further import organisation
from tests.oracle.organisation_pages import write
from tests.oracle.organisation_policies import FOREIGN
from tests.oracle.organisation_requests import Requests

INSIDE = ("in/x", "in/y", "in/deep/x", "in/deep/q", "home/ann/x", "home/bob/f", "red/x", "blue/zz", "out/x", "zz", "n")
FEDERATED = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
VERDICTS = {"Allowed": 0, "Conditional": 1}
Json = dict[str, Any]


@dataclass(frozen=True)
class Disagreement:
    """One answer that differs."""

    question: str
    expected: Any
    got: Any
    why: str = ""

    def __str__(self) -> str:
        return f"{self.question}\n  naive: {self.expected}\n  project: {self.got}\n{self.why}"


@dataclass
class Judge:
    """One built organisation and its naive answers; ``share`` of all questions is asked."""

    answers: Answers
    questions: Questions
    random: random.Random
    share: float
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        world = self.answers.world
        self.samples = {**SAMPLE, **world.get("samples", {})}
        self.things = [(one["arn"], one["type"]) for one in world["resources"]]
        self.things += [(one["arn"], "role") for one in world["roles"]]
        self.things += [(one["arn"], "user") for one in world["users"]] + [(arn, "policy") for arn in world["policies"]]
        self.contents = [
            (f"{one['arn']}/{name}", "object")
            for one in world["resources"]
            if one["type"] == "bucket"
            for name in [*self.random.sample(INSIDE, 5), self.own_folder()]
        ]
        tables = [one["arn"] for one in world["resources"] if one["type"] == "table"]
        self.contents += [(f"{arn}/index/{name}", "index") for arn in tables for name in ("by-a", "other")]
        account = world["management"]
        self.ghosts = [(f"arn:aws:sqs:us-east-1:{account}:ghost", "queue"), ("arn:aws:s3:::zz-ghost/in/x", "object")]
        insides = {"bucket": ("/in/x", "object"), "table": ("/index/by-a", "index")}
        for one in world["hidden"]:
            tail, kind = insides.get(one["type"], ("", one["type"]))
            self.ghosts += [(one["arn"], one["type"]), (one["arn"] + tail, kind)]
        self.everybody = self.answers.everybody()

    def own_folder(self) -> str:
        one = self.random.choice([*self.answers.requests.roles.values(), *self.answers.requests.users.values()])
        return f"{one['id']}:ann/x" if ":role/" in one["arn"] else f"{one['id']}/x"

    def some(self, pool: list[Any]) -> list[Any]:
        return self.random.sample(pool, min(len(pool), max(2, round(len(pool) * self.share))))

    def targets(self) -> list[tuple[str, str]]:
        """(action, resource): a sample action of each thing."""
        things = [*self.things, *self.contents, *self.ghosts, *self.answers.world.get("targets", ())]
        return [(action, arn) for arn, kind in things for action in self.samples[kind].split()]

    def compare(self) -> Iterator[Disagreement]:
        targets = self.targets()
        for action, resource in self.some(targets):
            yield from self.compare_who_can(action, resource)
        carriers = sorted(self.answers.carriers)
        askers = [*self.everybody, FOREIGN, *self.sessions(), *carriers]
        without = [(action, "*") for action in SAMPLE["*"].split()]
        for action, resource in [*self.some(targets), *without]:
            for principal in self.some(askers):
                yield from self.compare_can(principal, action, resource)
        for principal in self.some([*self.everybody, *self.sessions(), *carriers]):
            yield from self.compare_reach(principal)
        for endpoint in self.answers.world.get("endpoints", ()):
            for action, resource in self.some(targets):
                for principal in self.some([*self.answers.requests.users, *self.answers.requests.roles, "anonymous"]):
                    yield from self.compare_through(endpoint, principal, action, resource)

    def compare_through(self, endpoint: Json, principal: str, action: str, resource: str) -> Iterator[Disagreement]:
        """A request that comes through a VPC endpoint, without what roles on the way would give."""
        requests = self.answers.requests
        said = Overrides.of({"aws:SourceVpce": [endpoint["id"]]})
        self.counts["can through endpoints"] += 1
        got = self.questions.can(principal, action, resource, said)["verdict"]
        requests.endpoint = endpoint
        wanted = self.answers.direct(principal, action, resource)
        if got not in wanted:
            question = f"can {principal} {action} {resource} through {endpoint['id']}"
            yield Disagreement(question, wanted, got, self.why(principal, action, resource))
        requests.endpoint = {}

    def sessions(self) -> list[str]:
        """Principals that no inventory lists: sessions of roles, and whoever may be in accounts that nobody read."""
        roles = [one for one in self.answers.requests.roles.values() if not one["set"]]
        found = [f"arn:aws:sts::{one['account']}:assumed-role/{one['name']}/ann" for one in roles[:3]]
        unread = [account for account, one in self.answers.world["accounts"].items() if not one["read"]]
        for account in (FOREIGN, *unread):
            found += [f"arn:aws:sts::{account}:assumed-role/{name}/ann" for name in ("partner", "R2")]
            found += [f"arn:aws:iam::{account}:{name}" for name in ("role/app/R1", "user/ann", "root")]
        return found

    # --- can ---

    def compare_can(self, principal: str, action: str, resource: str) -> Iterator[Disagreement]:
        question = f"can {principal} {action} {resource}"
        wanted = self.answers.direct(principal, action, resource)
        self.counts["can"] += 1
        self.counts[f"can {min(wanted)}"] += 1
        got = self.questions.can(principal, action, resource)
        if got["verdict"] not in wanted:
            yield Disagreement(question, wanted, got["verdict"], self.why(principal, action, resource))
        least = 2 if principal in self.answers.people else 1
        # An account that is asked about is one of its principals, whose own policies allow everything.
        ends = self.answers.ends(principal.removeprefix("account:"), action, resource)
        own = (
            "" if principal in self.answers.through_roles else self.answers.requests.subject(principal).get("role", "")
        )
        # A session takes its own role again where another name gives more.
        direct = min((VERDICTS.get(one, 2) for one in wanted), default=2) if ":assumed-role/" in principal else 0
        chains = {role: c for role, c in ends.items() if c[1] >= least and (role != own or c[0] < direct)}
        said = {c["via"][-1]: (VERDICTS[c["verdict"]], len(c["via"])) for c in got["chains"] if len(c["via"]) >= least}
        self.counts["chains"] += len(chains)
        for role in sorted(chains.keys() | said.keys()):
            if chains.get(role) != said.get(role):
                why = self.why(role, action, resource)
                yield Disagreement(f"{question} through {role}", chains.get(role), said.get(role), why)

    # --- who-can ---

    def compare_who_can(self, action: str, resource: str) -> Iterator[Disagreement]:
        wanted = self.answers.who_can(action, resource)
        self.counts["who-can"] += 1
        self.counts["who-can pairs"] += len(self.everybody)
        self.counts["who-can rows"] += len(wanted)
        rows = self.questions.who_can(action, resource)["principals"]
        said = {row["principal"]: (VERDICTS[row["verdict"]], len(row["via"])) for row in rows}
        if len(said) != len(rows):
            yield Disagreement(f"who-can {action} {resource}", "one row a principal", len(rows))
        for one in sorted(wanted.keys() | said.keys()):
            if wanted.get(one) != said.get(one):
                via = next((tuple(row["via"]) for row in rows if row["principal"] == one), None)
                why = self.why_chain(one, action, resource, via)
                question = f"who-can {action} {resource}: {one} via {via}"
                yield Disagreement(question, wanted.get(one), said.get(one), why)

    # --- reach ---

    def compare_reach(self, principal: str) -> Iterator[Disagreement]:
        self.counts["reach"] += 1
        rows = reach_json(self.questions, reach(self.questions, principal), None)["resources"]
        each = list(expanded(reach(self.questions, principal), None))
        question = f"reach {principal}"
        # An account that is asked about is one of its principals, whose own policies allow everything.
        principal = principal.removeprefix("account:")
        for arn, kind in [*self.things, *self.contents]:
            said = self.said(principal, rows, each, arn, kind)
            yield from self.lower(f"{question}: {arn}", principal, arn, kind, said)
            yield from self.upper(f"{question}: {arn}", principal, arn, said)
        for action in self.random.sample(sorted({one for one, _ in self.targets()} - {*FEDERATED}), 3):
            yield from self.compare_reach_action(principal, action)

    def compare_reach_action(self, principal: str, action: str) -> Iterator[Disagreement]:
        found = reach(self.questions, principal, action=action)
        rows, each = reach_json(self.questions, found, None)["resources"], list(expanded(found, None))
        for arn, kind in [*self.things, *self.contents]:
            if action in self.samples[kind].split():
                wanted = self.reached(principal, action, arn)
                said = self.said(principal, rows, each, arn, kind)
                costs = {cost for level in said.values() for cost in level} or {(2, 0)}
                self.counts["reach pairs"] += 1
                if wanted not in costs:
                    why = self.why_chain(principal, action, arn, None)
                    yield Disagreement(f"reach {principal} --action {action}: {arn}", wanted, costs, why)

    def reached(self, principal: str, action: str, arn: str) -> Cost:
        return self.blurred(principal, self.answers.best(principal, action, arn))

    def blurred(self, principal: str, cost: Cost) -> Cost:
        """Of an account it may be told what its root user alone may, or what any principal of it may."""
        return (max(cost[0], 1), 0) if principal.isdigit() else cost

    def said(self, principal: str, rows: list[Json], each: list[Json], arn: str, kind: str) -> dict[str, set[Cost]]:
        """What the rows say about one thing: its costs by level (Read not split), one unless patterns cross."""
        mine = [row for row in each if row["resource"] == arn]
        if kind in ("object", "index"):
            mine = narrowest([row for row in rows if row["count"] == 0 and covers(row["resource"], arn)])
        found: dict[str, dict[str, Cost]] = {}
        for row in mine:
            cost = (VERDICTS.get(row["verdict"], 2), len(row["via"]) if row["verdict"] in VERDICTS else 0)
            cost = self.blurred(principal, cost)
            for level in row["levels"]:
                name, place = level.partition(":")[0], found.setdefault(row["resource"], {})
                place[name] = min(cost, place.get(name, cost))
        names = {name for levels_ in found.values() for name in levels_}
        return {name: {levels_.get(name, (2, 0)) for levels_ in found.values()} for name in names}

    def lower(self, question: str, principal: str, arn: str, kind: str, said: Json) -> Iterator[Disagreement]:
        """No sample action is better than its level's row says."""
        for action in self.samples[kind].split():
            if action in FEDERATED:
                continue  # signing in is told by `who-can` alone
            wanted = self.reached(principal, action, arn)
            self.counts["reach triples"] += 1
            for level in levels(action):
                if wanted < min(said.get(level, {(2, 0)})):
                    why = self.why_chain(principal, action, arn, None)
                    yield Disagreement(f"{question} {level} ({action})", wanted, said.get(level), why)

    def upper(self, question: str, principal: str, arn: str, said: Json) -> Iterator[Disagreement]:
        """Some action of a level is as good as its row says."""
        for level, costs in said.items():
            best: Cost = (2, 0)
            for action in universe(arn).get(level, []):
                self.counts["reach triples"] += 1
                best = min(best, self.reached(principal, action, arn))
                if best <= min(costs):
                    break
            else:
                if best > max(costs):
                    yield Disagreement(f"{question} {level}", best, costs)

    # --- explaining ---

    def why(self, principal: str, action: str, resource: str, mfa: bool | None = None) -> str:
        """Everything that the naive verdict of one request hangs on."""
        requests = self.answers.requests
        if principal in self.answers.people:
            return "\n".join(self.why(role, action, resource, False) for role in self.answers.assigned(principal))
        if principal in self.answers.carriers:
            one = self.answers.carriers[principal]
            step = self.why(one["service"], "sts:AssumeRole", one["role"], False)
            return step + "\n" + self.why(one["role"], action, resource, False)
        subject = requests.subject(principal)
        mfa = subject["mfa"] if mfa is None else mfa and subject["mfa"]
        case = requests.case(subject, action, resource, mfa)
        verdict = requests.verdict(principal, action, resource, mfa)
        shown = {key: value for key, value in case.items() if value and key not in ("principal", "action", "resource")}
        lines = "\n".join(f"    {key}: {json.dumps(value, default=str)[:1500]}" for key, value in shown.items())
        return f"  {principal} {action} {resource} (mfa {mfa}): {verdict}\n{lines}"

    def why_chain(self, principal: str, action: str, resource: str, via: tuple[str, ...] | None) -> str:
        """The direct request, and the steps and end of the naive way, else of the project's."""
        ways = [*self.answers.ways(principal)]
        texts = [] if principal in self.answers.people else [self.why(principal, action, resource)]
        naive = [v for w in ways for v in w.values() if v and v[-1] in self.answers.ends(principal, action, resource)]
        for roles in [min(naive, key=len, default=()), via or ()]:
            state, mfa = self.answers.start(principal)
            for role in roles:
                if state not in self.answers.through_roles:
                    verdict = [(target, sure) for target, sure in self.answers.steps((state, mfa)) if target[0] == role]
                    texts.append(f"  step {state} -> {role}: {verdict}")
                    if not verdict and self.answers.kind(state) != "provider":
                        texts.append(self.why(state, "sts:AssumeRole", role, mfa))
                state, mfa = role, bool(mfa and self.answers.kind(state) == "user")
            if roles:
                texts.append(self.why(state, action, resource, mfa))
        return "\n".join(texts)


def covers(pattern: str, arn: str) -> bool:
    """Whether the contents that a pattern describes hold an object or an index."""
    return pattern != "*" and all(glob(one)(arn) for one in pattern.split(" ∩ "))


#: Stands for what a star matches: more characters than patterns have question marks.
_MUCH = "☃" * 9


def narrowest(rows: list[Json]) -> list[Json]:
    """The rows whose pattern no other row's pattern is inside of."""
    inside = {
        one: [p.replace("*", _MUCH).replace("?", _MUCH[0]) for p in one.split(" ∩ ")]
        for one in {r["resource"] for r in rows}
    }

    def within(one: str, other: str) -> bool:
        return all(any(glob(wide)(text) for text in inside[one]) for wide in other.split(" ∩ "))

    def narrower(one: str, other: str) -> bool:
        return within(one, other) and not within(other, one)

    return [row for row in rows if not any(narrower(other, row["resource"]) for other in inside)]


def judge(seed: int, share: float, home: Path) -> tuple[Counter[str], list[Disagreement]]:
    """Draws, writes, builds and compares one organisation."""
    world, draw = organisation(seed), random.Random(seed)
    snapshot = open_snapshot(home, write(world, home))
    info = build(snapshot, home)
    if info.invalid:
        return Counter(), [Disagreement("build", "every document is read", dict(info.invalid))]
    requests = Requests(world, snapshot.manifest.started)
    one = Judge(Answers(requests), Questions(built_tables(snapshot, home)), draw, share)
    found: list[Disagreement] = []
    try:
        for each in one.compare():
            found.append(each)  # noqa: PERF402  # what was found counts, whatever comes later
    except TooManyError as error:
        one.counts[f"left out: {str(error)[:40]}"] += 1
    one.counts |= {"organisations": 1, "naive verdicts": requests.compared, "of these decided": requests.decided}
    return one.counts, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the first organisation")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.1, help="of all questions, asked of each organisation")
    parser.add_argument("--show", type=int, default=3, help="disagreements printed of each organisation")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    disagreements = 0
    for seed in range(options.seed, options.seed + options.count):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as home:
            counts, found = judge(seed, options.share, Path(home))
        total.update(counts)
        disagreements += len(found)
        for one in found[: options.show]:
            print(f"seed {seed}: {one}", end="\n\n")
        print(f"seed {seed}: {len(found)} disagreements, {time.monotonic() - begun:.1f} s", flush=True)
    print(", ".join(f"{count:,} {name}" for name, count in sorted(total.items())))
    print(f"{disagreements} disagreements")
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
