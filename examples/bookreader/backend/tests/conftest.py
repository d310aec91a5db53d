"""The real application on pretend stores: no database and no Redis is needed to run the tests.

The SQL itself is left to a real Postgres; a stand-in database would only agree with itself.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.exc import OperationalError

from bookreader import config
from bookreader.app import create_app
from bookreader.cache import Cache
from bookreader.release import Release
from bookreader.schemas import BookmarkIn, BookmarkOut, BookOut, SummaryCountsOut
from bookreader.store import Store, UnknownBookError

GOOD_ENV = {
    "SECRET_KEY": "s" * 64,
    "JWT_SECRET_KEY": "j" * 64,
    "DB_PASSWORD": "d" * 32,
    "REDIS_PASSWORD": "r" * 32,
    "APP_VERSION": "v1.2.3",
    "ALLOWED_HOSTS": "testserver",
    "CORS_ORIGINS": "https://bookreader.example.com",
}
MIDDLEMARCH = BookOut(id=1, title="Middlemarch", author="George Eliot", pages=904)


class FakeStore(Store):
    def __init__(self) -> None:
        self.is_up = True
        self.asked_for_books = 0
        self.bookmarks: list[BookmarkIn] = []

    async def ping(self) -> None:
        if not self.is_up:
            raise OperationalError("SELECT 1", None, Exception("gone"))

    async def books(self) -> list[BookOut]:
        await self.ping()
        self.asked_for_books += 1
        return [MIDDLEMARCH]

    async def book(self, book_id: int) -> BookOut:
        await self.ping()
        if book_id != MIDDLEMARCH.id:
            raise UnknownBookError(book_id)
        return MIDDLEMARCH

    async def add_bookmark(self, bookmark: BookmarkIn) -> BookmarkOut:
        await self.book(bookmark.book_id)
        self.bookmarks.append(bookmark)
        return BookmarkOut(id=len(self.bookmarks), book_id=bookmark.book_id, page=bookmark.page)

    async def count_bookmarks(self) -> int:
        return len(self.bookmarks)

    async def summary_counts(self) -> SummaryCountsOut:
        return SummaryCountsOut(started=2, finished=1)


class FakeRedis:
    def __init__(self) -> None:
        self.is_up = True
        self.calls = 0
        self.values: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        self._touch()
        return self.values.get(key)

    async def set(self, key: str, value: str, ex: int) -> None:
        self._touch()
        self.values[key] = value

    def _touch(self) -> None:
        self.calls += 1
        if not self.is_up:
            raise RedisConnectionError("gone")


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def client(store: FakeStore, redis: FakeRedis) -> Iterator[TestClient]:
    with make_client(store, redis) as client:
        yield client


def make_client(store: Store, redis: Any, **env: str) -> TestClient:
    settings = config.load(GOOD_ENV | env)

    async def close() -> None: ...

    app = create_app(settings, store, Cache(redis), close)
    wrapped = Release(app, settings.version, settings.broken)
    return TestClient(wrapped, raise_server_exceptions=False)


class Stopwatch:
    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
