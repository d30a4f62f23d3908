"""The rehearsal: an organisation that the product has never seen, and every answer compared with the naive one.

    python -m tests.oracle.rehearse --seed 7 --triples 400

starts the double, builds the world of that seed, runs `grantmap collect` and `grantmap build`, asks `can`, `who-can`
and `reach`, and prints each disagreement with the statements involved. Exit status 1 if there is any.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.oracle.build import build_in_moto
from tests.oracle.double import running
from tests.oracle.evaluate import ALLOWED, EXPLICIT, IMPLICIT
from tests.oracle.expect import Expectations
from tests.oracle.unknown import CONDITIONAL, relevant
from tests.oracle.world import ACTIONS, FOREIGN, World, generate

REGIONS = "us-east-1,eu-west-1"
SHARES = {EXPLICIT: 0.12, IMPLICIT: 0.22, CONDITIONAL: 0.2, ALLOWED: 0.46}
Triple = tuple[str, str, str]


@dataclass(frozen=True)
class Disagreement:
    """One answer that differs: the question as typed, what was expected and got, and the policies involved."""

    question: str
    expected: Any
    got: Any
    why: str

    def __str__(self) -> str:
        return f"{self.question}\n  expected {self.expected}\n  got      {self.got}\n{self.why}"


class Commands:
    """`grantmap`, with its own state folder; `ask` stays in this process, so that libraries load once."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            "GRANTMAP_HOME": str(home),
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "cli.main", *arguments]
        environment = dict(os.environ, **self.environment)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"`grantmap {arguments[0]}` ended with {done.returncode}:\n{done.stderr[-4000:]}")
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        """The JSON that a command prints; a string that begins with `error:` if it prints none."""
        main = importlib.import_module("cli.main").main
        before, sys.argv = sys.argv, ["grantmap", *arguments, "--json"]
        kept = dict(os.environ)
        os.environ.update(self.environment)
        out, err, status = io.StringIO(), io.StringIO(), 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = int(main() or 0)
        except SystemExit as done:
            status = done.code if isinstance(done.code, int) else 0 if done.code is None else 2
        except Exception:  # noqa: BLE001 - a traceback is an answer to report, not the rehearsal's end
            return "error: " + traceback.format_exc(limit=-4)
        finally:
            sys.argv = before
            os.environ.clear()
            os.environ.update(kept)
        if status not in (0, 1):
            return f"error: exit status {status}: {err.getvalue().strip()[-600:]}"
        lines = out.getvalue().splitlines()
        try:
            return json.loads(out.getvalue()) if arguments[0] != "reach" else [json.loads(line) for line in lines]
        except ValueError:
            return f"error: not JSON: {out.getvalue()[:300]}"


