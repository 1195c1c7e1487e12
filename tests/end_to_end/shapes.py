"""What an error looks like in each dialect, as a body and as the end of a stream."""

import json
from typing import Any

import httpx


def events_of(content: bytes) -> list[tuple[str, Any]]:
    """(name, payload) of each event; fails when the stream does not end with a whole event."""
    assert content.endswith(b"\n\n"), f"half an event: {content[-200:]!r}"
    events = []
    for block in content.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            data = fields["data"]
            events.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return events


def assert_is_error(answer: httpx.Response, dialect: str, status: int) -> str:
    """Checks status and shape; returns the message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    if dialect == "messages":
        assert set(body) == {"type", "error", "request_id"}
        assert body["type"] == "error"
        assert body["request_id"] == answer.headers["request-id"]
        assert body["error"]["type"]
    else:
        assert set(body) == {"error"}
        assert {"message", "type", "param", "code"} <= set(body["error"])
        assert isinstance(body["error"]["code"], str)
    message: str = body["error"]["message"]
    assert message
    return message


def assert_ends_with_error(content: bytes, dialect: str) -> str:
    """Checks that a stream is whole events and that the last says what went wrong; returns the message."""
    events = events_of(content)
    if dialect in ("chat", "completions", "generate"):
        if events[-1] == ("", "[DONE]"):
            events.pop()
        name, payload = events[-1]
        error = payload["error"]
        assert name == ""
        assert not any(_finish(payload) for _, payload in events)
    elif dialect == "messages":
        name, payload = events[-1]
        error = payload["error"]
        assert (name, payload["type"]) == ("error", "error")
        assert error["type"]
        assert all(name != "message_stop" for name, _ in events)
    else:
        name, payload = events[-1]
        assert name == payload["type"] == "response.failed"
        assert payload["response"]["status"] == "failed"
        assert isinstance(payload["sequence_number"], int)
        error = payload["response"]["error"]
        assert error["code"]
    message: str = error["message"]
    assert message
    return message


def _finish(payload: Any) -> Any:
    choices = payload.get("choices") if isinstance(payload, dict) else None
    return choices[0].get("finish_reason") if choices else None
