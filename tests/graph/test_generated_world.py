"""Worlds that `bench.world` makes up: real snapshots, the same for the same seed, of the promised shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rustworkx as rx

from bench.world import write_world
from bench.world_plan import Shape
from graph.builder import build
from graph.world import World
from model.entities import Resource, Role, User
from model.inventory import Inventory
from model.loading import load_inventory
from model.snapshot import Snapshot, open_snapshot
from policy.assemble import Assembler
from policy.principals import PrincipalElement

TINY = Shape(accounts=2, principals=20, resources=60)
#: Large enough for shares to be told, and only loaded.
SMALL = Shape(accounts=5, principals=200, resources=400, seed=3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


@pytest.fixture(scope="module")
def tiny(home: Path) -> Snapshot:
    return open_snapshot(home, write_world(TINY, home))


@pytest.fixture(scope="module")
def small(home: Path) -> Inventory:
    return load_inventory(open_snapshot(home, write_world(SMALL, home)))


@pytest.fixture(scope="module")
def world(small: Inventory) -> World:
    return World(small)


def parts(snapshot: Snapshot) -> dict[str, str]:
    return {part.path: part.sha256 for part in snapshot.manifest.parts}


def own_resources(inventory: Inventory) -> list[Resource]:
    return [item for item in inventory.data.resources if not item.type.startswith("iam:")]


def principals(inventory: Inventory) -> list[User | Role]:
    return [*inventory.data.users, *inventory.data.roles]


def documents_of(inventory: Inventory, principal: User | Role) -> Iterator[str]:
    """Texts of the policies that a principal itself has."""
    yield from (item.document for item in principal.inline)
    yield from (inventory.policies[arn].document or "" for arn in principal.attached)


# -- format


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_a_world_has_the_numbers_asked_for_and_no_gaps(name: str, request: pytest.FixtureRequest) -> None:
    shape = TINY if name == "tiny" else SMALL
    given = request.getfixturevalue(name)
    inventory = given if isinstance(given, Inventory) else load_inventory(given)
    data = inventory.data
    assert len(data.accounts) == shape.accounts
    assert len(principals(inventory)) == shape.principals
    assert len(own_resources(inventory)) == shape.resources
    assert (data.gaps, data.skipped, data.unread_lists, data.unread_principals) == ((), (), (), ())
    assert (data.unread_points, data.unread_shares) == ((), ())
    assert all(account.path and account.collected for account in data.accounts)


def test_nothing_that_loaders_read_is_left_unknown(small: Inventory) -> None:
    for item in own_resources(small):
        assert item.policy is not None, item.arn
        assert item.tags is not None, item.arn
        assert item.grants is not None, item.arn
        if item.s3 is not None:
            assert None not in (item.s3.acl, item.s3.ownership, item.s3.abac, item.s3.restrict_public_buckets)
    assert all(user.mfa is not None and user.password is not None for user in small.data.users)
    assert all(policy.document for policy in small.data.policies)
    used = {arn for principal in principals(small) for arn in principal.attached}
    assert used <= set(small.policies)


def test_every_document_is_valid(small: Inventory, world: World) -> None:
    assembler = world.assembler
    for role in small.data.roles:
        assembler.ref(f"{role.arn}#trust", role.trust)
    for resource in small.data.resources:
        if resource.policy:
            assembler.ref(f"{resource.arn}#policy", resource.policy)
    for subject in world.subjects.deciding():
        assert subject.caller is not None
        assembler.identity(subject.caller.principal)
    assert assembler.invalid == {}


def test_a_seed_gives_the_same_parts_and_another_seed_others(tiny: Snapshot, home: Path) -> None:
    again = open_snapshot(home, write_world(TINY, home))
    other = open_snapshot(home, write_world(Shape(accounts=2, principals=20, resources=60, seed=2), home))
    assert parts(again) == parts(tiny)
    changed = {path for path, digest in parts(other).items() if parts(tiny).get(path) != digest}
    assert any(path.endswith("iam.jsonl.gz") for path in changed)
    assert any(path.endswith("global/s3.jsonl.gz") for path in changed)


def test_a_world_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="8 principals"):
        write_world(Shape(accounts=5, principals=20, resources=60), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_tiny_world_builds(tiny: Snapshot, home: Path) -> None:
    info = build(tiny, home)
    assert info.gaps == []
    assert info.invalid == {}
    assert info.nodes["Account"] == 2
    assert info.nodes["Resource"] >= 60
    assert info.nodes["PermissionSet"] >= 2
    for kind in ("CAN_ASSUME", "HOLDS", "COVERS", "ADMIN_OF", "LEADS_TO"):
        assert info.edges[kind] > 0, kind


# -- shape


def test_each_account_has_three_policies_of_its_own(small: Inventory) -> None:
    for account in small.accounts:
        own = {policy.document for policy in small.data.policies if policy.account == account}
        attached = {
            arn for principal in principals(small) if principal.account == account for arn in principal.attached
        }
        assert len(own) >= 3
        assert len({arn for arn in attached if f":{account}:policy/" in arn}) >= 3


def test_a_tenth_of_resources_names_principals_in_its_policy(small: Inventory) -> None:
    assembler = Assembler(small)
    found = [item for item in own_resources(small) if _names(assembler, item)]
    share = len(found) / len(own_resources(small))
    assert 0.09 <= share <= 0.12
    assert len({item.type for item in found}) == 7


def _names(assembler: Assembler, item: Resource) -> bool:
    """Whether a policy names a principal other than its own account."""
    ref = assembler.ref(f"{item.arn}#policy", item.policy) if item.policy else None
    own = {item.account, f"arn:aws:iam::{item.account}:root"}
    for statement in ref.document.statements if ref is not None and ref.document is not None else ():
        element: PrincipalElement | None = statement.principal_element
        if element is not None and statement.allows and (element.names | element.accounts) - own:
            return True
    return False


def test_a_fifth_of_principals_is_under_tag_or_variable_conditions(small: Inventory) -> None:
    words = ("${aws:PrincipalTag", "${aws:username", "aws:ResourceTag/", "aws:PrincipalTag/")
    found = [
        item for item in principals(small) if any(word in text for text in documents_of(small, item) for word in words)
    ]
    assert len(found) >= 0.2 * len(principals(small))


def test_boundaries_lie_on_some(small: Inventory) -> None:
    bounded = [item for item in principals(small) if item.boundary]
    assert 0.08 <= len(bounded) / len(principals(small)) <= 0.2


def test_attachment_is_skewed(small: Inventory) -> None:
    counts: dict[str, int] = {}
    for principal in principals(small):
        for arn in principal.attached:
            counts[arn] = counts.get(arn, 0) + 1
    managed = sorted((count for arn, count in counts.items() if ":aws:policy/" in arn), reverse=True)
    assert len(managed) >= 20
    assert managed[0] >= 8 * managed[len(managed) // 2]


def test_units_have_three_levels_and_policies_that_deny_regions(small: Inventory) -> None:
    organization = small.organization
    assert organization is not None
    assert max(len(account.path) for account in small.data.accounts) == 4
    texts = {policy.kind: policy.document or "" for policy in organization.policies if not policy.aws_managed}
    assert set(texts) == {"scp", "rcp"}
    regional = [
        policy
        for policy in organization.policies
        if "aws:RequestedRegion" in (policy.document or "") and policy.targets
    ]
    assert any("NotAction" in (policy.document or "") for policy in regional)


def test_permission_sets_are_roles_in_many_accounts(small: Inventory) -> None:
    reserved = {(role.account, role.permission_set_name) for role in small.data.roles if role.permission_set_name}
    assert len(reserved) > len({name for _, name in reserved}) > 3
    for assignment in small.data.assignments:
        assert small.permission_set_role(assignment.account, assignment.permission_set) is not None
    assert small.orphans == ()
    assert any(person.roles for person in small.people.values())


def test_policies_use_what_makes_deciding_hard(small: Inventory) -> None:
    everything = "".join(policy.document or "" for policy in small.data.policies if policy.account)
    everything += "".join(text for item in principals(small) for text in documents_of(small, item))
    for word in ("NotAction", "NotResource", "aws:SourceVpce", "aws:SourceIp", "aws:MultiFactorAuthPresent"):
        assert f'"{word}"' in everything, word
    assert any(item.grants for item in own_resources(small))
    assert any(item.role for item in own_resources(small))


def test_trusts_cross_accounts_and_chains_have_one_large_component_and_small_ones(world: World) -> None:
    steps = [(step.source.key, step.target.key) for step in world.steps.all]
    crossing = {source.split(":")[4] != target.split(":")[4] for source, target in steps if source.startswith("arn:")}
    assert crossing == {True, False}
    graph: Any = rx.PyDiGraph()
    number = {key: graph.add_node(key) for key in sorted({key for step in steps for key in step})}
    graph.add_edges_from_no_data([(number[source], number[target]) for source, target in steps])
    sizes = sorted(map(len, rx.strongly_connected_components(graph)), reverse=True)
    assert sizes[0] >= SMALL.principals // 20
    assert 2 in sizes


def test_there_is_a_class_for_at_most_ten_resources(small: Inventory, world: World) -> None:
    whole = [item for item in world.classes if item.members and not item.type.startswith("iam:")]
    assert len(whole) >= len(own_resources(small)) / 10
    assert sum(len(item.members) for item in whole) == len(own_resources(small))


def test_things_for_the_whole_organisation_are_in_each_account(tmp_path: Path) -> None:
    shape = Shape(accounts=3, principals=60, resources=90, open=2)
    inventory = load_inventory(open_snapshot(tmp_path, write_world(shape, tmp_path)))
    texts = [(role.account, role.trust) for role in inventory.data.roles]
    texts += [(one.account, one.policy or "") for one in own_resources(inventory)]
    wide = Counter(account for account, text in texts if "aws:PrincipalOrgID" in text and '"o-other"' not in text)
    assert len(wide) == 3 and set(wide.values()) == {4}
