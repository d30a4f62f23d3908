"""Fixtures of reviews: a database of its own for each test, and an open campaign in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reviews.records import Actor, CampaignView, Decision, Item
from reviews.service import Reviews
from tests.postgres_server import postgresql
from tests.reviews.factories import ANA, NOW, OWNER, Everybody, plan, population

__all__ = ["postgresql"]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgresql"))])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the database of a test is: in its home, or on a real PostgreSQL server."""
    if request.param == "sqlite":
        return None
    found: str = request.getfixturevalue("postgresql")()
    return found


@pytest.fixture
def reviews(tmp_path: Path, clock: Clock, url: str | None) -> Iterator[Reviews]:
    with Reviews.open(tmp_path / "home", url, clock=clock) as found:
        yield found


@pytest.fixture
def file_reviews(tmp_path: Path, clock: Clock) -> Iterator[Reviews]:
    """As ``reviews``, in a file: for tests of what happens to files, and of what no database changes."""
    with Reviews.open(tmp_path / "home", clock=clock) as found:
        yield found


@pytest.fixture
def campaign(reviews: Reviews) -> CampaignView:
    """Four items of low risk: two for Ana, two for Ben."""
    return reviews.open_campaign(plan(), population(), Everybody(), OWNER, key="open")


def opened(reviews: Reviews, *items: Item, reviewers: str = "ana@example.com", key: str = "open") -> CampaignView:
    """A campaign over some items, all for one reviewer."""
    return reviews.open_campaign(plan(reviewers=reviewers), population(*items), Everybody(), OWNER, key=key)


def decide_all(reviews: Reviews, id: str, kind: str = "attest", actors: tuple[Actor, ...] = (ANA,)) -> None:
    """Every open item decided by whoever has it."""
    for actor in actors:
        for view in reviews.items(id, reviewer=actor.name, states=("open",)):
            decision = Decision(kind=kind, reason="checked with the team")  # type: ignore[arg-type]
            reviews.decide(id, view.item.id, decision, actor, version=view.version, key=f"all-{view.item.id}")
