"""The records of a review: what is frozen when a campaign opens, what people decide, and what the screens are shown.

Everything here is immutable plain data, encoded by msgspec. Times are RFC 3339 in UTC, to the second, ending in ``Z``;
dates are ``YYYY-MM-DD``. Numbers are whole: RFC 8785 is not asked to write fractions.
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: What AWS can take away, by kind of entitlement; the order is the order of items in a population.
ENTITLEMENT_KINDS = (
    "assignment",  # of an Identity Center permission set in an account, to a person or a directory group
    "directory-membership",  # of a person in a directory group
    "group-membership",  # of an IAM user in an IAM group
    "policy-attachment",  # of a managed policy to a user, role or group
    "inline-policy",
    "trust-statement",  # who may become a role: one item for each principal that a statement of the trust names
    "access-key",
    "password",
    "resource-statement",  # of a resource's own policy: one item for each principal that the statement names
    "kms-grant",
)

#: What a reviewer can say of an item. The ledger and the evidence have these words, screens have plainer ones.
DECISIONS = ("attest", "revoke", "modify", "exception", "abstain")

#: The state of an item: nothing said yet, or the decision that holds now.
STATES = ("open", *DECISIONS)

RISKS = ("critical", "high", "medium", "low")

#: Compared with the last campaign that decided on the same item.
CHANGES = ("new", "wider", "narrower", "unchanged")

ROLES = ("admin", "owner", "reviewer", "engineer", "auditor")

Risk = Literal["critical", "high", "medium", "low"]
Change = Literal["new", "wider", "narrower", "unchanged"]
DecisionKind = Literal["attest", "revoke", "modify", "exception", "abstain"]
State = Literal["open", "attest", "revoke", "modify", "exception", "abstain"]
Phase = Literal["open", "signed-off", "closed"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records: immutable, keyword-only; every field is written, so that hashes never hang on a default."""


# -- the frozen population


class Entitlement(Record, frozen=True, kw_only=True):
    """What AWS can take away. ``id`` is what AWS names it by, ``in_words`` what people call it."""

    kind: str
    id: str
    in_words: str


class AccessRow(Record, frozen=True, kw_only=True):
    """Access to one class of resources: as a row of ``reach``, plus the sentence and what remains without the item.

    ``shared`` are the levels of ``levels`` that something else gives as well; what is not in it goes with the item.
    ``via`` are the roles that the holder becomes on the way.
    """

    resource: str
    type: str
    account: str
    count: int
    levels: tuple[str, ...]
    shared: tuple[str, ...]
    verdict: str
    via: tuple[str, ...]
    in_words: str


class Access(Record, frozen=True, kw_only=True):
    """The effective access of an item, in full up to ``population.MOST_ROWS`` rows; ``more`` says how many were cut.

    ``fingerprint`` is over all rows (resource, levels, verdict), also those cut: equal prints mean equal access.
    ``alone`` and ``shared`` count the rows of which something goes with the item, and those of which nothing does.
    """

    rows: tuple[AccessRow, ...]
    more: int
    alone: int
    shared: int
    fingerprint: str


class PathStep(Record, frozen=True, kw_only=True):
    """One step of how somebody gets the access: person, group, permission set, role, statement, limit.

    ``kind``: ``person``, ``group``, ``permission-set``, ``user``, ``role``, ``policy``, ``statement``, ``limit`` …
    ``id`` is the ARN or the name in answers, for "Show the exact AWS rule".
    """

    kind: str
    id: str
    in_words: str


class Signal(Record, frozen=True, kw_only=True):
    """One reason for a risk or a recommendation; ``code`` is stable (``admin``, ``external``, ``unused`` …)."""

    code: str
    in_words: str


class Recommendation(Record, frozen=True, kw_only=True):
    """``verdict``: ``keep``, ``remove``, ``look`` (a person must judge). ``unseen``: what could not be taken in."""

    verdict: Literal["keep", "remove", "look"]
    reasons: tuple[Signal, ...]
    unseen: tuple[str, ...]


class Item(Record, frozen=True, kw_only=True):
    """One (identity, entitlement) as it was frozen. ``id`` is made of what AWS names and stable across snapshots.

    ``principal``: an ARN, ``person:…``, ``group:…`` (of the directory), a service, a provider, ``account:…`` or
    ``anonymous``. ``account`` is where the entitlement can be taken away (empty: the identity store of the
    organisation). ``owners`` names who answers for it by tag: account owner, then resource owner; empty for none.
    ``people`` are the addresses of those who have the access by this item, at most 50, for "nobody decides on
    themselves". ``last_used`` is a date, empty for never, ``None``: not recorded; ``usage`` says it in words.
    ``human``: whether people, rather than workloads, have it; ``None``: not known. ``fix`` tells ``remediation`` what
    to undo: the plain fields of the entitlement, by the names that the AWS CLI gives them.
    """

    id: str
    principal: str
    principal_kind: str
    principal_name: str
    account: str
    account_name: str
    entitlement: Entitlement
    sentence: str
    access: Access
    path: tuple[PathStep, ...]
    if_kept: str
    if_removed: str
    last_used: str | None
    usage: str
    risk: Risk
    signals: tuple[Signal, ...]
    recommendation: Recommendation
    owners: tuple[str, ...]
    people: tuple[str, ...]
    human: bool | None
    privileged: bool
    external: bool
    fix: dict[str, str]


