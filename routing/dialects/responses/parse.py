"""The body of a Responses request to the neutral request."""

from collections.abc import Mapping
from typing import Any

from routing.dialects import reading
from routing.dialects.request import DEFAULT_COMPACTION, Request, ResponseFormat, Text
from routing.dialects.responses import history, tools
from routing.errors import BadRequest

_READ = frozenset(
    {
        "model",
        "input",
        "instructions",
        "max_output_tokens",
        "stop",
        "stream",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "user",
        "safety_identifier",
        "service_tier",
        "include",
        "top_logprobs",
        "truncation",
        "context_management",
    }
)
_OPENAI_ONLY = frozenset(
    {
        "metadata",
        "moderation",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "store",
    }
)
# Fields that have a meaning only at OpenAI.  True: leaving one out is worth a warning.
_NOT_CARRIED: Mapping[str, bool] = {
    "max_tool_calls": True,
    "access_programs": True,
    "background": False,
    "client_metadata": False,
    "conversation": False,
    "generate": False,
    "previous_response_id": False,
    "prompt": False,
    "stream_options": False,
}
# What a client keeps on OpenAI's servers.  Going on without it would answer another question than the one asked.
_STATE: Mapping[str, str] = {
    "previous_response_id": "Send the whole conversation in input instead.",
    "conversation": "Send the whole conversation in input instead.",
    "prompt": "Send the prompt itself in instructions and input instead.",
    "background": "Leave it out and read the answer as it comes.",
}
_LOGPROBS = "message.output_text.logprobs"
_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)


def parse(body: Mapping[str, Any]) -> Request:
    for name, way_out in _STATE.items():
        if body.get(name):
            raise BadRequest(f"{name} cannot be used here: this proxy keeps no conversations. {way_out}")
    request = Request(model=reading.text(body.get("model"), "model"), instructed=True)
    _instructions(body.get("instructions"), request)
    request.tools = tools.parse(body.get("tools"), request)
    history.read(body.get("input"), request)
    request.tool_choice = tools.parse_choice(body.get("tool_choice"), request)
    request.parallel_tool_calls = False if body.get("parallel_tool_calls") is False else None
    request.max_tokens = reading.whole(body.get("max_output_tokens"), "max_output_tokens") or None
    request.stop, warned = reading.stops(body.get("stop"), "stop")
    request.warnings += warned
    request.stream = body.get("stream") is True
    request.include_usage = True
    _text(reading.mapping(body.get("text"), "text"), request)
    reasoning = reading.mapping(body.get("reasoning"), "reasoning")
    request.effort = reading.text(reasoning.get("effort"), "reasoning.effort")
    request.summary = reading.text(reasoning.get("summary"), "reasoning.summary")
    request.display = "summarized" if request.summary else ""
    request.user = str(body.get("user") or body.get("safety_identifier") or "")
    request.service_tier = reading.text(body.get("service_tier"), "service_tier")
    _context(body.get("context_management"), request)
    _rest(body, request)
    return request


def _instructions(given: Any, request: Request) -> None:
    """A text; or, as an answer of the API repeats them, a list of messages."""
    if isinstance(given, list):
        history.read(given, request)
    elif text := reading.text(given, "instructions"):
        request.system.append(Text(text))


def _text(text: dict[str, Any], request: Request) -> None:
    wanted = reading.mapping(text.get("format"), "text.format")
    kind = wanted.get("type")
    if kind == "json_schema":
        request.response_format = ResponseFormat(
            "json_schema",
            wanted.get("schema"),
            reading.text(wanted.get("name"), "text.format.name"),
            reading.flag(wanted.get("strict"), "text.format.strict"),
            reading.text(wanted.get("description"), "text.format.description"),
        )
    elif kind is not None:
        request.response_format = ResponseFormat(str(kind))
    if text.get("verbosity") is not None:
        request.openai["verbosity"] = text["verbosity"]


def _context(given: Any, request: Request) -> None:
    for entry in reading.objects(given, "context_management"):
        if entry.get("type") == "compaction":
            limit = reading.whole(entry.get("compact_threshold"), "context_management[].compact_threshold")
            request.compact_at = limit or DEFAULT_COMPACTION
        else:
            request.warn(f"context_management {entry.get('type')} was left out: only OpenAI's API has it.")


def _rest(body: Mapping[str, Any], request: Request) -> None:
    if body.get("truncation") == "auto":
        request.warn("truncation was left out: only OpenAI's API shortens a conversation that is too long.")
    top = reading.whole(body.get("top_logprobs"), "top_logprobs")
    if top or _LOGPROBS in reading.items(body.get("include"), "include"):
        request.sampling |= {"logprobs": True, "top_logprobs": top}
    for name, value in body.items():
        if name in _READ or value is None:
            continue
        if name in _OPENAI_ONLY:
            request.openai[name] = value
        elif name not in _NOT_CARRIED:
            request.sampling[name] = value
        elif _NOT_CARRIED[name]:
            request.warn(f"{name} was left out: only OpenAI's API has it.")


def echo(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the answer repeats of its request, for `Exchange.echo`."""
    said = {name: body[name] for name in _ECHOED if body.get(name) is not None}
    if isinstance(said.get("text"), dict):
        said["text"] = {"format": {"type": "text"}, **said["text"]}
    return said
