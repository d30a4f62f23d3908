"""AWS RAM's resource shares of one account in one region: what is shared, with whom, and what that permits."""

from __future__ import annotations

from collectors.calls import Question, Unit
from collectors.organization import entries
from collectors.registry import GET_PERMISSION, GET_SHARES, SHARE_ASSOCIATIONS, SHARE_PERMISSIONS


def collect(unit: Unit) -> None:
    """The shares that the account owns; the ones shared with it are read in their owners' accounts."""
    listed = unit.ask(GET_SHARES, resourceOwner="SELF")
    shares = [entry["resourceShareArn"] for entry in entries([listed], "resourceShares")]
    if not shares:
        return
    unit.ask_each(Question(SHARE_ASSOCIATIONS, {"associationType": kind}) for kind in ("PRINCIPAL", "RESOURCE"))
    permitted = unit.ask_each(Question(SHARE_PERMISSIONS, {"resourceShareArn": arn}, arn) for arn in shares)
    # One permission serves many shares; each share has it in the version of the day it was attached.
    versions = dict.fromkeys((entry["arn"], str(entry["version"])) for entry in entries(permitted, "permissions"))
    unit.ask_each(
        Question(GET_PERMISSION, {"permissionArn": arn, "permissionVersion": int(version)}, arn)
        for arn, version in versions
        if version.isdecimal()
    )
