"""Resources looked up without all of them in memory: one account is opened when something of it is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Protocol, TypeVar

from model.entities import Resource

_Value = TypeVar("_Value")

#: Questions go from account to account along chains; that many stay open.
_OPEN_ACCOUNTS = 32


class ResourceSource(Protocol):
    """Where the resources of accounts lie, an account at a time."""

    def accounts(self) -> Sequence[str]:
        """The accounts that have resources, sorted."""

    def of(self, account: str) -> tuple[Resource, ...]:
        """The resources of one account, sorted by ARN; none for an account that it has not."""

    def account_of(self, arn: str) -> str | None:
        """The account whose resources hold what ``arn`` names or lies inside of; ``None``: none of them does.

        An ARN that names its account needs no look at what was collected there.
        """


def alias_arns(resource: Resource) -> Iterator[str]:
    """The ARNs of a KMS key's aliases, beside the key's own."""
    head = resource.arn.partition(":key/")[0]
    return (f"{head}:{alias}" for alias in resource.aliases)


class AccountResources:
    """Resources, of one account or of all, with their indexes."""

    def __init__(self, resources: tuple[Resource, ...]) -> None:
        self.all = resources

    @cached_property
    def by_arn(self) -> Mapping[str, Resource]:
        return {resource.arn: resource for resource in self.all}

    @cached_property
    def by_type(self) -> Mapping[str, list[Resource]]:
        found: defaultdict[str, list[Resource]] = defaultdict(list)
        for resource in self.all:
            found[resource.type].append(resource)
        return found

    @cached_property
    def key_aliases(self) -> Mapping[str, str]:
        """The ARNs of KMS keys by those of their aliases."""
        return {alias: resource.arn for resource in self.all for alias in alias_arns(resource)}

    @cached_property
    def buckets(self) -> Mapping[str, Resource]:
        """S3 buckets by name."""
        return {resource.name: resource for resource in self.all if resource.type == "s3:bucket"}


class Sources:
    """A source of resources whose last accounts stay open; threads may share it."""

    def __init__(self, source: ResourceSource) -> None:
        self._source = source
        self.accounts = source.accounts
        self.account_of = source.account_of
        self.account: Callable[[str], AccountResources] = lru_cache(_OPEN_ACCOUNTS)(self._open)

    def _open(self, account: str) -> AccountResources:
        return AccountResources(self._source.of(account))

    def each(self) -> Iterator[AccountResources]:
        """Every account's, one after another; those that are open for questions stay so."""
        return map(self._open, self._source.accounts())

    def everything(self) -> Iterator[Resource]:
        """Every resource of every account."""
        for account in self._source.accounts():
            yield from self._source.of(account)


class Lookup(Mapping[str, _Value]):
    """One index over the resources of all accounts, of which a look-up opens one account.

    ``account_of`` gives the account that a key lies in, ``index`` an account's part of this index.
    """

    def __init__(
        self,
        sources: Sources,
        account_of: Callable[[str], str | None],
        index: Callable[[AccountResources], Mapping[str, _Value]],
    ) -> None:
        self._sources = sources
        self._account_of = account_of
        self._index = index

    def __getitem__(self, key: str) -> _Value:
        account = self._account_of(key)
        if account is None:
            raise KeyError(key)
        return self._index(self._sources.account(account))[key]

    def __iter__(self) -> Iterator[str]:
        for account in self._sources.each():
            yield from self._index(account)

    def __len__(self) -> int:
        return self._length

    @cached_property
    def _length(self) -> int:
        return sum(len(self._index(account)) for account in self._sources.each())