class Rehearsal:
    """One world, its expectations, and the product's answers about it."""

    def __init__(self, world: World, commands: Commands, seed: int) -> None:
        self.world, self.commands = world, commands
        self.expect = Expectations(world)
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()

    # --- what to ask ---

    def askers(self) -> list[str]:
        roles = [role for role in self.world["roles"] if role["name"] != "OrganizationAccountAccessRole"]
        sessions = [
            f"{role['arn'].replace(':iam:', ':sts:').split(':role/')[0]}:assumed-role/{role['name']}/{name}"
            for role in roles
            for name in ("nightly", "other")
        ]
        others = ["anonymous", FOREIGN, "events.amazonaws.com", "lambda.amazonaws.com"]
        persons = [f"person:{person['email']}" for person in self.world["persons"]]
        roots = [f"arn:aws:iam::{account}:root" for account in self.expect.members]
        weighted = [list(self.expect.users), [role["arn"] for role in roles], sessions, persons, roots, others]
        shares = (8, 8, 2, 2, 1, 1)
        return [self.random.choice(kind) for kind, share in zip(weighted, shares, strict=True) for _ in range(share)]

    def target(self) -> tuple[str, str]:
        kind = self.random.choice([*ACTIONS, "object", "object", "queue", "secret"])
        action = self.random.choice(ACTIONS[kind])
        if kind == "*":
            return action, "*"
        if kind in ("role", "user"):
            return action, self.random.choice(list(self.expect.roles if kind == "role" else self.expect.users))
        wanted = "bucket" if kind == "object" else kind
        arn = self.random.choice([r["arn"] for r in self.world["resources"] if r["type"] == wanted])
        users = [user["name"] for user in self.world["users"]]
        tails = ["reports/x.csv", "secret/k", f"{self.random.choice(users)}/notes", "red/y", "none/z"]
        return action, f"{arn}/{self.random.choice(tails)}" if kind == "object" else arn

    def triples(self, wanted: int) -> list[tuple[Triple, str]]:
        """A third denied, at least a tenth conditional, the rest allowed, as far as the world goes."""
        pool: dict[str, list[tuple[Triple, str]]] = {verdict: [] for verdict in SHARES}
        seen: set[Triple] = set()
        for _ in range(60 * wanted):
            if all(len(pool[verdict]) >= wanted * share for verdict, share in SHARES.items()):
                break
            action, resource = self.target()
            triple = (self.random.choice(self.askers()), action, resource)
            if triple not in seen:
                seen.add(triple)
                verdict = self.expect.direct(*triple)
                if len(pool[verdict]) < wanted * SHARES[verdict]:
                    pool[verdict].append((triple, verdict))
        return [one for found in pool.values() for one in found]

    # --- comparing ---

    def compare(self, triples: int, questions: int) -> Iterator[Disagreement]:
        for triple, verdict in self.triples(triples):
            yield from self.compare_can(triple, verdict)
        for _ in range(questions):
            action, resource = self.target()
            yield from self.compare_who_can(action, resource)
        for _ in range(questions):
            principal = self.random.choice([*self.expect.users, *self.expect.roles, *self.persons()])
            kind = self.random.choice([kind for kind in ACTIONS if kind not in ("*", "object", "user")])
            yield from self.compare_reach(principal, kind, self.random.choice(ACTIONS[kind]))

    def persons(self) -> list[str]:
        return [f"person:{person['email']}" for person in self.world["persons"]]

    def compare_can(self, triple: Triple, verdict: str) -> Iterator[Disagreement]:
        principal, action, resource = triple
        self.counts[f"can {verdict}"] += 1
        got = self.commands.ask("can", principal.removeprefix("person:"), action, resource)
        question = f"can {principal} {action} {resource}"
        if isinstance(got, str):
            yield Disagreement(question, verdict, got, "")
            return
        several = principal.startswith("person:") and {verdict, got["verdict"]} == {IMPLICIT, EXPLICIT}
        if got["verdict"] != verdict and not several:
            yield Disagreement(question, verdict, got["verdict"], self.why(triple) + f"\n  because {got['because']}")
        chains = self.expect.chains(principal, action, resource)
        least = 2 if principal.startswith("person:") else 1
        wanted = {role: (chain[0], len(chain[1])) for role, chain in chains.items() if len(chain[1]) >= least}
        answered = {c["via"][-1]: (c["verdict"], len(c["via"])) for c in got["chains"] if len(c["via"]) >= least}
        if ":assumed-role/" in principal:
            answered.pop(self.expect.subject(principal).get("role", ""), None)
        self.counts["chains"] += len(wanted)
        ways = {chain["via"][-1]: tuple(chain["via"]) for chain in got["chains"]}
        yield from self.differences(
            f"{question} (chains, by last role)",
            wanted,
            answered,
            lambda role: self.why_chain(principal, chains[role][1] if role in chains else ways[role], action, resource),
        )

    def differences(
        self, question: str, wanted: dict[str, Any], answered: dict[str, Any], why: Callable[[str], str]
    ) -> Iterator[Disagreement]:
        """One disagreement for all rows that differ alike, explained by the first of them."""
        alike: dict[tuple[Any, Any], list[str]] = {}
        for row in sorted(wanted.keys() | answered.keys()):
            if wanted.get(row) != answered.get(row):
                alike.setdefault((wanted.get(row), answered.get(row)), []).append(row)
        for (expected, got), rows in alike.items():
            yield Disagreement(f"{question}: {', '.join(rows)}", expected, got, why(rows[0]))

    def compare_who_can(self, action: str, resource: str) -> Iterator[Disagreement]:
        wanted = self.expect.who_can(action, resource)
        self.counts["who-can"] += 1
        self.counts["who-can rows"] += len(wanted)
        got = self.commands.ask("who-can", action, resource)
        question = f"who-can {action} {resource}"
        if isinstance(got, str):
            yield Disagreement(question, f"{len(wanted)} rows", got, "")
            return
        rows = {row["principal"]: row for row in got["principals"]}
        answered = {principal: (row["verdict"], len(row["via"])) for principal, row in rows.items()}
        ways = {principal: tuple(row["via"]) for principal, row in rows.items()}
        yield from self.differences(
            question,
            wanted,
            answered,
            lambda one: self.why_chain(
                one, self.expect.best(one, action, resource)[1] or ways.get(one, ()), action, resource
            ),
        )

    def compare_reach(self, principal: str, kind: str, action: str) -> Iterator[Disagreement]:
        pool = self.expect.roles if kind == "role" else self.expect.resources
        arns = [arn for arn, one in pool.items() if one["type"] == kind]
        wanted = {resource: verdict for resource, _, verdict in self.expect.reach(principal, action, arns)}
        self.counts["reach"] += 1
        self.counts["reach rows"] += len(wanted)
        arguments = ("reach", principal.removeprefix("person:"), "--action", action, "--expand")
        got = self.commands.ask(*arguments)
        question = " ".join(arguments)
        if isinstance(got, str):
            yield Disagreement(question, f"{len(wanted)} rows", got, "")
            return
        answered = {row["resource"]: row["verdict"] for row in got if row.get("resource") in arns}
        yield from self.differences(
            question,
            wanted,
            answered,
            lambda one: self.why_chain(principal, self.expect.best(principal, action, one)[1], action, one),
        )

    # --- explaining ---

    def why(self, triple: Triple, mfa: bool | None = None) -> str:
        """The context and the statements about the action in every document of the request."""
        principal, action, resource = triple
        subjects = [self.expect.subject(principal)] if not principal.startswith("person:") else []
        if principal.startswith("person:"):
            subjects = [self.expect.person_session(arn, principal) for arn in self.expect.person_roles(principal[7:])]
        lines = []
        for subject in subjects:
            case = self.expect.case(subject, action, resource, subject["mfa"] if mfa is None else mfa)
            lines.append(f"  {subject['principal']}: {self.expect.decided(subject, action, resource, mfa)}")
            lines.append(f"    known {json.dumps(case['context'])}; unknown {sorted(case['unknown'])}")
            for field, options in case["alternatives"].items():
                lines.append(f"    {field}: one of {len(options)}")
            for field in ("identity_policies", "permission_boundaries", "scps", "rcps", "resource_policy"):
                for statement in relevant({"action": action, field: case.get(field) or []}):
                    shown = {key: value for key, value in statement.items() if key != "_version"}
                    lines.append(f"    {field}: {json.dumps(shown)[:700]}")
        return "\n".join(lines)

    def why_chain(self, principal: str, via: tuple[str, ...], action: str, resource: str) -> str:
        """Each assumption of a chain, and the request at its end."""
        lines, asker, mfa = [], principal, None
        for index, role in enumerate(via):
            if not asker.startswith("person:"):
                lines.append(
                    f"  step to {role}: {self.expect.step(self.expect.subject(asker), role, bool(mfa or not index))}"
                )
                lines.append(self.why((asker, "sts:AssumeRole", role), mfa))
            asker, mfa = role, not index and bool(self.user_mfa(principal))
        return "\n".join([*lines, self.why((asker, action, resource), mfa)])

    def user_mfa(self, principal: str) -> bool:
        return bool(self.expect.users.get(principal, {}).get("mfa"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rehearse(seed: int, triples: int, questions: int, home: Path) -> tuple[Counter[str], list[Disagreement]]:
    """Build, collect and compare one world; its state stays in `home`."""
    plain = generate(seed)
    commands = Commands(home)
    sealed = [resource["name"] for resource in plain["resources"] if resource["sealed"]]
    disabled = [person["name"] for person in plain["persons"] if person["disabled"]]
    with running(free_port(), sealed, disabled) as endpoint:
        world = build_in_moto(plain, endpoint)
        (home / "world.json").write_text(json.dumps(world, indent=1))
        (home / "collect.json").write_text(
            commands.run("collect", "--endpoint-url", endpoint, "--regions", REGIONS, "--json")
        )
    (home / "build.json").write_text(commands.run("build", "--json"))
    rehearsal = Rehearsal(world, commands, seed)
    return rehearsal.counts, list(rehearsal.compare(triples, questions))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--triples", type=int, default=400, help="requests asked of `can`")
    parser.add_argument("--questions", type=int, default=12, help="times that `who-can` and `reach` are asked")
    parser.add_argument("--home", type=Path, help="keep the state folder here")
    parser.add_argument("--again", action="store_true", help="compare what `--home` holds, without collecting again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = options.home or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        if options.again:
            rehearsal = Rehearsal(json.loads((home / "world.json").read_text()), Commands(home), options.seed)
            counts, found = rehearsal.counts, list(rehearsal.compare(options.triples, options.questions))
        else:
            counts, found = rehearse(options.seed, options.triples, options.questions, home)
    for one in found:
        print(one, end="\n\n")
    print(f"seed {options.seed}: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    print(f"{len(found)} disagreements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
