"""Clients and upstreams that speak different dialects, and one answer that has everything, in each upstream's words."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.end_to_end.exchanges import CHAT, COMPLETIONS, GENERATE, MESSAGES, RESPONSES, Exchange
from tests.routing.dialects.checkers import Read, check_chat, check_completions, check_messages, check_responses
from tests.routing.dialects.support import transcript


@dataclass(frozen=True)
class Pair:
    client: Exchange
    upstream: Exchange

    def __str__(self) -> str:
        return f"{self.client}-to-{self.upstream}"

    @property
    def model(self) -> str:
        """The model whose upstream speaks this dialect and no other."""
        return f"via-only-{self.upstream}"

    def body(self, **more: Any) -> dict[str, Any]:
        return self.client.body(**{"model": self.model, **more})

    def post(self, http: httpx.Client, **more: Any) -> httpx.Response:
        return http.post(self.client.client_path, json=self.body(**more), headers=self.client.headers)


_TALKS = (CHAT, MESSAGES, RESPONSES)
TALKING = tuple(Pair(client, upstream) for client in _TALKS for upstream in _TALKS if client is not upstream)
PAIRS = (*TALKING, *(Pair(COMPLETIONS, upstream) for upstream in (MESSAGES, RESPONSES, GENERATE)))
ONE_OF_EACH_CLIENT = (TALKING[0], TALKING[2], TALKING[4], PAIRS[-1])

every_pair = pytest.mark.parametrize("pair", PAIRS, ids=str)
every_talking_pair = pytest.mark.parametrize("pair", TALKING, ids=str)
every_client = pytest.mark.parametrize("pair", ONE_OF_EACH_CLIENT, ids=str)

# Thinking, a text, two calls: as events, and whole.  100 tokens of prompt, 60 of them cached, and 20 of answer.
TOLD = {
    "chat": transcript("deepseek"),
    "messages": transcript("anthropic"),
    "responses": transcript("responses"),
}
THOUGHT, SAID = "Let me look. 🌦", "Ich schaue nach …"
CALLED = (("weather", '{"city": "Zürich"}'), ("clock", '{"zone": "UTC"}'))
WHOLE: dict[str, dict[str, Any]] = {
    "chat": {
        **CHAT.answer,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "reasoning_content": THOUGHT,
                    "content": SAID,
                    "tool_calls": [
                        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
                        for name, arguments in CALLED
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}},
    },
    "messages": {
        **MESSAGES.answer,
        "content": [
            {"type": "thinking", "thinking": THOUGHT, "signature": "c2lnbmVk"},
            {"type": "text", "text": SAID},
            {"type": "tool_use", "id": "call_weather", "name": "weather", "input": {"city": "Zürich"}},
            {"type": "tool_use", "id": "call_clock", "name": "clock", "input": {"zone": "UTC"}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 20},
    },
    "responses": {
        **RESPONSES.answer,
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": THOUGHT}]},
            {**RESPONSES.answer["output"][0], "content": [{"type": "output_text", "text": SAID, "annotations": []}]},
            *(
                {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "name": name}
                | {"arguments": arguments, "status": "completed"}
                for name, arguments in CALLED
            ),
        ],
        "usage": {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 20},
    },
}

_CHECKS = {
    "chat": check_chat,
    "completions": check_completions,
    "messages": check_messages,
    "responses": check_responses,
}


def read_stream(pair: Pair, content: bytes) -> Read:
    """Checks a stream by the rules of the client's dialect."""
    if pair.client is pair.upstream is CHAT:
        return check_chat(content, kept=True)
    return _CHECKS[pair.client.dialect](content)


def read_whole(pair: Pair, body: dict[str, Any]) -> Read:
    return {"chat": _chat, "completions": _completion, "messages": _message, "responses": _response}[
        pair.client.dialect
    ](body)


def _chat(body: dict[str, Any]) -> Read:
    choice = body["choices"][0]
    message = choice["message"]
    parts = [("thinking", message.get("reasoning_content", "")), ("text", message["content"] or "")]
    calls = [(call["id"], *call["function"].values()) for call in message.get("tool_calls", ())]
    return Read([*parts, *(("tool", call) for call in calls)], choice["finish_reason"], body["usage"])


def _completion(body: dict[str, Any]) -> Read:
    return Read([("text", body["choices"][0]["text"])], body["choices"][0]["finish_reason"], body["usage"])


def _message(body: dict[str, Any]) -> Read:
    parts: list[Any] = []
    for block in body["content"]:
        if block["type"] == "tool_use":
            parts.append(("tool", (block["id"], block["name"], block["input"])))
        else:
            parts.append((block["type"], block[block["type"]]))
    return Read(parts, body["stop_reason"], body["usage"])


def _response(body: dict[str, Any]) -> Read:
    parts: list[Any] = []
    for item in body["output"]:
        if item["type"] == "function_call":
            parts.append(("tool", (item["call_id"], item["name"], item["arguments"])))
        elif item["type"] == "reasoning":
            parts.append(("thinking", "".join(part["text"] for part in item["summary"])))
        else:
            parts.append(("text", item["content"][0]["text"]))
    return Read(parts, body["status"], body["usage"])


def prompt_and_output(dialect: str, usage: dict[str, Any]) -> tuple[int, int, int]:
    """The whole prompt, what of it was cached, and the answer."""
    if dialect == "messages":
        cached = usage["cache_read_input_tokens"]
        prompt = usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0)
        return prompt, cached, usage["output_tokens"]
    if dialect == "responses":
        return usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"], usage["output_tokens"]
    return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"], usage["completion_tokens"]
