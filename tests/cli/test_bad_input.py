"""Every bad input: one clear line on standard error, nothing on standard output, exit status 2, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Ran

ROOT = Path(__file__).resolve().parents[2]
CARDS = "arn:aws:s3:::meridian-card-data-prod/2026/cards.csv"
DEVELOPER = "sofia.almeida@meridian.example"


def one_line(ran: Ran, *words: str) -> None:
    assert ran.status == 2
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("grantmap: ")
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("frobnicate",), ("no such command", "frobnicate")),
        (("can",), ("missing argument",)),
        (("can", "anonymous", "s3:GetObject", "*", "--nope"), ("no such option", "--nope")),
        (("reach", "anonymous", "--limit", "0"), ("--limit",)),
        (("reach", "anonymous", "--limit", "many"), ("--limit", "integer")),
        (("reach", "anonymous", "--limit", "9" * 20), ("--limit", "less than or equal")),
        (("paths", "anonymous", "--to-admin", "--max-hops", "9" * 20), ("--max-hops", "less than or equal")),
        (("campaign", "show", "\udcff"), ("argument `\\udcff`", "not utf-8")),
    ],
)
def test_wrong_usage_is_one_line(grantmap: Command, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    one_line(grantmap(*arguments), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("can", "nobody@nowhere.example", "s3:GetObject", CARDS), ("no principal", "`nobody@nowhere.example`")),
        (("can", "arn:aws:iam::471093822654:role/payments-prod-dat", "s3:GetObject", CARDS), ("did you mean",)),
        (("can", "arn:aws:iam::4710:role/x", "s3:GetObject", CARDS), ("wrong arn", "`4710`")),
        (("can", "arn:aws:s3:::bucket", "s3:GetObject", CARDS), ("wrong principal",)),
        (("can", "OrganizationAccountAccessRole", "s3:GetObject", CARDS), ("ambiguous", "204718365590", "give one")),
        (("can", "anonymous", "s3:GetObjct", CARDS), ("unknown action", "did you mean `s3:GetObject`")),
        (("can", "anonymous", "s33:GetObject", CARDS), ("no service `s33`",)),
        (("can", "anonymous", "GetObject", CARDS), ("wrong action", "service:Action")),
        (("who-can", "s3:*", CARDS), ("wrong action", "pattern")),
        (("who-can", "s3:GetObject", "card-data"), ("wrong arn", "`card-data`")),
        (("can", "anonymous", "s3:GetObject", CARDS, "--context", "SourceIp"), ("KEY=VALUE",)),
        (("reach", "anonymous", "--level", "Admin"), ("unknown level", "Permissions management")),
        (("paths", "anonymous"), ("no end", "--to-admin")),
        (("paths", "anonymous", CARDS, "--max-hops", "0"), ("at least 1",)),
        (("query", "admin"), ("unknown query", "`admins`")),
        (("query", "holders"), ("needs parameter `arn`",)),
        (("query", "weak-credentials", "--param", "days=soon"), ("days",)),
        (("query", "admins", "--param", "x=1"), ("no parameter `x`",)),
        (("can", "anonymous", "s3:GetObject", CARDS, "--snapshot", "yesterday"), ("no snapshot `yesterday`",)),
        (("can", "anonymous", "s3:GetObject", CARDS, "--store", "ftp://x"), ("unknown store `ftp://`",)),
        (("build", "yesterday"), ("no snapshot `yesterday`",)),
        (("build", "--engine", "dask://x"), ("unknown engine",)),
        (("snapshot", "prune", "--keep", "0"), ("at least 1",)),
    ],
)
def test_bad_questions_are_one_line(ask: Command, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    one_line(ask(*arguments), *words)


def test_without_a_snapshot_the_line_says_how_to_make_one(grantmap: Command) -> None:
    one_line(grantmap("who-can", "s3:GetObject", CARDS), "no snapshot", "grantmap collect")
    one_line(grantmap("build"), "no snapshot")


def test_missing_credentials_are_one_line(grantmap: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    one_line(grantmap("collect", "--endpoint-url", "http://127.0.0.1:9"), "credentials")
    one_line(grantmap("collect", "--profile", "nobody"), "profile", "`nobody`")


def test_an_unreachable_endpoint_is_one_line(grantmap: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    one_line(grantmap("collect", "--endpoint-url", "http://127.0.0.1:9"), "127.0.0.1:9")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"UserDetailList": 3}'])
def test_an_import_that_is_not_authorization_details_is_one_line(grantmap: Command, tmp_path: Path, text: str) -> None:
    file = tmp_path / "details.json"
    file.write_text(text)
    one_line(grantmap("import", str(file)), "details.json")
    one_line(grantmap("import", str(tmp_path / "missing.json")), "missing.json")


def test_a_policy_that_is_not_json_is_one_line(grantmap: Command, tmp_path: Path) -> None:
    user = {
        "Path": "/",
        "UserName": "a",
        "UserId": "AIDA1",
        "Arn": "arn:aws:iam::111111111111:user/a",
        "CreateDate": "2024-01-01T00:00:00Z",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": "{not json"}],
        "GroupList": [],
        "AttachedManagedPolicies": [],
    }
    details = {"UserDetailList": [user], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    file = tmp_path / "details.json"
    file.write_text(json.dumps(details))
    one_line(grantmap("import", str(file)), "details.json", "UserPolicyList")


def test_a_file_of_cases_that_is_not_there_is_one_line(grantmap: Command) -> None:
    one_line(grantmap("decide", "nowhere.jsonl"), "nowhere.jsonl")


def test_a_changed_part_is_named_and_nothing_is_built_from_it(
    grantmap: Command, demo_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "changed"
    shutil.copytree(demo_home / "snapshots", home / "snapshots")
    part = next(home.glob("snapshots/*/parts/471093822654/global/iam.jsonl.gz"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    one_line(grantmap("build", home=home), "471093822654/global/iam.jsonl.gz", "sha-256")
    one_line(grantmap("snapshot", "show", "--verify", home=home), "iam.jsonl.gz")
    assert not list(home.glob("graphs/2*"))


def test_a_home_that_cannot_be_written_is_one_line(grantmap: Command, demo_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "full"
    shutil.copytree(demo_home / "snapshots", home / "snapshots")
    (home / "graphs").write_text("a file where the folder should be")
    one_line(grantmap("build", home=home), "graphs")
    (tmp_path / "file").write_text("")
    group = {"Path": "/", "GroupName": "g", "GroupId": "AGPA1", "Arn": "arn:aws:iam::111111111111:group/g"}
    details = {"UserDetailList": [], "GroupDetailList": [group], "RoleDetailList": [], "Policies": []}
    (tmp_path / "d.json").write_text(json.dumps(details))
    one_line(grantmap("import", str(tmp_path / "d.json"), home=tmp_path / "file"), "file")


@pytest.mark.long
def test_a_damaged_build_is_made_anew(grantmap: Command, demo_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "damaged"
    shutil.copytree(demo_home, home)
    before = grantmap("who-can", "s3:GetObject", CARDS, "--json", home=home).json
    info = next(home.glob("graphs/2*/build.json"))
    info.write_text(info.read_text()[:40])
    assert grantmap("who-can", "s3:GetObject", CARDS, "--json", home=home).json == before


def test_a_bad_configuration_is_one_line(grantmap: Command, tmp_path: Path) -> None:
    (tmp_path / "grantmap.toml").write_text("home = ")
    one_line(grantmap("snapshot", "list"), "grantmap.toml")
    (tmp_path / "grantmap.toml").write_text("colour = 'red'")
    one_line(grantmap("snapshot", "list"), "unknown setting `colour`")


@pytest.mark.long
def test_a_build_killed_at_any_moment_leaves_the_one_before_answering(
    grantmap: Command, demo_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "killed"
    shutil.copytree(demo_home, home)
    before = grantmap("who-can", "s3:GetObject", CARDS, "--json", home=home).json
    for phase in ("resolve", "tables", "graph"):
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "build"],
            cwd=ROOT,
            env=os.environ | {"GRANTMAP_HOME": str(home)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if json.loads(line)["phase"] == phase:
                time.sleep(0.05)
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
        process.stderr.close()
        assert grantmap("who-can", "s3:GetObject", CARDS, "--json", home=home).json == before
        assert grantmap("query", "admins", home=home).status == 0
    assert grantmap("build", home=home).status == 0
    assert not list(home.glob("graphs/.*.part"))


def test_text_from_aws_cannot_command_a_terminal() -> None:
    from cli.output import printable

    assert printable("role\x1b[2J\x07\r") == "role\\x1b[2J\\x07\\x0d"


def test_ctrl_c_ends_a_build_with_one_line_and_the_build_before_it_answers(
    grantmap: Command, demo_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "interrupted"
    shutil.copytree(demo_home, home)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "build"],
        cwd=ROOT,
        env=os.environ | {"GRANTMAP_HOME": str(home)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A shell that puts tests in the background may leave the signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["phase"] == "resolve":
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    said = [line for line in err.splitlines() if line and not line.startswith("{")]
    assert (process.returncode, out, said) == (130, "", ["grantmap: interrupted; nothing is lost"])
    assert grantmap("query", "admins", home=home).status == 0


def test_what_nobody_foresaw_is_one_line_and_no_answer(ask: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise IndexError("7 is out of bounds")

    monkeypatch.setattr("graph.questions.Questions.who_can", broken)
    one_line(ask("who-can", "s3:GetObject", CARDS), "unexpected IndexError", "7 is out of bounds", "grantmap build")
    monkeypatch.setenv("GRANTMAP_TRACEBACK", "1")
    with pytest.raises(IndexError):
        ask("who-can", "s3:GetObject", CARDS)


def test_output_that_cannot_be_written_in_some_encoding_is_escaped(demo_home: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "cli.entry", "can", DEVELOPER, "s3:GetObject", CARDS],
        cwd=ROOT,
        env={**os.environ, "GRANTMAP_HOME": str(demo_home), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert b"\\u2192 permission set" in found.stdout


def test_ctrl_c_while_the_commands_are_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli import entry

    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "grantmap: interrupted\n"
