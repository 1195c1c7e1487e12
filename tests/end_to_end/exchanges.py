"""A plain request and its answers in each dialect, for tests that do not care what is said."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end.answers import event

HELLO = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True)
class Exchange:
    """`events` are the whole stream in order, the one that finishes the answer among the last.

    The first is the greeting with the first word: greetings alone are held until something of the answer has come.
    """

    dialect: str
    path: str  # canonical: as it goes behind /v1
    request: dict[str, Any]
    answer: dict[str, Any]
    events: tuple[bytes, ...]
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.dialect

    @property
    def client_path(self) -> str:
        return f"/{self.path}" if self.dialect == "generate" else f"/v1/{self.path}"

    def body(self, model: str = "plain", **more: Any) -> dict[str, Any]:
        return {"model": model, **self.request, **more}

    @property
    def stream(self) -> bytes:
        return b"".join(self.events)


def chat_chunk(delta: dict[str, Any], finish: str | None = None, model: str = "plain") -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [choice],
    }


CHAT = Exchange(
    "chat",
    "chat/completions",
    {"messages": HELLO},
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "plain",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi there"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    },
    (
        event(chat_chunk({"role": "assistant", "content": ""})) + event(chat_chunk({"content": "Hi"})),
        event(chat_chunk({"content": " there"})),
        event(chat_chunk({}, "stop")),
        event("[DONE]"),
    ),
)


def _completion(text: str, finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "plain", "choices": [choice]}


COMPLETIONS = Exchange(
    "completions",
    "completions",
    {"prompt": "Hello"},
    {**_completion("Hi there", "stop"), "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    (
        event(_completion("Hi", None)),
        event(_completion(" there", None)),
        event(_completion("", "stop")),
        event("[DONE]"),
    ),
)

_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "plain",
    "content": [{"type": "text", "text": "Hi there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def typed(payload: dict[str, Any]) -> bytes:
    """An event whose name is its payload's type, as `messages` and `responses` have it."""
    return event(payload, payload["type"])


def _text_delta(text: str) -> bytes:
    return typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


MESSAGES = Exchange(
    "messages",
    "messages",
    {"max_tokens": 100, "messages": HELLO},
    _MESSAGE,
    (
        typed({"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}})
        + typed({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        + _text_delta("Hi"),
        _text_delta(" there"),
        typed({"type": "content_block_stop", "index": 0}),
        typed(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 2},
            }
        ),
        typed({"type": "message_stop"}),
    ),
    {"anthropic-version": "2023-06-01"},
)

_ITEM = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi there", "annotations": []}],
}


def _response(status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "plain",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
    }


def _greeted(events: Iterable[bytes]) -> tuple[bytes, ...]:
    """The three greetings and the first word are one."""
    created, item, part, word, *rest = events
    return (created + item + part + word, *rest)


_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_EMPTY_PART = {"type": "output_text", "text": "", "annotations": []}

RESPONSES = Exchange(
    "responses",
    "responses",
    {"input": "Hello"},
    _response("completed", [_ITEM]),
    _greeted(
        typed({**payload, "sequence_number": number})
        for number, payload in enumerate(
            (
                {"type": "response.created", "response": _response("in_progress", [])},
                {
                    "type": "response.output_item.added",
                    "output_index": 0,
                    "item": {**_ITEM, "status": "in_progress", "content": []},
                },
                {"type": "response.content_part.added", **_PLACE, "part": _EMPTY_PART},
                {"type": "response.output_text.delta", **_PLACE, "delta": "Hi", "logprobs": []},
                {"type": "response.output_text.delta", **_PLACE, "delta": " there", "logprobs": []},
                {"type": "response.output_text.done", **_PLACE, "text": "Hi there", "logprobs": []},
                {"type": "response.content_part.done", **_PLACE, "part": _ITEM["content"][0]},
                {"type": "response.output_item.done", "output_index": 0, "item": _ITEM},
                {"type": "response.completed", "response": _response("completed", [_ITEM])},
            )
        )
    ),
)


def _generated(text: str, finish: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "text": text,
        "meta_info": {"id": "g1", "finish_reason": finish, "prompt_tokens": 1, "completion_tokens": 2},
    }


GENERATE = Exchange(
    "generate",
    "generate",
    {"text": "Hello"},
    _generated("Hi there", {"type": "stop", "matched": 2}),
    (
        event(_generated("Hi", None)),
        event(_generated("Hi there", None)),
        event(_generated("Hi there", {"type": "stop", "matched": 2})),
        event("[DONE]"),
    ),
)

EMBEDDINGS = Exchange(
    "embeddings",
    "embeddings",
    {"input": "Hello"},
    {
        "object": "list",
        "model": "plain",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    },
    (),
)

STREAMED = (CHAT, COMPLETIONS, MESSAGES, RESPONSES, GENERATE)
ALL = (*STREAMED, EMBEDDINGS)
