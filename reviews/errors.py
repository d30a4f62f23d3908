"""What can go wrong in a review, one type a kind of failure; every message is one line, fit for people."""

from model.errors import GrantmapError


class ReviewError(GrantmapError):
    """Base of all failures of this room."""


class UnknownCampaignError(ReviewError):
    """A campaign, or an item of it, that does not exist."""


class CampaignPlanError(ReviewError):
    """A plan of a campaign with a wrong scope, template, rule of reviewers or date, or one without any item."""


class GapsError(ReviewError):
    """A campaign that would open over gaps, or old data, that nobody explained."""


class CampaignStateError(ReviewError):
    """An act that the campaign's state does not allow: a decision after sign-off, a sign-off with items left."""


class DecisionError(ReviewError):
    """A decision that lacks a reason, an end date, a lower grant, or whose kind does not exist."""


class NotAllowedError(ReviewError):
    """Someone acts who may not: another's item, their own access, a role that is missing, a login that is too old."""


class StaleVersionError(ReviewError):
    """The item was changed since it was read; the message says by whom, when and to what."""


class KeyReusedError(ReviewError):
    """An idempotency key that was used before for something else."""


class DatabaseError(ReviewError):
    """The database of reviews is locked, read-only, damaged, of another version, or not reachable."""


class LedgerError(ReviewError):
    """The chain of a ledger, or what was frozen at the start, does not hold; the message names the first place."""


class EvidenceError(ReviewError):
    """An evidence pack that cannot be written or read."""


class SigningKeyError(ReviewError):
    """A signing key that is missing, damaged, readable by others or there already."""
