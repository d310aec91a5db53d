import asyncio

import pytest
from fastapi.testclient import TestClient

from bookreader import health, heartbeat
from bookreader.cache import Cache
from tests.conftest import FakeRedis, FakeStore, Stopwatch


def test_all_well(client: TestClient, redis: FakeRedis) -> None:
    redis.values[heartbeat.KEY] = heartbeat.now()
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "database": "connected",
        "redis": "connected",
        "celery": "running",
    }


def test_without_redis_it_still_serves(client: TestClient, redis: FakeRedis) -> None:
    redis.is_up = False
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "database": "connected",
        "redis": "disconnected",
        "celery": "unknown",
    }


def test_without_database_it_does_not(client: TestClient, store: FakeStore) -> None:
    store.is_up = False
    answer = client.get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["database"] == "disconnected"


def test_probes_may_ask_under_any_host_name(client: TestClient) -> None:
    assert client.get("/api/health", headers={"host": "10.0.0.7"}).status_code == 200
    assert client.get("/api/version", headers={"host": "10.0.0.7"}).status_code == 400


@pytest.mark.parametrize(
    ("age_s", "word"), [(0, "running"), (29, "running"), (31, "stopped"), (3600, "stopped")]
)
def test_a_silent_worker_counts_as_stopped(age_s: int, word: str) -> None:
    assert heartbeat.describe(str(int(heartbeat.now()) - age_s)) == word


def test_a_worker_never_seen_is_unknown() -> None:
    assert heartbeat.describe(None) == "unknown"


def test_parts_that_hang_do_not_make_the_check_hang() -> None:
    class HangingStore(FakeStore):
        async def ping(self) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(60)  # a driver that takes its time to clean up

    class HangingRedis(FakeRedis):
        async def get(self, key: str) -> str | None:
            await asyncio.sleep(60)
            return None

    stopwatch = Stopwatch()
    result = asyncio.run(_check_and_measure(HangingStore(), HangingRedis(), stopwatch))
    assert result[0].database == "disconnected"
    assert result[0].redis == "disconnected"
    assert result[1] < 1


async def _check_and_measure(
    store: FakeStore, redis: FakeRedis, stopwatch: Stopwatch
) -> tuple[health.Health, float]:
    return await health.check(store, Cache(redis)), stopwatch.seconds
