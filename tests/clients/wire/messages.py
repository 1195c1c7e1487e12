"""Anthropic Messages, as Anthropic's API speaks and checks it."""

from collections.abc import Iterator
from typing import Any

from tests.clients.conversation import SEAL, Call, Heard, Result, Said, pieces, words
from tests.end_to_end.answers import Answer, json_answer, stream
from tests.end_to_end.exchanges import typed

PATH = "messages"
ID = "toolu_{turn}_{index}"

_FIELDS = words(
    "model messages system tools tool_choice max_tokens stream stop_sequences temperature top_p top_k thinking "
    "metadata output_config context_management service_tier"
)
_BLOCKS = {
    "text": {"type", "text", "cache_control"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "cache_control", "title", "context", "citations"},
    "thinking": {"type", "thinking", "signature"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
}
_IN = {
    "system": {"text"},
    "user": {"text", "image", "document", "tool_result"},
    "assistant": {"text", "thinking", "tool_use"},
}
_TOOL = {"type", "name", "description", "input_schema", "strict", "cache_control", "eager_input_streaming"}

_WEB_SEARCH = {"type", "name", "max_uses", "allowed_domains", "blocked_domains", "user_location"}


# Speaking


def answer(said: Said, body: dict[str, Any]) -> Answer:
    if not body.get("stream"):
        return json_answer(_message(said, _content(said), _stop_reason(said), said.usage.output))
    return stream(*(typed(payload) for payload in _events(said)))


def _stop_reason(said: Said) -> str:
    return "tool_use" if said.ids else "end_turn"


def _message(said: Said, content: list[Any], stop_reason: str | None, output_tokens: int) -> dict[str, Any]:
    return {
        "id": f"msg_{said.number}",
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": said.usage.input - said.usage.cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": said.usage.cached,
            "output_tokens": output_tokens,
        },
    }


def arguments(call: Call) -> dict[str, Any]:
    """As this dialect tells of them: it knows no free-form tools."""
    return {"input": call.arguments} if isinstance(call.arguments, str) else call.arguments


def _content(said: Said) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if said.turn.thinking:
        content.append({"type": "thinking", "thinking": said.turn.thinking, "signature": SEAL})
    if said.turn.text:
        content.append({"type": "text", "text": said.turn.text})
    calls = (
        {"type": "tool_use", "id": id, "name": call.flat_name, "input": arguments(call)} for id, call in said.calls
    )
    return [*content, *calls]


def _events(said: Said) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _message(said, [], None, 1)}
    yield {"type": "ping"}
    for index, (empty, deltas) in enumerate(_blocks(said)):
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": _stop_reason(said), "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": said.usage.output}}
    yield {"type": "message_stop"}


def _blocks(said: Said) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each block as it starts, and what it grows by."""
    if said.turn.thinking:
        grown = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(said.turn.thinking)]
        yield (
            {"type": "thinking", "thinking": "", "signature": ""},
            [*grown, {"type": "signature_delta", "signature": SEAL}],
        )
    if said.turn.text:
        grown = [{"type": "text_delta", "text": piece} for piece in pieces(said.turn.text)]
        yield {"type": "text", "text": ""}, grown
    for id, call in said.calls:
        grown = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(call.as_function))]
        yield {"type": "tool_use", "id": id, "name": call.flat_name, "input": {}}, grown


# Listening


def heard(body: dict[str, Any]) -> Heard:
    found = Heard()
    found.must_know(body, _FIELDS, "the request")
    found.must(isinstance(body.get("max_tokens"), int) and body["max_tokens"] > 0, "max_tokens is missing")
    _hear_blocks(body.get("system", []), "system", "system", found)
    for tool in body.get("tools", []):
        _hear_tool(tool, found)
    found.must(len(set(found.tools)) == len(found.tools), "two tools have one name")
    messages = body["messages"]
    found.must(messages[0]["role"] == "user", f"the first message is of {messages[0]['role']}")
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        what, role = f"messages[{index}]", message["role"]
        found.must(set(message) == {"role", "content"} and role in _IN, f"{what} is {sorted(message)} of {role}")
        blocks = _hear_blocks(message["content"], role, what, found)
        given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        found.must(sorted(given) == sorted(waiting), f"{what} has results of {given}, and called were {waiting}")
        kinds = [block["type"] == "tool_result" for block in blocks]
        found.must(kinds == sorted(kinds, reverse=True), f"{what} has something before its results")
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
    found.must(not waiting, f"the results of {waiting} are missing")
    return found


def _hear_tool(tool: dict[str, Any], found: Heard) -> None:
    if str(tool.get("type", "")).startswith("web_search_"):
        found.must_know(tool, _WEB_SEARCH, "the web search")
        return
    found.must_know(tool, _TOOL, f"the tool {tool.get('name')}")
    found.must(tool.get("type") in (None, "custom"), f"a tool has the type {tool.get('type')}")
    found.must(tool["input_schema"].get("type") == "object", f"{tool['name']} takes no object")
    found.tools.append(tool["name"])


def _hear_blocks(content: Any, role: str, what: str, found: Heard) -> list[dict[str, Any]]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    found.must(blocks or what == "system", f"{what} is empty")
    for block in blocks:
        kind = block["type"]
        if found.must(kind in _IN.get(role, ()), f"{what} of {role} has a block of type {kind}"):
            found.must_know(block, _BLOCKS[kind], f"a block of {what}")
            _hear_block(block, role, what, found)
    return blocks


def _hear_block(block: dict[str, Any], role: str, what: str, found: Heard) -> None:
    if block["type"] == "text":
        found.must(block["text"].strip(), f"{what} has an empty text")
        if role == "assistant":
            found.texts.append(block["text"])
        elif role == "user":
            found.asked = block["text"]
    elif block["type"] == "thinking":
        found.must(block["signature"] == SEAL, f"{what} has thinking with a foreign signature {block['signature']!r}")
        found.thinking.append(block["thinking"])
    elif block["type"] == "tool_use":
        found.must(isinstance(block["input"], dict), f"{what} calls with {block['input']!r}")
        found.called[block["id"]] = (block["name"], block["input"])
    elif block["type"] == "tool_result":
        found.results[block["tool_use_id"]] = _result(block)
    elif block["type"] == "image" and block["source"]["type"] == "base64":
        found.images.append(_data_url(block["source"]))


def _result(block: dict[str, Any]) -> Result:
    content = block.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return Result(text, bool(block.get("is_error")), sum(part["type"] == "image" for part in parts))


def _data_url(source: dict[str, Any]) -> str:
    return f"data:{source['media_type']};base64,{source['data']}"
