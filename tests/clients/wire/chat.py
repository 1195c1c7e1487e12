"""Chat Completions, as a local server with a reasoning parser speaks it and OpenAI's API checks it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.clients.conversation import Call, Heard, Result, Said, pieces, words
from tests.end_to_end.answers import Answer, event, json_answer, stream

PATH = "chat/completions"
ID = "call_{turn}_{index}"

_FIELDS = words(
    "model messages tools tool_choice parallel_tool_calls stream stream_options temperature top_p n stop max_tokens "
    "max_completion_tokens presence_penalty frequency_penalty logit_bias logprobs top_logprobs user seed "
    "response_format reasoning_effort metadata store service_tier prompt_cache_key safety_identifier verbosity "
    "chat_template_kwargs top_k"
)
_PARTS = {"text": {"type", "text"}, "image_url": {"type", "image_url"}, "file": {"type", "file"}}
_MESSAGE = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal", "reasoning_content", "reasoning"},
    "tool": {"role", "content", "tool_call_id"},
}


# Speaking


def arguments(call: Call) -> Any:
    """As this dialect tells of them: local servers know no free-form tools."""
    return json.loads(call.as_function)


def answer(said: Said, body: dict[str, Any]) -> Answer:
    if not body.get("stream"):
        return json_answer(_whole(said))
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return stream(*(event(chunk) for chunk in _chunks(said, wants_usage)), event("[DONE]"))


def _head(said: Said, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{said.number}", "object": kind, "created": 1_790_000_000, "model": said.model}


def _usage(said: Said) -> dict[str, Any]:
    usage = said.usage
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _finish(said: Said) -> str:
    return "tool_calls" if said.ids else "stop"


def _chunks(said: Said, wants_usage: bool) -> Iterator[dict[str, Any]]:
    extra = {"usage": None} if wants_usage else {}
    for delta in _deltas(said):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        yield {**_head(said, "chat.completion.chunk"), "choices": [choice], **extra}
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _finish(said)}
    yield {**_head(said, "chat.completion.chunk"), "choices": [last], **extra}
    if wants_usage:
        yield {**_head(said, "chat.completion.chunk"), "choices": [], "usage": _usage(said)}


def _deltas(said: Said) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    yield from ({"reasoning_content": piece} for piece in pieces(said.turn.thinking))
    yield from ({"content": piece} for piece in pieces(said.turn.text))
    for index, (id, call) in enumerate(said.calls):
        function = {"name": call.flat_name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}
        for piece in pieces(call.as_function):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _whole(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.turn.text or None}
    if said.turn.thinking:
        message["reasoning_content"] = said.turn.thinking
    if said.ids:
        message["tool_calls"] = [
            {"id": id, "type": "function", "function": {"name": call.flat_name, "arguments": call.as_function}}
            for id, call in said.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    return {**_head(said, "chat.completion"), "choices": [choice], "usage": _usage(said)}


# Listening


def heard(body: dict[str, Any]) -> Heard:
    found = Heard()
    found.must_know(body, _FIELDS, "the request")
    for tool in body.get("tools", []):
        _hear_tool(tool, found)
    found.must(body.get("tools") != [], "the list of tools is empty")
    found.must(len(set(found.tools)) == len(found.tools), "two tools have one name")
    waiting: list[str] = []
    for index, message in enumerate(body["messages"]):
        what = f"messages[{index}]"
        role = message["role"]
        if not found.must(role in _MESSAGE, f"{what} has the role {role}"):
            continue
        found.must_know(message, _MESSAGE[role], f"{what} of {role}")
        if role == "tool":
            _hear_result(message, waiting, what, found)
            continue
        found.must(not waiting, f"{what} of {role} comes before the results of {waiting}")
        waiting = []
        if role == "assistant":
            waiting = _hear_assistant(message, what, found)
        else:
            text = _hear_content(message["content"], what, found)
            found.asked = text if role == "user" else found.asked
    found.must(not waiting, f"the results of {waiting} are missing")
    return found


def _hear_tool(tool: dict[str, Any], found: Heard) -> None:
    if not found.must(set(tool) == {"type", "function"} and tool["type"] == "function", f"a tool is {tool}"):
        return
    function = tool["function"]
    found.must_know(function, {"name", "description", "parameters", "strict"}, f"the tool {function['name']}")
    schema = function.get("parameters", {"type": "object", "properties": {}})
    found.must(schema.get("type") == "object" and "properties" in schema, f"{function['name']} takes no object")
    found.tools.append(function["name"])


def _hear_content(content: Any, what: str, found: Heard) -> str:
    if isinstance(content, str):
        return content
    if not found.must(isinstance(content, list) and content, f"the content of {what} is {content!r}"):
        return ""
    for part in content:
        if found.must(part["type"] in _PARTS, f"{what} has a part of type {part['type']}"):
            found.must_know(part, _PARTS[part["type"]], f"a part of {what}")
    found.images += [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def _hear_assistant(message: dict[str, Any], what: str, found: Heard) -> list[str]:
    calls = message.get("tool_calls")
    found.must(calls != [], f"{what} has an empty list of calls")
    if message.get("content") is not None:
        text = _hear_content(message["content"], what, found)
        found.must(text or not calls, f"{what} has empty content beside its calls")
        found.texts += [text] if text else []
    else:
        found.must(calls, f"{what} has neither content nor calls")
    if thinking := message.get("reasoning_content") or message.get("reasoning"):
        found.thinking.append(thinking)
    for call in calls or []:
        found.must(set(call) == {"id", "type", "function"} and call["type"] == "function", f"{what} calls {call}")
        arguments = json.loads(call["function"]["arguments"])
        found.must(isinstance(arguments, dict), f"{what} calls with {arguments!r}")
        found.called[call["id"]] = (call["function"]["name"], arguments)
    return [call["id"] for call in calls or []]


def _hear_result(message: dict[str, Any], waiting: list[str], what: str, found: Heard) -> None:
    id = message["tool_call_id"]
    if found.must(id in waiting, f"{what} is the result of {id}, which was not called just before"):
        waiting.remove(id)
    images = len(found.images)
    text = _hear_content(message["content"], what, found)
    found.must(len(found.images) == images, f"{what} is a tool's and has an image")
    found.results[id] = Result(text)
