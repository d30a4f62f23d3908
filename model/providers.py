"""Whether an identity provider that a trust names is there: absence is believed where its account's list was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from model.entities import Account
from model.inventory import Inventory
from model.pages import ANSWERED, Pages

#: The lists of identity providers, by kind.
PROVIDER_CALLS = {"oidc": ("iam", "ListOpenIDConnectProviders"), "saml": ("iam", "ListSAMLProviders")}


def unread_providers(pages: Pages, accounts: Iterable[Account]) -> Iterator[tuple[str, str]]:
    """(account, kind) of identity providers that were not listed, or not all of them."""
    for kind, operation in PROVIDER_CALLS.items():
        answered: defaultdict[str, bool] = defaultdict(lambda: True)
        for call in pages.calls(*operation):
            answered[call.account] &= call.outcome in ANSWERED
        yield from (
            (account.id, kind) for account in accounts if account.id not in answered or not answered[account.id]
        )


def is_gone(inventory: Inventory, arn: str) -> bool:
    """Whether there is known to be no identity provider of this ARN.

    "Any attempt to assume a role that references a non-existent provider resource ARN fails":
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteSAMLProvider.html (likewise
    API_DeleteOpenIDConnectProvider.html). Names are compared without case: whether IAM tells them apart is not said.
    """
    account, kind = arn.split(":", 5)[4], arn.split(":", 5)[5].partition("-provider/")[0]
    known = inventory.accounts.get(account)
    if known is None or not known.collected or account in inventory.data.unread_principals:
        return False
    if arn in inventory.providers or (account, kind) in inventory.data.unread_providers:
        return False
    return all(arn.lower() != other.lower() for other in inventory.providers)
