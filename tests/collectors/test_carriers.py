"""Compute with the role that it carries, collected over HTTP: functions, machines, tasks, builds, jobs, workflows."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.demo import EmulatedAws
from collectors.run import CollectOptions, collect
from graph.carriers import SERVICES as SERVICE_OF
from graph.questions import Questions
from graph.reaching import reach, reach_json
from graph.world import World
from model.inventory import Inventory
from model.loading import load_inventory
from model.snapshot import CallRecord, Snapshot, open_snapshot
from tests.collectors.conftest import use_keys
from tests.graph.worlds import questions_of

REGION = "us-east-1"
SECRET = "no-one-may-keep-this"


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


SENDS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
)
SERVICES = {
    "function": "lambda",
    "instance": "ec2",
    "task": "ecs-tasks",
    "machine": "states",
    "job": "glue",
    "build": "codebuild",
    "shut": "lambda",
}


def _package() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("main.py", "")
    return held.getvalue()


def _write(client: Callable[[str], Any]) -> None:
    iam = client("iam")
    for name, service in SERVICES.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
        iam.put_role_policy(RoleName=name, PolicyName="sends", PolicyDocument=SENDS)
    arn = {name: iam.get_role(RoleName=name)["Role"]["Arn"] for name in SERVICES}
    client("sqs").create_queue(QueueName="jobs")
    client("lambda").create_function(
        FunctionName="f", Runtime="python3.12", Role=arn["function"], Handler="main.x", Code={"ZipFile": _package()}
    )
    iam.create_instance_profile(InstanceProfileName="p")
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="instance")
    image = client("ec2").register_image(Name="image", RootDeviceName="/dev/sda1")["ImageId"]
    client("ec2").run_instances(MinCount=1, MaxCount=1, ImageId=image, IamInstanceProfile={"Name": "p"})
    ecs = client("ecs")
    container = {"name": "c", "image": "i", "memory": 64, "environment": [{"name": "PASSWORD", "value": SECRET}]}
    tags = [{"key": "team", "value": "red"}]
    ecs.register_task_definition(family="t", taskRoleArn=arn["task"], containerDefinitions=[container], tags=tags)
    ecs.register_task_definition(family="bare", containerDefinitions=[container])
    ecs.register_task_definition(family="shut", taskRoleArn=arn["shut"], containerDefinitions=[container])
    client("codebuild").create_project(
        name="b1",
        source={"type": "S3", "location": "code/x.zip", "buildspec": SECRET},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "i",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "PASSWORD", "value": SECRET}],
        },
        serviceRole=arn["build"],
        tags=[{"key": "team", "value": "red"}],
    )
    glue = client("glue")
    arguments = {"--password": SECRET}
    glue.create_job(Name="j", Role="job", Command={"Name": "glueetl"}, DefaultArguments=arguments, Tags={"team": "red"})
    glue.create_job(Name="j2", Role=arn["shut"], Command={"Name": "glueetl"})
    glue.create_job(Name="j3", Role="no-such", Command={"Name": "glueetl"})
    definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "Result": SECRET, "End": True}}})
    client("stepfunctions").create_state_machine(
        name="m", definition=definition, roleArn=arn["machine"], tags=[{"key": "team", "value": "blue"}]
    )


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    import boto3

    with EmulatedAws() as aws, pytest.MonkeyPatch.context() as patch:
        use_keys(patch)
        session: Any = boto3.Session()
        _write(lambda service: session.client(service, endpoint_url=aws.endpoint_url, region_name=REGION))
        home = tmp_path_factory.mktemp("home")
        result = collect(CollectOptions(endpoint_url=aws.endpoint_url, regions=(REGION,)), home)
    assert result.gaps == []
    yield open_snapshot(home)


@pytest.fixture(scope="module")
def inventory(snapshot: Snapshot) -> Inventory:
    return load_inventory(snapshot)


@pytest.fixture(scope="module")
def questions(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Questions:
    return questions_of(World(inventory), tmp_path_factory.mktemp("build"))


def carrying(inventory: Inventory) -> dict[str, tuple[str, str]]:
    """(ARN, name of the role) by kind of resource, family or name."""
    found = {}
    for one in inventory.all_resources():
        if one.type in SERVICE_OF:
            name = "instance" if one.type == "ec2:instance" else one.name
            found[name] = (one.arn, one.role.rpartition("/")[2])
    return found


def test_each_carries_its_own_role(inventory: Inventory) -> None:
    assert {name: role for name, (_, role) in carrying(inventory).items()} == {
        "f": "function",
        "instance": "instance",
        "t:1": "task",
        "bare:1": "",
        "shut:1": "shut",
        "b1": "build",
        "j": "job",
        "j2": "shut",
        "j3": "",
        "m": "machine",
    }


def test_tasks_and_machines_have_their_tags(inventory: Inventory) -> None:
    named = ("t:1", "bare:1", "b1", "j", "j2", "m")
    tags = {one.name: one.tags for one in inventory.all_resources() if one.name in named}
    assert tags == {
        "t:1": {"team": "red"},
        "bare:1": {},
        "b1": {"team": "red"},
        "j": {"team": "red"},
        "j2": {},
        "m": {"team": "blue"},
    }


def test_what_they_run_is_not_kept(snapshot: Snapshot) -> None:
    for part in snapshot.manifest.parts:
        assert SECRET.encode() not in gzip.decompress((snapshot.folder / part.path).read_bytes())


@pytest.mark.parametrize("name", ["f", "instance", "t:1", "b1", "j", "m"])
def test_each_reaches_what_its_role_does(name: str, inventory: Inventory, questions: Questions) -> None:
    arn, role = carrying(inventory)[name]
    (queue,) = (one.arn for one in inventory.all_resources() if one.type == "sqs:queue")
    assert [
        (row.verdict.value, [item.rpartition("/")[2] for item in row.via])
        for row in reach(questions, arn, action="sqs:SendMessage")
        if row.resource_class.pattern == queue
    ] == [("Allowed", [role])]
    assert questions.can(arn, "sqs:SendMessage", queue)["verdict"] == "Allowed"


def test_a_task_whose_role_trusts_another_service_reaches_nothing_and_says_why(
    inventory: Inventory, questions: Questions
) -> None:
    arn, _ = carrying(inventory)["shut:1"]
    answer = reach_json(questions, reach(questions, arn), None)
    assert answer["resources"] == []
    assert (answer["carried"]["service"], answer["carried"]["verdict"]) == (
        "ecs-tasks.amazonaws.com",
        "ImplicitlyDenied",
    )


class Edited(Snapshot):
    def __init__(self, of: Snapshot, *operations: str) -> None:
        super().__init__(of.folder, of.manifest)
        self._operations = operations

    def records(self, account: str | None = None, collector: str | None = None) -> Iterator[CallRecord]:
        for record in super().records(account, collector):
            if record.operation in self._operations:
                yield msgspec.structs.replace(record, outcome="denied", response=[], pages=0, items=0)
            else:
                yield record


def test_a_role_that_was_not_told_is_unknown_and_never_none(snapshot: Snapshot, tmp_path: Path) -> None:
    described = load_inventory(Edited(snapshot, "DescribeTaskDefinition", "BatchGetProjects", "DescribeStateMachine"))
    unread = {one.name: (one.role, one.unread_role == one.arn) for one in described.all_resources() if one.unread_role}
    assert unread == dict.fromkeys(("t:1", "bare:1", "shut:1", "b1", "j3", "m"), ("", True))
    # Roles tell their instance profiles too; without both nothing does.
    (told,) = load_inventory(Edited(snapshot, "ListInstanceProfiles")).of_type("ec2:instance")
    assert (told.role.rpartition("/")[2], told.unread_role) == ("instance", "")
    both = load_inventory(Edited(snapshot, "ListInstanceProfiles", "GetAccountAuthorizationDetails"))
    (untold,) = both.of_type("ec2:instance")
    assert (untold.role, untold.unread_role.rpartition("/")[2]) == ("", "p")
    (queue,) = (one.arn for one in both.all_resources() if one.type == "sqs:queue")
    answer = questions_of(World(both), tmp_path).can(untold.arn, "sqs:SendMessage", queue)
    assert (answer["verdict"], answer["residual"]) == ("Conditional", {"document": untold.unread_role})
