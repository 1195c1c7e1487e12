"""One finished stream of each dialect, frame by frame, as the servers write it."""

from typing import Any

import orjson

from routing.dialects import Dialect


def frame(payload: Any, name: str = "") -> bytes:
    text = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return (b"event: " + name.encode() + b"\n" if name else b"") + b"data: " + text + b"\n\n"


def _typed(payload: dict[str, Any]) -> bytes:
    return frame(payload, payload["type"])


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "theirs"}
    return frame({**head, "choices": [choice], **more})


def _text(text: str, finish: str | None = None, **more: Any) -> bytes:
    return frame({"id": "c", "model": "theirs", "choices": [{"text": text, "finish_reason": finish}], **more})


def _generated(text: str, finish: dict[str, Any] | None) -> bytes:
    info = {"finish_reason": finish, "prompt_tokens": 10, "completion_tokens": 2, "cached_tokens": 4}
    return frame({"text": text, "meta_info": info})


def _response(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "status": status, "model": "theirs", "error": None, **more}


_USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}

CHAT = (
    _chunk({"role": "assistant", "content": ""}),
    _chunk({"content": "Hi “there”"}),
    _chunk({}, "stop"),
    frame({"id": "c", "model": "theirs", "choices": [], "usage": _USAGE}),
    frame(b"[DONE]"),
)
COMPLETIONS = (_text("Hi"), _text("", "stop", usage=_USAGE), frame(b"[DONE]"))
MESSAGES = (
    _typed(
        {
            "type": "message_start",
            "message": {
                "type": "message",
                "model": "theirs",
                "stop_reason": None,
                "usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 1},
            },
        }
    ),
    _typed({"type": "ping"}),
    _typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
    _typed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
    _typed({"type": "message_stop"}),
)
RESPONSES = (
    _typed({"type": "response.created", "response": _response("in_progress")}),
    _typed({"type": "response.output_text.delta", "delta": "Hi"}),
    _typed(
        {
            "type": "response.completed",
            "response": _response(
                "completed",
                usage={"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 2},
            ),
        }
    ),
)
GENERATE = (
    _generated("Hi", None),
    _generated("Hi there", {"type": "stop", "matched": 2}),
    frame(b"[DONE]"),
)

TRANSCRIPTS: dict[Dialect, tuple[bytes, ...]] = {
    Dialect.CHAT: CHAT,
    Dialect.COMPLETIONS: COMPLETIONS,
    Dialect.MESSAGES: MESSAGES,
    Dialect.RESPONSES: RESPONSES,
    Dialect.GENERATE: GENERATE,
}
FINISH = {
    Dialect.CHAT: "stop",
    Dialect.COMPLETIONS: "stop",
    Dialect.MESSAGES: "end_turn",
    Dialect.RESPONSES: "completed",
    Dialect.GENERATE: "stop",
}
# The frame of each stream from which on its answer is complete.
COMPLETE_FROM = {
    Dialect.CHAT: 2,
    Dialect.COMPLETIONS: 1,
    Dialect.MESSAGES: 4,
    Dialect.RESPONSES: 2,
    Dialect.GENERATE: 1,
}


def chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]
