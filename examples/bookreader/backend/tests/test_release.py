import pytest
from starlette.testclient import WebSocketDenialResponse

from tests.conftest import FakeRedis, FakeStore, Stopwatch, make_client


@pytest.mark.parametrize("path", ["/api/health", "/api/version", "/api/books", "/nowhere"])
def test_every_answer_tells_its_version(path: str, store: FakeStore, redis: FakeRedis) -> None:
    with make_client(store, redis) as client:
        answer = client.get(path)
    assert answer.headers["x-version"] == "v1.2.3"
    assert answer.headers["cache-control"] == "no-cache, no-store"


def test_an_unforeseen_error_tells_its_version_too(redis: FakeRedis) -> None:
    class BuggyStore(FakeStore):
        async def count_bookmarks(self) -> int:
            raise ZeroDivisionError

    with make_client(BuggyStore(), redis) as client:
        answer = client.get("/api/bookmarks/count")
    assert answer.status_code == 500
    assert answer.headers["x-version"] == "v1.2.3"


def test_break_health(store: FakeStore, redis: FakeRedis) -> None:
    with make_client(store, redis, BREAK="health") as client:
        health = client.get("/api/health")
        assert health.status_code == 503
        assert health.json()["database"] == "disconnected"
        assert client.get("/api/books").status_code == 200


def test_break_errors(store: FakeStore, redis: FakeRedis) -> None:
    with make_client(store, redis, BREAK="errors") as client:
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/books").status_code == 500
        assert client.get("/api/version").status_code == 500


def test_break_slow(store: FakeStore, redis: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bookreader.release.SLOW_S", 0.3)
    with make_client(store, redis, BREAK="slow") as client:
        stopwatch = Stopwatch()
        assert client.get("/api/health").status_code == 200
        assert stopwatch.seconds < 0.3
        assert client.get("/api/books").status_code == 200
        assert stopwatch.seconds > 0.3


def test_break_errors_refuses_websockets_too(store: FakeStore, redis: FakeRedis) -> None:
    client = make_client(store, redis, BREAK="errors")
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/api/ws"):
        pass
    assert refused.value.status_code == 500
    assert refused.value.headers["x-version"] == "v1.2.3"
