from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bookreader import heartbeat, worker
from bookreader.api import summaries
from bookreader.schemas import SummaryIn


def test_an_order_is_passed_to_the_worker(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[SummaryIn] = []

    def enqueue(order: SummaryIn) -> str:
        orders.append(order)
        return "task-1"

    monkeypatch.setattr(summaries, "enqueue", enqueue)
    answer = client.post("/api/summaries", json={"book_id": 1, "seconds": 5})
    assert answer.status_code == 202
    assert answer.json() == {"task": "task-1"}
    assert orders == [SummaryIn(book_id=1, seconds=5)]


def test_without_a_broker_an_order_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enqueue(_: SummaryIn) -> str:
        raise ConnectionError

    monkeypatch.setattr(summaries, "enqueue", enqueue)
    assert client.post("/api/summaries", json={}).status_code == 503


def test_an_order_needs_a_book(client: TestClient) -> None:
    assert client.post("/api/summaries", json={"book_id": 99}).status_code == 404


def test_counts(client: TestClient) -> None:
    assert client.get("/api/summaries/counts").json() == {"started": 2, "finished": 1}


def test_beat_sends_only_tasks_that_exist() -> None:
    tasks = {entry["task"] for entry in worker.app.conf.beat_schedule.values()}
    assert tasks <= set(worker.app.tasks)


def test_a_worker_refuses_a_bad_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAK", "boot")
    with pytest.raises(SystemExit):
        worker.refuse_a_bad_environment()


def test_a_worker_leaves_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Keys(dict[str, str]):
        set = dict.__setitem__

    keys = Keys()
    monkeypatch.setattr(worker, "WORKER_ALIVE", tmp_path / "alive")
    monkeypatch.setattr(worker, "redis", lambda: keys)
    worker.show_worker_alive()
    assert (tmp_path / "alive").exists()
    assert heartbeat.describe(keys[heartbeat.KEY]) == "running"
