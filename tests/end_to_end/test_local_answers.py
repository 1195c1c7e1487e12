"""What the proxy answers itself: its status, its health, and the telemetry that nobody needs."""

import pytest


def test_programs_get_the_status_as_json(client, upstream):
    answer = client.get("/", headers={"accept": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["running"] == 0


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/plain", ""])
def test_whoever_does_not_ask_for_html_gets_json(client, accept):
    assert client.get("/", headers={"accept": accept}).headers["content-type"].startswith("application/json")


def test_the_status_names_upstreams_and_bindings(client):
    text = client.get("/", headers={"accept": "application/json"}).text
    assert "only-messages" in text
    assert "via-venice" in text


def test_browsers_get_a_page(client):
    answer = client.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "only-messages" in answer.text
    assert "/admin/" in answer.text
    assert "&quot;enable_thinking&quot;: false" in answer.text  # parameters as JSON has them


def test_a_head_request_tells_that_somebody_is_there(client):
    """Row 6.1.1 of the wire reference."""
    answer = client.head("/")
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize("path", ["/health", "/llm/health"])
def test_health_names_the_target(client, upstream, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert upstream.url in str(answer.json()["target"])


@pytest.mark.parametrize(
    "path", ["/api/event_logging/batch", "/api/event_logging/v2/batch", "/llm/api/event_logging/batch"]
)
def test_telemetry_is_taken_and_goes_nowhere(client, upstream, path):
    """Row 6.1.1 of the wire reference."""
    answer = client.post(path, json={"events": [{"event_type": "x"}]})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert upstream.calls == []