class GapGroup(Record, frozen=True, kw_only=True):
    """Gaps of one service, operation and outcome: they are accepted together, by a name and a reason."""

    service: str
    operation: str
    outcome: str
    accounts: tuple[str, ...]
    affects: tuple[str, ...]


class AcceptedGap(Record, frozen=True, kw_only=True):
    """A group of gaps that somebody answers for."""

    group: GapGroup
    reason: str
    by: str


class Completeness(Record, frozen=True, kw_only=True):
    """What the population was made from: the source, what was read and what was not.

    ``calls`` counts calls by outcome; ``accounts_listed`` and ``accounts_read`` are account ids; ``excluded`` says in
    words what a scope or a rule left out, with counts.
    """

    snapshot: str
    taken: str
    snapshot_sha256: str
    collector: str
    accounts_listed: tuple[str, ...]
    accounts_read: tuple[str, ...]
    calls: dict[str, int]
    gaps: tuple[GapGroup, ...]
    skipped: tuple[GapGroup, ...]
    excluded: tuple[str, ...]


class Population(Record, frozen=True, kw_only=True):
    """Every item in scope, ordered by (kind, principal, id), and how complete the data behind them is."""

    items: tuple[Item, ...]
    completeness: Completeness


# -- the campaign


class Plan(Record, frozen=True, kw_only=True):
    """What somebody asks for when a campaign opens. ``scope`` maps a key to its values, any of which will do.

    ``reviewers`` is the rule in its text form. ``due`` is a date. ``accepted`` answers for gaps; ``stale_reason`` for
    a snapshot older than 7 days.
    """

    name: str
    template: str
    scope: dict[str, tuple[str, ...]]
    reviewers: str
    due: str
    accepted: tuple[AcceptedGap, ...] = ()
    stale_reason: str = ""


class Actor(Record, frozen=True, kw_only=True):
    """Who acts. ``how`` they signed in: ``command``, ``local`` or ``oidc``; ``signed_in``: when; "" for a command."""

    name: str
    how: Literal["command", "local", "oidc"]
    signed_in: str = ""


class Assigned(Record, frozen=True, kw_only=True):
    """Who decides on an item, by which rule, and why they are not independent (empty: they are)."""

    reviewer: str
    rule: str
    conflict: str


class Decision(Record, frozen=True, kw_only=True):
    """What a reviewer says of an item.

    ``to`` is the lower grant of a ``modify``; ``until`` the end of an ``exception`` and ``control`` what compensates
    for it, ``owner`` who answers for it (empty: who decides); ``hand_to`` whom an ``abstain`` proposes, empty for
    "somebody else".
    """

    kind: DecisionKind
    reason: str = ""
    to: str = ""
    until: str = ""
    control: str = ""
    owner: str = ""
    hand_to: str = ""
    bulk: bool = False


class CampaignView(Record, frozen=True, kw_only=True):
    """A campaign as it stands. ``states`` counts items by state, ``risks`` by risk, ``left`` those still open.

    ``reviewers`` maps each reviewer to (items, decided).
    """

    id: str
    name: str
    template: str
    scope: dict[str, tuple[str, ...]]
    scope_in_words: str
    snapshot: str
    taken: str
    opened: str
    opened_by: str
    owner: str
    due: str
    phase: Phase
    items: int
    decided: int
    states: dict[str, int]
    risks: dict[str, int]
    changes: dict[str, int]
    reviewers: dict[str, tuple[int, int]]
    gaps: int
    root: str
    head: str
    entries: int
    signed_off: str
    signed_off_by: str
    closed: str


class ItemView(Record, frozen=True, kw_only=True):
    """An item with what was decided on it so far. ``version`` goes up by one with every act on the item.

    ``may_decide`` is empty when the asking actor may decide, else why not, in words. ``needs_reason``: why a reason is
    required to keep it (privileged, external …), empty when it is not.
    """

    item: Item
    change: Change
    state: State
    version: int
    reviewer: str
    rule: str
    conflict: str
    decision: Decision | None
    decided_by: str
    decided_at: str
    may_decide: str
    needs_reason: str


class Entry(Record, frozen=True, kw_only=True):
    """One entry of the ledger. ``hash`` is SHA-256 of the 32 bytes of ``previous`` and the RFC 8785 JSON of the rest.

    ``kind``: ``opened``, ``assigned``, ``decided``, ``reminded``, ``expired``, ``signed-off``, ``ordered``,
    ``checked``, ``exported``, ``closed``. ``item`` is empty where the entry is about the whole campaign. ``seq`` begins
    with 1; ``previous`` of the first is 64 zeros.
    """

    campaign: str
    seq: int
    at: str
    actor: str
    how: str
    kind: str
    item: str
    body: dict[str, object]
    previous: str
    hash: str
