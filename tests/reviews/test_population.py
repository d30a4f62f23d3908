"""The population of the demo's organisation: complete, stable, honest about what is not known, and readable."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from graph.builds import built_tables
from graph.questions import Questions
from model.inventory import Inventory
from model.snapshot import Snapshot, open_snapshot
from policy.assemble import Assembler
from reviews.canonical import canonical
from reviews.entitlements import Entitlements, Held
from reviews.errors import CampaignPlanError
from reviews.population import MOST_ROWS, ItemMaker, check_scope, items, population, scope_in_words
from reviews.records import ENTITLEMENT_KINDS, Item, Population
from reviews.risks import RULES
from reviews.templates import TEMPLATES
from tests.graph.worlds import ONE, document, made, role, trust


@pytest.fixture(scope="module")
def snapshot(demo_folder: Path) -> Snapshot:
    return open_snapshot(demo_folder / ".grantmap")


@pytest.fixture(scope="module")
def questions(demo_folder: Path, snapshot: Snapshot) -> Questions:
    return Questions(built_tables(snapshot, demo_folder / ".grantmap"))


@pytest.fixture(scope="module")
def everything(questions: Questions, snapshot: Snapshot) -> Population:
    return population(questions, snapshot, {})


def one(found: Population, kind: str, principal: str, words: str = "") -> Item:
    """The one item of that kind and principal whose entitlement's words contain the text."""
    several = [
        item
        for item in found.items
        if item.entitlement.kind == kind and principal in item.principal and words in item.entitlement.in_words
    ]
    assert len(several) == 1, [item.entitlement.in_words for item in several]
    return several[0]


def collected(snapshot: Snapshot, operation: str, name: str) -> Iterator[dict[str, object]]:
    """What an operation listed, read from the raw pages."""
    for record in snapshot.records():
        if record.operation == operation:
            for page in record.response:
                yield from page.get(name) or []


# -- completeness


def test_every_assignment_that_aws_lists_is_exactly_one_item(everything: Population, snapshot: Snapshot) -> None:
    listed = {
        (item["PermissionSetArn"], item["AccountId"], item["PrincipalId"])
        for item in collected(snapshot, "ListAccountAssignments", "AccountAssignments")
    }
    assigned = [item for item in everything.items if item.entitlement.kind == "assignment"]
    assert {(i.fix["permission-set-arn"], i.fix["target-id"], i.fix["principal-id"]) for i in assigned} == listed
    assert len(assigned) == len(listed) > 30


def test_every_membership_of_the_directory_is_an_item_of_its_person(everything: Population, snapshot: Snapshot) -> None:
    listed = [item["MembershipId"] for item in collected(snapshot, "ListGroupMemberships", "GroupMemberships")]
    assigned = [item for item in everything.items if item.entitlement.kind == "directory-membership"]
    assert len(assigned) == len(listed) > 30
    assert all(item.principal.startswith("person:") for item in assigned)


def test_keys_users_and_attachments_are_as_many_as_iam_lists(everything: Population, questions: Questions) -> None:
    data = questions.world.inventory.data
    kinds = Counter(item.entitlement.kind for item in everything.items)
    own = [one for one in data.roles if not one.service_linked and one.permission_set_name is None]
    assert kinds["access-key"] == sum(len(user.keys) for user in data.users)
    assert kinds["group-membership"] == sum(len(user.groups) for user in data.users)
    assert kinds["policy-attachment"] == sum(len(one.attached) for one in (*data.users, *data.groups, *own))
    assert kinds["inline-policy"] == sum(len(one.inline) for one in (*data.users, *data.groups, *own))
    keys = (one for one in questions.world.inventory.all_resources() if one.key_manager != "AWS")
    assert kinds["kms-grant"] == sum(len(one.grants or ()) for one in keys)


