import asyncio

from fastapi.testclient import TestClient

from bookreader.cache import LEAVE_ALONE_S, Cache
from tests.conftest import MIDDLEMARCH, FakeRedis, FakeStore, Stopwatch


def test_the_second_list_of_books_comes_from_the_cache(
    client: TestClient, store: FakeStore
) -> None:
    first, second = client.get("/api/books"), client.get("/api/books")
    assert first.json() == second.json() == [MIDDLEMARCH.model_dump()]
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert store.asked_for_books == 1


def test_without_redis_the_books_come_from_the_database(
    client: TestClient, redis: FakeRedis
) -> None:
    redis.is_up = False
    answer = client.get("/api/books")
    assert answer.json() == [MIDDLEMARCH.model_dump()]
    assert answer.headers["x-cache"] == "miss"


def test_a_redis_that_failed_is_left_alone_for_a_moment(redis: FakeRedis) -> None:
    redis.is_up = False
    cache = Cache(redis)

    async def many_requests() -> None:
        for _ in range(100):
            assert await cache.get("key") is None
            await cache.set("key", "value", 30)

    stopwatch = Stopwatch()
    asyncio.run(many_requests())
    assert stopwatch.seconds < LEAVE_ALONE_S
    assert redis.calls == 1


def test_one_book(client: TestClient) -> None:
    assert client.get("/api/books/1").json() == MIDDLEMARCH.model_dump()
    missing = client.get("/api/books/99")
    assert missing.status_code == 404
    assert missing.json() == {"detail": "there is no book 99"}


def test_bookmarks_are_written_and_counted(client: TestClient, store: FakeStore) -> None:
    answer = client.post("/api/bookmarks", json={"book_id": 1, "page": 42})
    assert answer.status_code == 201
    assert answer.json() == {"id": 1, "book_id": 1, "page": 42}
    assert client.get("/api/bookmarks/count").json() == {"count": 1}
    assert store.bookmarks[0].page == 42


def test_a_bookmark_needs_a_book_and_a_page(client: TestClient) -> None:
    assert client.post("/api/bookmarks", json={"book_id": 99, "page": 1}).status_code == 404
    assert client.post("/api/bookmarks", json={"book_id": 1, "page": 0}).status_code == 422


def test_a_database_that_is_away_is_503(client: TestClient, store: FakeStore) -> None:
    store.is_up = False
    answer = client.get("/api/books")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "the database is not available"}
