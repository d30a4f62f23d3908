"""``demo``: an emulated organisation, collected by the real collectors, built, reviewed and shown."""

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
from cli.state import home, questions
from cli.words import counted, gap_line

if TYPE_CHECKING:
    from graph.questions import Questions
    from reviews.records import CampaignView


#: An object in the demo's most sensitive bucket.
CARD_DATA = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("demo")(demo)


def demo(
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Stop after the summary.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Where the app listens; 0: any free port.")
    ] = 8501,
    as_json: Json = False,
) -> int:
    """Try grantmap on an emulated organisation.

    Nothing leaves this machine, no AWS account is needed. A review of it is open in the app at the end, and is there
    again the next time; remove the folder to begin anew.
    """
    from cli.demo_app import running, show
    from cli.demo_review import demo_home, export_evidence, made
    from cli.serving import free_port
    from reviews.service import Reviews

    place = demo_home(home())
    if not no_ui and running(place) is None:
        free_port(port)  # said now rather than after all the work
    os.environ["GRANTMAP_HOME"] = str(place)
    known = made(place)
    if not known:
        known = _make(place)
    asked = questions(known["snapshot"])
    reviews = Reviews.open(place)
    campaign = reviews.campaign(known["campaign"])
    evidence = export_evidence(place, reviews, campaign)
    summary = _summary(asked) | {
        "campaign": {"id": campaign.id, "items": campaign.items, "decided": campaign.decided},
        "evidence": str(evidence),
    }
    status = 0 if [gap.affects for gap in asked.world.inventory.data.gaps] == [known["unread"]] else 1
    if no_ui:
        _tell(asked, summary, campaign, known["unread"], as_json=as_json)
        return status
    show(
        place,
        port,
        lambda url: _tell(asked, summary | {"url": url}, campaign, known["unread"], as_json=as_json),
    )
    return status


def _make(place: Path) -> dict[str, str]:
    """The organisation, collected and built, and its review; noted in the home so that it is there the next time."""
    from cli.demo_review import made, mark, open_review
    from cli.progress import build_report
    from collectors.demo import EmulatedAws
    from collectors.demo import build as make
    from collectors.options import CollectOptions
    from collectors.progress import open_progress
    from collectors.run import collect
    from graph.builder import build
    from model.snapshot import open_snapshot

    mark(place)
    _step("starting an emulated AWS on this machine")
    with EmulatedAws() as aws, _Credentials():
        _step("creating the organisation: accounts, people, roles, policies, resources")
        organisation = make(aws.endpoint_url)
        _step("collecting it, as `grantmap collect` would")
        result = collect(CollectOptions(endpoint_url=aws.endpoint_url), place, open_progress())
    _step("deciding who can reach what")
    with build_report() as report:
        build(open_snapshot(place, result.snapshot), place, report)
    _step("opening an access review, of which a third is decided")
    campaign = open_review(place, questions(result.snapshot))
    unread = next((gap.affects for gap in result.gaps if organisation.unreadable_bucket in gap.affects), "")
    mark(place, snapshot=result.snapshot, campaign=campaign.id, unread=unread)
    return made(place)


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


def _about_policies(asked: Questions) -> int:
    """How many findings the policies give: statements that never act, or not as they read."""
    from graph.findings import findings

    return len(findings(asked.world.assembler))


def _summary(asked: Questions) -> dict[str, Any]:
    data, info = asked.world.inventory.data, asked.tables.info
    return {
        "snapshot": asked.snapshot,
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


def _tell(asked: Questions, summary: dict[str, Any], campaign: CampaignView, unread: str, *, as_json: bool) -> None:
    if as_json:
        write_json(summary)
        sys.stdout.flush()
        return
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
    say(f"  About policies themselves, {counted(_about_policies(asked), 'finding')}: grantmap findings")
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
        ("Who can read the bucket we cannot see?", f"who-can s3:GetObject {unread}/x"),
    )
    for question, arguments in questions:
        say(f"  {question}")
        say(f"    {command} {arguments}")
    say()
    _say_review(summary, campaign)
    say()
    say(f"From snapshot {summary['snapshot']} in {home()}.")
    if summary["url"]:
        say()
        say(f"The app: {summary['url']}")
    sys.stdout.flush()


def _say_review(summary: dict[str, Any], campaign: CampaignView) -> None:
    say(f'"{campaign.name}" is open until {campaign.due}:')
    say(f"  {campaign.decided:,} of {counted(campaign.items, 'item')} decided by {len(campaign.reviewers)} reviewers")
    words = {"attest": "kept", "revoke": "to be removed"}
    said = [f"{campaign.states.get(state, 0):,} {word}" for state, word in words.items()]
    say(f"  {', '.join(said)}, {campaign.items - campaign.decided:,} left")
    say(f"  evidence so far: {summary['evidence']}")
    most = max(campaign.reviewers, key=lambda who: campaign.reviewers[who][0] - campaign.reviewers[who][1])
    say(f"  in the app, sign in as {most} to decide, as {campaign.owner} to see how it goes")


def _surprise(asked: Questions) -> tuple[str, list[str]]:
    """The person with the longest certain way to the card data, and the principals on it."""
    rows = asked.who_can("s3:GetObject", CARD_DATA)["principals"]
    people = [row for row in rows if row["principal"].startswith("person:") and row["verdict"] == "Allowed"]
    found = max(people, key=lambda row: (len(row["via"]), row["principal"]))
    return found["principal"].removeprefix("person:"), [found["principal"], *found["via"], CARD_DATA]


def _command() -> str:
    """How to call this program from here: its name where the shell finds it, else its path."""
    program = Path(sys.argv[0])
    if program.name != "grantmap":
        return f"{sys.executable} -m cli.main"
    here = Path.cwd()
    return str(program.relative_to(here)) if program.is_relative_to(here) else str(program)