def test_items_are_ordered_and_their_ids_unique(everything: Population) -> None:
    order = [(ENTITLEMENT_KINDS.index(i.entitlement.kind), i.principal, i.id) for i in everything.items]
    assert order == sorted(order)
    assert len({item.id for item in everything.items}) == len(everything.items)


def test_what_aws_made_is_left_out_with_counts(everything: Population) -> None:
    roles = everything.completeness.excluded
    assert any("come from permission sets" in line and line[0].isdigit() for line in roles)
    assert any("AWS made for its services" in line for line in roles)
    assert not [item for item in everything.items if "/aws-service-role/" in item.principal]


def test_completeness_says_what_was_read_and_what_not(everything: Population, snapshot: Snapshot) -> None:
    found = everything.completeness
    assert found.snapshot == snapshot.id and re.fullmatch(r"[0-9a-f]{64}", found.snapshot_sha256)
    assert found.accounts_listed == found.accounts_read and len(found.accounts_listed) == 6
    assert found.calls["denied"] == 1
    assert [(gap.service, gap.operation, gap.outcome) for gap in found.gaps] == [("s3", "GetBucketPolicy", "denied")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.taken)


# -- stable


def test_ids_do_not_hang_on_the_order_in_which_aws_answers(questions: Questions) -> None:
    inventory = questions.world.inventory
    data = msgspec.structs.replace(inventory.data, resources=tuple(inventory.all_resources()))
    mixed = {}
    for name in ("users", "roles", "groups", "assignments", "directory_groups", "resources", "policies"):
        things = list(getattr(data, name))
        Random(1).shuffle(things)
        mixed[name] = tuple(things)
    other = Inventory(msgspec.structs.replace(data, **mixed))
    before = {held.item_id for held in Entitlements(Assembler(questions.world.inventory)).all()}
    assert {held.item_id for held in Entitlements(Assembler(other)).all()} == before


def test_another_principal_in_a_statement_without_a_name_makes_no_other_item() -> None:
    def ids(*arns: str) -> set[str]:
        trusts = document(trust({"AWS": list(arns)}))
        data = made(roles=(role("r", ONE, trusts=trusts),))
        return {held.item_id for held in Entitlements(Assembler(Inventory(data))).all()}

    ann, bob = (f"arn:aws:iam::{ONE}:user/{name}" for name in ("ann", "bob"))
    assert ids(ann) < ids(ann, bob)


def test_equal_snapshots_give_equal_bytes(questions: Questions, snapshot: Snapshot, everything: Population) -> None:
    again = population(Questions(questions.tables), snapshot, {})
    assert [canonical(item) for item in again.items] == [canonical(item) for item in everything.items]


# -- what items say


@pytest.mark.parametrize("field", ["sentence", "if_kept", "if_removed", "usage"])
def test_no_sentence_needs_knowledge_of_aws(everything: Population, field: str) -> None:
    for item in everything.items:
        text = getattr(item, field)
        assert text and "  " not in text, item.id
        assert not re.search(r"arn:|None|[{}]|\b[a-z0-9-]+:[A-Z][a-z]+[A-Z]", text), text
        assert text.endswith(".") and not re.search(r"\b(he|she|his|her)\b", text), text


def test_every_row_and_step_is_said_in_words(everything: Population) -> None:
    for item in everything.items:
        assert item.path and all(step.in_words and "arn:" not in step.in_words for step in item.path)
        assert all("arn:" not in row.in_words and row.in_words.endswith(".") for row in item.access.rows)
        assert len(item.access.rows) <= MOST_ROWS
        assert item.access.alone + item.access.shared == len(item.access.rows) + item.access.more


def test_an_assignment_of_a_group_is_of_the_group(everything: Population) -> None:
    item = one(everything, "assignment", "group:platform-engineers", "sandbox")
    assert item.sentence.startswith("Everyone in group platform-engineers (5 people) can do everything in sandbox")
    assert item.privileged and item.risk == "high" and len(item.people) == 5
    assert [step.kind for step in item.path][:3] == ["group", "permission-set", "role"]


