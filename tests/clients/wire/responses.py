"""Responses, as OpenAI's API speaks and checks it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.clients.conversation import SEAL, Call, Heard, Result, Said, pieces, words
from tests.end_to_end.answers import Answer, json_answer, stream
from tests.end_to_end.exchanges import typed

PATH = "responses"
ID = "call_{turn}_{index}"

_FIELDS = words(
    "model input instructions tools tool_choice parallel_tool_calls stream stream_options store include reasoning "
    "text temperature top_p max_output_tokens metadata user prompt_cache_key service_tier truncation "
    "previous_response_id safety_identifier max_tool_calls client_metadata"
)
_ITEMS = {
    "message": {"type", "id", "role", "content", "status", "phase"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
    "function_call": {"type", "id", "call_id", "name", "namespace", "arguments", "status"},
    "custom_tool_call": {"type", "id", "call_id", "name", "namespace", "input", "status"},
    "function_call_output": {"type", "id", "call_id", "output", "status"},
    "custom_tool_call_output": {"type", "id", "call_id", "name", "output", "status"},
    "additional_tools": {"type", "id", "role", "tools"},
}
_PARTS = {
    "assistant": {"output_text", "refusal"},
    "user": {"input_text", "input_image", "input_file"},
    "system": {"input_text"},
    "developer": {"input_text"},
}
_TOOLS = {
    "function": {"type", "name", "description", "parameters", "strict", "defer_loading"},
    "custom": {"type", "name", "description", "format", "defer_loading"},
}


# Speaking

Payload = dict[str, Any]


def arguments(call: Call) -> Any:
    """As this dialect tells of them."""
    return call.arguments


def answer(said: Said, body: dict[str, Any]) -> Answer:
    if not body.get("stream"):
        return json_answer(_response(said, "completed", [whole for _, whole, _ in _items(said)]))
    numbered = enumerate(_events(said))
    return stream(*(typed({**payload, "sequence_number": number}) for number, payload in numbered))


def _response(said: Said, status: str, output: list[Payload]) -> Payload:
    usage = said.usage
    counted = {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
    return {
        "id": f"resp_{said.number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "model": said.model,
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
        "usage": counted if status == "completed" else None,
    }


def _events(said: Said) -> Iterator[Payload]:
    yield {"type": "response.created", "response": _response(said, "in_progress", [])}
    yield {"type": "response.in_progress", "response": _response(said, "in_progress", [])}
    output = []
    for index, (empty, whole, between) in enumerate(_items(said)):
        yield {"type": "response.output_item.added", "output_index": index, "item": empty}
        place = {"item_id": whole["id"], "output_index": index}
        yield from ({**place, **payload} for payload in between)
        yield {"type": "response.output_item.done", "output_index": index, "item": whole}
        output.append(whole)
    yield {"type": "response.completed", "response": _response(said, "completed", output)}


def _items(said: Said) -> Iterator[tuple[Payload, Payload, list[Payload]]]:
    """Each item as it begins, as it is at the end, and the events between."""
    if said.turn.thinking:
        yield _reasoning(f"rs_{said.number}", said.turn.thinking)
    if said.turn.text:
        yield _message(f"msg_{said.number}", said.turn.text)
    for index, (id, call) in enumerate(said.calls):
        yield _called(f"{said.number}_{index}", id, call)


def _reasoning(id: str, text: str) -> tuple[Payload, Payload, list[Payload]]:
    part = {"type": "summary_text", "text": text}
    item: Payload = {"id": id, "type": "reasoning", "summary": [], "encrypted_content": SEAL}
    kind = "response.reasoning_summary"
    deltas = ({"type": f"{kind}_text.delta", "delta": piece} for piece in pieces(text))
    between = [
        {"type": f"{kind}_part.added", "part": {**part, "text": ""}},
        *deltas,
        {"type": f"{kind}_text.done", "text": text},
        {"type": f"{kind}_part.done", "part": part},
    ]
    return item, {**item, "summary": [part]}, [{**payload, "summary_index": 0} for payload in between]


def _message(id: str, text: str) -> tuple[Payload, Payload, list[Payload]]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item: Payload = {"id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    deltas = ({"type": "response.output_text.delta", "delta": piece, "logprobs": []} for piece in pieces(text))
    between = [
        {"type": "response.content_part.added", "part": {**part, "text": ""}},
        *deltas,
        {"type": "response.output_text.done", "text": text, "logprobs": []},
        {"type": "response.content_part.done", "part": part},
    ]
    whole = {**item, "status": "completed", "content": [part]}
    return item, whole, [{**payload, "content_index": 0} for payload in between]


def _called(id: str, call_id: str, call: Call) -> tuple[Payload, Payload, list[Payload]]:
    group = {"namespace": call.group} if call.group else {}
    if isinstance(call.arguments, str):
        kind, event, key, text = "custom_tool_call", "response.custom_tool_call_input", "input", call.arguments
        id = f"ctc_{id}"
    else:
        kind, event, key, text = "function_call", "response.function_call_arguments", "arguments", call.as_function
        id = f"fc_{id}"
    item: Payload = {"id": id, "type": kind, "call_id": call_id, "name": call.name, **group, key: ""}
    deltas = ({"type": f"{event}.delta", "delta": piece} for piece in pieces(text))
    between = [*deltas, {"type": f"{event}.done", key: text}]
    return {**item, "status": "in_progress"}, {**item, key: text, "status": "completed"}, between


# Listening


def heard(body: Payload) -> Heard:
    found = Heard()
    found.must_know(body, _FIELDS, "the request")
    _hear_tools(body.get("tools", []), "", found)
    given = body["input"]
    waiting: dict[str, str] = {}
    for index, item in enumerate([{"role": "user", "content": given}] if isinstance(given, str) else given):
        kind, what = item.get("type", "message"), f"input[{index}]"
        if found.must(kind in _ITEMS, f"{what} has the type {kind}"):
            found.must_know(item, _ITEMS[kind], f"{what} of type {kind}")
            _hear_item(item, kind, what, waiting, found)
    found.must(not waiting, f"the results of {waiting} are missing")
    return found


def _hear_tools(tools: list[Payload], group: str, found: Heard) -> None:
    for tool in tools:
        if tool["type"] == "namespace":
            _hear_tools(tool["tools"], f"{tool['name']}__", found)
        elif tool["type"] in _TOOLS:
            found.must_know(tool, _TOOLS[tool["type"]], f"the tool {tool['name']}")
            found.tools.append(group + tool["name"])


def _hear_item(item: Payload, kind: str, what: str, waiting: dict[str, str], found: Heard) -> None:
    if kind == "message":
        _hear_message(item, what, found)
    elif kind == "additional_tools":
        _hear_tools(item["tools"], "", found)
    elif kind == "reasoning":
        sealed = item.get("encrypted_content")
        found.must(sealed in (None, SEAL), f"{what} has a foreign seal {sealed!r}")
        found.thinking += [part["text"] for part in item["summary"]]
    elif kind in ("function_call", "custom_tool_call"):
        waiting[item["call_id"]] = f"{kind}_output"
        name = f"{item['namespace']}__{item['name']}" if item.get("namespace") else item["name"]
        arguments = item["input"] if kind == "custom_tool_call" else json.loads(item["arguments"])
        found.called[item["call_id"]] = (name, arguments)
    else:
        expected = waiting.pop(item["call_id"], None)
        found.must(kind == expected, f"{what} is a {kind} of {item['call_id']}, where {expected} was expected")
        found.results[item["call_id"]] = _result(item["output"])


def _hear_message(item: Payload, what: str, found: Heard) -> None:
    role, content = item["role"], item["content"]
    if not found.must(role in _PARTS, f"{what} has the role {role}"):
        return
    if isinstance(content, str):
        text = content
    else:
        for part in content:
            found.must(part["type"] in _PARTS[role], f"{what} of {role} has a part of type {part['type']}")
        found.images += [part["image_url"] for part in content if part["type"] == "input_image"]
        text = "\n".join(part["text"] for part in content if "text" in part)
    if role == "assistant":
        found.texts.append(text)
    elif role == "user":
        found.asked = text


def _result(output: Any) -> Result:
    if isinstance(output, str):
        return Result(output)
    images = sum(part["type"] == "input_image" for part in output)
    return Result("\n".join(part["text"] for part in output if "text" in part), images=images)
