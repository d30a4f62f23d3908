"""``demo``: an emulated organisation, collected by the real collectors, built and summed up."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.naming import Names
from cli.options import Json
from cli.output import say, wrapped, write_json
from cli.state import home
from cli.words import gap_line

if TYPE_CHECKING:
    from collectors.demo import DemoOrganisation
    from graph.questions import Questions
    from graph.tables import BuildInfo


#: An object in the demo's most sensitive bucket.
CARD_DATA = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("demo")(demo)


def demo(
    _no_ui: Annotated[bool, typer.Option("--no-ui", help="Stop after the summary.")] = False,
    as_json: Json = False,
) -> int:
    """Try grantmap on an emulated organisation.

    Nothing leaves this machine, no AWS account is needed.
    """
    from cli.progress import build_report
    from collectors.demo import EmulatedAws
    from collectors.demo import build as make
    from collectors.options import CollectOptions
    from collectors.progress import open_progress
    from collectors.run import collect
    from graph.builder import build
    from graph.questions import Questions
    from graph.tables import Tables
    from model.snapshot import open_snapshot

    _step("starting an emulated AWS on this machine")
    with EmulatedAws() as aws, _Credentials():
        _step("creating the organisation: accounts, people, roles, policies, resources")
        organisation = make(aws.endpoint_url)
        _step("collecting it, as `grantmap collect` would")
        result = collect(CollectOptions(endpoint_url=aws.endpoint_url), home(), open_progress())
    _step("deciding who can reach what")
    with build_report() as report:
        info = build(open_snapshot(home(), result.snapshot), home(), report)
    from graph.generations import folder_of

    asked = Questions(Tables(folder_of(home(), result.snapshot)))
    summary = _summary(asked, info)
    if as_json:
        write_json(summary)
    else:
        _say(asked, summary, organisation)
    planned = [gap for gap in result.gaps if organisation.unreadable_bucket in gap.affects]
    return 0 if len(planned) == len(result.gaps) == 1 else 1


class _Credentials:
    """The emulator's own made-up credentials, in place of whatever this shell has: the demo never meets real AWS."""

    _NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION")

    def __enter__(self) -> None:
        from collectors.demo.server import ACCESS_KEY_ID, SECRET_ACCESS_KEY

        self._before = {name: os.environ.pop(name, None) for name in self._NAMES}
        os.environ["AWS_ACCESS_KEY_ID"] = ACCESS_KEY_ID
        os.environ["AWS_SECRET_ACCESS_KEY"] = SECRET_ACCESS_KEY
        os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _step(text: str) -> None:
    """What is being done, on standard error: a line for people, a JSON line otherwise."""
    if sys.stderr.isatty():
        sys.stderr.write(f"· {text}\n")
    else:
        sys.stderr.write(json.dumps({"event": "demo", "step": text, "time": round(time.time(), 1)}) + "\n")


def _findings(asked: Questions) -> list[tuple[str, str, str, int]]:
    """(severity, query, title, rows) of every query of the library whose rows are findings."""
    from cypher.library import load_queries, run_query
    from graph.generations import GRAPH_FILE
    from graph.store import open_store

    store = open_store(asked.tables.folder / GRAPH_FILE)
    try:
        found = [
            (query.severity, query.id, query.title, len(run_query(store, query.id).rows))
            for query in load_queries().values()
            if query.severity != "info" and not any(parameter.required for parameter in query.parameters)
        ]
    finally:
        store.close()
    order = ("critical", "high", "medium", "low")
    return sorted((item for item in found if item[3]), key=lambda item: (order.index(item[0]), item[1]))


def _summary(asked: Questions, info: BuildInfo) -> dict[str, Any]:
    data = asked.world.inventory.data
    return {
        "snapshot": info.snapshot,
        "accounts": len(data.accounts),
        "people": len(asked.world.inventory.people),
        "principals": sum(info.nodes.get(kind, 0) for kind in ("User", "Role", "RootUser")),
        "resources": info.nodes.get("Resource", 0),
        "gaps": len(data.gaps),
        "findings": sum(item[3] for item in _findings(asked)),
        "campaign": None,
        "evidence": None,
        "url": None,
    }


def _say(asked: Questions, summary: dict[str, Any], organisation: DemoOrganisation) -> None:
    say()
    say("A payments company on AWS, emulated on this machine and read like a real one.")
    say()
    say(f"  {summary['accounts']:>5}  accounts in an organisation, with guardrails (SCPs and an RCP)")
    say(f"  {summary['people']:>5}  people in Identity Center")
    say(f"  {summary['principals']:>5}  principals: IAM users, roles and root users")
    say(
        f"  {summary['resources']:>5}  resources: buckets, keys, queues, topics, functions, secrets, tables, IAM itself"
    )
    say()
    say("What was found, and the query that lists it:")
    found = _findings(asked)
    widest = max((len(query) for _, query, _, _ in found), default=0)
    for severity, query, title, rows in found:
        say(f"  {rows:>3}  {severity:<8}  {query:<{widest}}  {title}")
    say("  See one: grantmap query NAME")
    say()
    gaps = asked.world.inventory.data.gaps
    say(f'What could not be read ({len(gaps)}), so that answers about it are "only if", never "no":')
    for gap in gaps:
        wrapped(gap_line(gap), "  ", "    ", 140)
    person, story = _surprise(asked)
    names = Names(asked.world.inventory)
    say()
    say(f"Somebody to look at, {names.who(story[0])}:")
    for node in story[1:-1]:
        say(f"  → {names.who(node)}")
    say(f"  → {names.thing(story[-1])}")
    say()
    say("Three questions to try next:")
    command = _command()
    questions = (
        ("Who can read the card data?", f"who-can s3:GetObject {CARD_DATA}"),
        (f"How does {person} get there?", f"paths {person} {CARD_DATA}"),
        ("Who can read the bucket we cannot see?", f"who-can s3:GetObject {_unseen(organisation)}"),
    )
    for question, arguments in questions:
        say(f"  {question}")
        say(f"    {command} {arguments}")
    say()
    say(f"From snapshot {summary['snapshot']} in {home()}.")


def _surprise(asked: Questions) -> tuple[str, list[str]]:
    """The person with the longest certain way to the card data, and the principals on it."""
    rows = asked.who_can("s3:GetObject", CARD_DATA)["principals"]
    people = [row for row in rows if row["principal"].startswith("person:") and row["verdict"] == "Allowed"]
    found = max(people, key=lambda row: (len(row["via"]), row["principal"]))
    return found["principal"].removeprefix("person:"), [found["principal"], *found["via"], CARD_DATA]


def _unseen(organisation: DemoOrganisation) -> str:
    return f"arn:aws:s3:::{organisation.unreadable_bucket}/x"


def _command() -> str:
    """How to call this program from here: its name where the shell finds it, else its path."""
    program = Path(sys.argv[0])
    if program.name != "grantmap":
        return f"{sys.executable} -m cli.main"
    here = Path.cwd()
    return str(program.relative_to(here)) if program.is_relative_to(here) else str(program)