def test_access_that_is_given_twice_is_shared(everything: Population) -> None:
    item = one(everything, "assignment", "person:hannah.fischer", "PaymentsDeveloper")
    assert item.access.alone == 0 and item.access.shared > 0
    assert item.if_removed == (
        "Nothing is lost: all of it is still given through group payments-developers and through group "
        "payments-release-managers."
    )
    assert item.recommendation.verdict == "remove"


def test_the_assignment_of_somebody_deleted_is_an_item(everything: Population) -> None:
    orphans = [i for i in everything.items if "orphaned" in {signal.code for signal in i.signals}]
    assert [item.entitlement.in_words for item in orphans] == ["permission set PowerUserAccess in payments-prod"]
    assert orphans[0].sentence == (
        "A person who is no longer in the directory is still given permission set PowerUserAccess in payments-prod."
    )
    assert orphans[0].recommendation.verdict == "remove"


def test_a_disabled_person_keeps_the_item_and_loses_the_access(everything: Population) -> None:
    item = one(everything, "directory-membership", "person:stefan.krause")
    assert item.access.rows == () and "is disabled and cannot sign in" in item.sentence
    assert item.risk == "high" and item.recommendation.verdict == "remove"


def test_a_chain_of_roles_is_followed_and_told(everything: Population) -> None:
    item = one(everything, "assignment", "group:payments-release-managers")
    chained = [row for row in item.access.rows if len(row.via) > 3]
    assert any("meridian-card-data-prod" in row.resource for row in chained)
    assert any(step.kind == "role" and "payments-prod-data" in step.id for step in item.path)
    assert any(step.kind == "limit" for step in item.path)


def test_anyone_and_outside_companies_are_external(everything: Population) -> None:
    public = one(everything, "resource-statement", "anonymous", "meridian-status-page")
    assert public.external and public.sentence == (
        "Anyone on the internet can read every object in bucket meridian-status-page in payments-dev."
    )
    vendor = one(everything, "trust-statement", "account:911532740868")
    assert vendor.external and "no-shared-secret" in {signal.code for signal in vendor.signals}
    inside = one(everything, "trust-statement", "anonymous", "anyone-in-organisation")
    assert not inside.external and inside.sentence.startswith("Anyone in this organisation can become")


def test_a_policy_that_could_not_be_read_is_never_nothing(everything: Population) -> None:
    item = one(everything, "resource-statement", "unknown")
    assert "could not be read" in item.sentence and item.recommendation.verdict == "look"
    assert "meridian-cardholder-vault-prod" in item.sentence


def test_an_open_pipeline_provider_is_critical(everything: Population) -> None:
    item = one(everything, "trust-statement", "oidc-provider", "github-build")
    assert item.risk == "critical" and "open-provider" in {signal.code for signal in item.signals}
    bound = one(everything, "trust-statement", "oidc-provider", "github-deploy")
    assert "open-provider" not in {signal.code for signal in bound.signals}
    assert "from main of repository meridian-pay/payments" in bound.sentence


def test_credentials_show_age_and_use(everything: Population) -> None:
    old = one(everything, "access-key", "settlement-batch")
    assert "old-key" in {signal.code for signal in old.signals} and old.last_used
    never = one(everything, "access-key", "load-test")
    assert never.last_used == "" and "unused" in {signal.code for signal in never.signals}


def test_what_aws_does_not_record_is_not_called_never(everything: Population) -> None:
    for item in everything.items:
        if item.last_used is None:
            assert "never" not in item.usage
            assert item.usage in item.recommendation.unseen


def test_owners_come_from_labels_and_one_account_has_none(everything: Population) -> None:
    item = one(everything, "assignment", "group:platform-engineers", "payments-prod")
    assert item.owners == ("hannah.fischer@meridian.example",)
    assert {
        item.owners for item in everything.items if item.account_name == "log-archive" and item.fix.get("target-id")
    } == {()}


