"""Imports: the same records as a collection, and one precise line for a file that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from collectors.errors import ImportFileError
from collectors.imports import import_paths
from model.snapshot import CallRecord, list_snapshots, open_snapshot
from tests.collectors.conftest import Collected

A, B = "111122223333", "444455556666"
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
}


def role(name: str = "r", account: str = A, **changes: Any) -> dict[str, Any]:
    return {
        "Path": "/",
        "RoleName": name,
        "RoleId": f"AROA{name.upper()}",
        "Arn": f"arn:aws:iam::{account}:role/{name}",
        "CreateDate": "2024-03-01T09:00:00+00:00",
        "AssumeRolePolicyDocument": TRUST,
        "InstanceProfileList": [],
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": ALLOW}],
        "AttachedManagedPolicies": [],
        "Tags": [],
    } | changes


def details(*roles: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": list(roles), "Policies": []} | more


def save(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=4))
    return path


def imported(home: Path) -> list[CallRecord]:
    return list(open_snapshot(home).records())


def test_a_collected_account_saved_and_imported_is_the_same_record(collected: Collected, tmp_path: Path) -> None:
    given = [
        record
        for record in collected.snapshot.records(collector="iam")
        if record.operation == "GetAccountAuthorizationDetails"
    ]
    files = [
        save(tmp_path / f"{record.account}-{number}.json", page)
        for record in given
        for number, page in enumerate(record.response)
    ]
    result = import_paths(files, tmp_path / "home")
    assert (result.accounts, result.ok, result.gaps) == (6, True, [])
    back = {record.account: record for record in imported(tmp_path / "home")}
    for record in given:
        twin = back[record.account]
        for name in ("service", "operation", "params", "outcome", "pages", "items", "affects", "response"):
            assert getattr(twin, name) == getattr(record, name)
        assert (twin.region, twin.collector) == (record.region, record.collector)
    assert open_snapshot(tmp_path / "home").manifest.source == "import"


def test_documents_may_be_objects_or_encoded_text(tmp_path: Path) -> None:
    text = quote(json.dumps(TRUST))
    inline = [{"PolicyName": "p", "PolicyDocument": json.dumps(ALLOW)}]
    files = [
        save(tmp_path / "objects.json", details(role())),
        save(tmp_path / "texts.json", details(role(AssumeRolePolicyDocument=text, RolePolicyList=inline))),
    ]
    pages = []
    for number, file in enumerate(files):
        import_paths([file], tmp_path / f"{number}")
        pages.append(imported(tmp_path / f"{number}")[0].response)
    assert pages[0] == pages[1]
    assert pages[0][0]["RoleDetailList"][0]["CreateDate"] == "2024-03-01T09:00:00Z"


def test_pages_in_several_files_are_joined_per_account(tmp_path: Path) -> None:
    files = [
        save(tmp_path / "a1.json", details(role("one"), IsTruncated=True, Marker="m")),
        save(tmp_path / "b.json", details(role("other", B))),
        save(tmp_path / "a2.json", details(role("two"), IsTruncated=False)),
    ]
    result = import_paths(files, tmp_path)
    assert result.accounts == 2
    record = next(each for each in imported(tmp_path) if each.account == A)
    assert [page["RoleDetailList"][0]["RoleName"] for page in record.response] == ["one", "two"]


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.json", details(role()))
    save(tmp_path / "in" / "people.csv", "email,manager,department,status\nx@y.z,,,active\n")
    save(tmp_path / "in" / "notes.txt", "")
    assert import_paths([tmp_path / "in"], tmp_path).ok
    assert {record.collector for record in imported(tmp_path)} == {"iam", "people"}


def test_what_the_format_cannot_hold_is_skipped_once_a_service(tmp_path: Path) -> None:
    result = import_paths([save(tmp_path / "a.json", details(role()))], tmp_path)
    services = [gap.service for gap in result.skipped]
    assert len(services) == len(set(services))
    assert {"iam", "organizations", "sso-admin", "s3", "kms"} <= set(services)
    assert {gap.outcome for gap in result.skipped} == {"skipped"}


def test_files_may_be_utf_16_as_a_redirect_in_powershell_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(details(role())).encode("utf-16"))
    assert import_paths([path], tmp_path).accounts == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("{\n  nonsense\n}", "line 2 column 3: not JSON"),
        ("[1]", "expected a JSON object, found an array"),
        ({"Roles": []}, "is not the output of `aws iam get-account-authorization-details`: it has none of"),
        (details(), "names no account"),
        ({"RoleDetailList": {}}, "/RoleDetailList: expected an array, found an object"),
        ({"RoleDetailList": ["x"]}, "/RoleDetailList/0: expected an object, found a string"),
        (details(role(Arn="nope")), "/RoleDetailList/0/Arn: wrong arn `nope`"),
        (details(role(Arn=None)), "/RoleDetailList/0: `Arn` is missing"),
        (details(role(Arn=7)), "/RoleDetailList/0/Arn: expected a string, found a number"),
        (details(role(AssumeRolePolicyDocument=None)), "`AssumeRolePolicyDocument` is missing"),
        (details(role(AssumeRolePolicyDocument="%7Bx")), "/RoleDetailList/0/AssumeRolePolicyDocument: policy document"),
        (details(role(AssumeRolePolicyDocument=[1])), "expected a policy document, found an array"),
        (details(role(CreateDate="yesterday")), "/RoleDetailList/0/CreateDate: `yesterday` is not a time"),
        (details(role(), role("s", B)), f"/RoleDetailList/1/Arn: account `{B}`, but /RoleDetailList/0/Arn is of `{A}`"),
        (details(role(), role()), "/RoleDetailList/1/Arn: `arn:aws:iam::111122223333:role/r` is already in"),
        (details(role(), NextToken="t"), f"says that more follows for account `{A}`"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_file_is_one_precise_line(tmp_path: Path, content: Any, message: str) -> None:
    path = save(tmp_path / "bad.json", content)
    with pytest.raises(ImportFileError) as caught:
        import_paths([path], tmp_path)
    assert message in str(caught.value)
    assert f"`{path}`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list_snapshots(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("people.csv", "", "is empty"),
        ("people.csv", "name,manager\nx,y\n", "line 1: no column `email`; found name, manager"),
        ("people.csv", "email,manager\nx@y.z\n", "line 2: 1 values for 2 columns"),
        ("people.csv", "email,manager\nx@y.z,\n,b\n", "line 3: `email` is empty"),
        ("people.csv", "email\nx@y.z\nX@y.z\n", "line 3: `X@y.z` is already on line 2"),
        ("people.csv", "email,email\nx,y\n", "a column is named twice"),
        ("people.csv", 'email\n"x\n', "not CSV"),
        ("people.xlsx", "x", "is neither `.json`"),
    ],
)
def test_a_bad_list_of_people_is_one_precise_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(ImportFileError) as caught:
        import_paths([save(tmp_path / name, content)], tmp_path)
    assert message in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ImportFileError, match="not UTF-8 text: byte 7 is `0xff`"):
        import_paths([path], tmp_path)


@pytest.mark.parametrize("paths", [[], ["nowhere.json"], ["empty"]])
def test_nothing_to_import_is_said(tmp_path: Path, paths: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportFileError, match=r"nothing to import|no file"):
        import_paths([tmp_path / path for path in paths], tmp_path)


def test_keep_going_records_bad_files_and_imports_the_good(tmp_path: Path) -> None:
    bad = save(tmp_path / "bad.json", "{")
    good = save(tmp_path / "good.json", details(role()))
    cut = save(tmp_path / "cut.json", details(role("x", B), NextToken="t"))
    result = import_paths([bad, good, cut], tmp_path, keep_going=True)
    assert (result.accounts, result.ok) == (1, False)
    assert [(gap.service, gap.operation, gap.outcome, gap.affects) for gap in result.gaps] == [
        ("import", "ReadFile", "error", "bad.json"),
        ("import", "ReadFile", "error", "cut.json"),
    ]
    assert "not JSON" in result.gaps[0].detail


def test_keep_going_with_nothing_good_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="not JSON"):
        import_paths([save(tmp_path / "bad.json", "{")], tmp_path, keep_going=True)


def test_people_are_texts_by_column(tmp_path: Path) -> None:
    text = "Email,Name,Manager,Department\nann@x.example,Ann,bo@x.example,\n\nbo@x.example,Bo,,Board\n"
    import_paths([save(tmp_path / "people.csv", text)], tmp_path)
    record = imported(tmp_path)[0]
    assert (record.account, record.service, record.operation, record.items) == ("none", "people", "ReadPeople", 2)
    assert record.response[0]["People"][0] == {
        "email": "ann@x.example",
        "manager": "bo@x.example",
        "department": "",
        "status": "",
        "name": "Ann",
    }


def test_the_demo_s_people_can_be_imported(tmp_path: Path) -> None:
    from collectors.demo import people_csv

    import_paths([save(tmp_path / "people.csv", people_csv())], tmp_path)
    assert imported(tmp_path)[0].items == len(people_csv().splitlines()) - 1


def iam_collect(folder: Path) -> Path:
    iam = folder / "aws" / "aws" / "accounts" / A / "iam"
    save(iam / "role" / "team%2fdeploy" / "metadata.json", {"arn": f"arn:aws:iam::{A}:role/team/Deploy", "id": "AROA1"})
    save(iam / "role" / "team%2fdeploy" / "trust-policy.json", TRUST)
    save(iam / "role" / "team%2fdeploy" / "inline-policies.json", [{"PolicyName": "p", "PolicyDocument": ALLOW}])
    save(iam / "role" / "team%2fdeploy" / "managed-policies.json", ["arn:aws:iam::aws:policy/ReadOnlyAccess"])
    save(iam / "role" / "team%2fdeploy" / "tags.json", {"team": "blue"})
    save(iam / "user" / "ann" / "metadata.json", {"Arn": f"arn:aws:iam::{A}:user/ann"})
    save(iam / "user" / "ann" / "groups.json", [f"arn:aws:iam::{A}:group/staff"])
    save(iam / "group" / "staff" / "metadata.json", {"arn": f"arn:aws:iam::{A}:group/staff"})
    save(iam / "policy" / "own" / "metadata.json", {"arn": f"arn:aws:iam::{A}:policy/own"})
    save(iam / "policy" / "own" / "policy.json", ALLOW)
    return folder


def test_a_folder_of_iam_collect_is_believed_in_what_it_holds_only(tmp_path: Path) -> None:
    result = import_paths([iam_collect(tmp_path / "data")], tmp_path)
    assert (result.accounts, result.ok) == (1, True)
    record = imported(tmp_path)[0]
    assert record.outcome == "skipped"
    page = record.response[0]
    deploy = page["RoleDetailList"][0]
    assert (deploy["RoleName"], deploy["Path"], deploy["RoleId"]) == ("Deploy", "/team/", "AROA1")
    assert deploy["AssumeRolePolicyDocument"] == TRUST
    assert deploy["RolePolicyList"] == [{"PolicyName": "p", "PolicyDocument": ALLOW}]
    assert deploy["AttachedManagedPolicies"][0]["PolicyArn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert deploy["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert page["UserDetailList"][0]["GroupList"] == ["staff"]
    assert page["Policies"][0]["PolicyVersionList"][0]["Document"] == ALLOW
    assert ("iam", "GetAccountAuthorizationDetails") in {(gap.service, gap.operation) for gap in result.skipped}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("role/team%2fdeploy/metadata.json", {"arn": f"arn:aws:iam::{B}:role/x"}, f"not of account `{A}`"),
        ("role/team%2fdeploy/metadata.json", {}, "wrong arn ``"),
        ("role/team%2fdeploy/inline-policies.json", {"x": 1}, "expected an array"),
        ("role/team%2fdeploy/inline-policies.json", [{"PolicyName": "p"}], "inline policy without a document"),
        ("role/team%2fdeploy/managed-policies.json", [7], "expected a text"),
        ("role/team%2fdeploy/trust-policy.json", "{", "not JSON"),
    ],
)
def test_a_bad_folder_of_iam_collect_is_one_precise_line(tmp_path: Path, file: str, content: Any, message: str) -> None:
    folder = iam_collect(tmp_path / "data")
    save(folder / "aws" / "aws" / "accounts" / A / "iam" / file, content)
    with pytest.raises(ImportFileError) as caught:
        import_paths([folder], tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
