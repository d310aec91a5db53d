from fastapi.testclient import TestClient


def test_slow_waits_and_answers(client: TestClient) -> None:
    answer = client.get("/api/slow", params={"seconds": 0.1})
    assert answer.json() == {"seconds": 0.1, "version": "v1.2.3"}


def test_slow_has_a_limit(client: TestClient) -> None:
    assert client.get("/api/slow", params={"seconds": 31}).status_code == 422


def test_a_stream_that_is_whole_ends_with_end(client: TestClient) -> None:
    lines = client.get("/api/stream", params={"seconds": 0.4}).text.splitlines()
    assert lines == ["0 v1.2.3", "1 v1.2.3", "end v1.2.3"]


def test_websocket_ticks_and_echoes(client: TestClient) -> None:
    with client.websocket_connect("/api/ws") as socket:
        socket.send_text("hello")
        messages = {socket.receive_text(), socket.receive_text()}
        assert messages == {"tick v1.2.3", "echo hello"}