def test_every_signal_is_in_the_table_of_rules(everything: Population) -> None:
    assert {signal.code for item in everything.items for signal in item.signals} <= set(RULES)


# -- scopes


class Ready(ItemMaker):
    """A maker that has the items already: a scope chooses among them."""

    def __init__(self, questions: Questions, found: Population) -> None:
        super().__init__(questions)
        self._found = {item.id: item for item in found.items}

    def item(self, held: Held) -> Item:
        return self._found[held.item_id]


@pytest.fixture(scope="module")
def ready(questions: Questions, everything: Population) -> Ready:
    return Ready(questions, everything)


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_each_template_opens_over_something(template: str, ready: Ready) -> None:
    found = [item for item in items(ready, TEMPLATES[template].scope) if item is not None]
    assert found and (len(found) < len(ready.entitlements.all())) == bool(TEMPLATES[template].scope)
    assert scope_in_words(TEMPLATES[template].scope).startswith("All access")


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ({"account": ("payments-prod",)}, lambda item: item.account_name in ("payments-prod", "the organisation")),
        ({"kind": ("password", "access-key")}, lambda item: item.entitlement.kind in ("password", "access-key")),
        ({"ou": ("Sandbox",)}, lambda item: item.account_name in ("sandbox", "the organisation")),
        ({"permission-set": ("DataAnalyst",)}, lambda item: "DataAnalyst" in item.entitlement.in_words),
        ({"risk": ("critical",)}, lambda item: item.risk == "critical"),
        ({"principal": ("igor.petrenko",)}, lambda item: "igor.petrenko" in item.principal),
        ({"identities": ("workload",)}, lambda item: item.human is not True),
        ({"level": ("Read",)}, lambda item: any("Read" in level for row in item.access.rows for level in row.levels)),
    ],
)
def test_a_scope_keeps_what_it_names(
    scope: dict[str, tuple[str, ...]], holds: Callable[[Item], bool], ready: Ready
) -> None:
    found = [item for item in items(ready, scope) if item is not None]
    assert found and all(holds(item) for item in found)


def test_what_a_scope_leaves_out_is_counted(questions: Questions, snapshot: Snapshot) -> None:
    found = population(questions, snapshot, {"kind": ("kms-grant",)})
    assert len(found.items) == 2
    assert any("outside the scope" in line for line in found.completeness.excluded)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"acount": ("x",)}, "unknown scope `acount`: one of account, ou"),
        ({"account": ("payments",)}, "unknown account `payments` in a scope"),
        ({"kind": ("roles",)}, "one of access-key, assignment"),
        ({"privileged": ("no",)}, "one of yes"),
        ({"risk": ()}, "scope `risk` has no value"),
    ],
)
def test_a_wrong_scope_is_refused_in_one_line(
    scope: dict[str, tuple[str, ...]], words: str, questions: Questions
) -> None:
    with pytest.raises(CampaignPlanError, match=re.escape(words)) as caught:
        check_scope(scope, questions.world.inventory)
    assert "\n" not in str(caught.value)


def test_a_wrong_account_is_told_how_many_accounts_there_are_not_how_many_names(questions: Questions) -> None:
    with pytest.raises(CampaignPlanError, match="there are 6, among them"):
        check_scope({"account": ("zzz",)}, questions.world.inventory)


def test_scopes_are_said_in_words() -> None:
    assert scope_in_words({}) == "All access"
    assert scope_in_words({"identities": ("human",), "account": ("a", "b")}) == "All access in a or b of people"


def test_a_build_of_another_snapshot_is_refused(questions: Questions, snapshot: Snapshot) -> None:
    class Other:
        id = "other"

    with pytest.raises(CampaignPlanError, match="run `grantmap build`"):
        population(questions, Other(), {})  # type: ignore[arg-type]


def test_makers_are_there_for_single_items(questions: Questions, everything: Population) -> None:
    maker = ItemMaker(questions)
    held = maker.entitlements.all()[0]
    assert maker.item(held) in everything.items
