"""The body of a chat request to the neutral request."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from routing.dialects import reading, seals
from routing.dialects.chat import content
from routing.dialects.events import members
from routing.dialects.json import dumps_text
from routing.dialects.request import (
    Choice,
    Part,
    Reasoning,
    Refusal,
    Request,
    ResponseFormat,
    Role,
    ServerTool,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from routing.errors import BadRequest

_READ = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "stream",
        "stream_options",
        "n",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "user",
        "safety_identifier",
        "service_tier",
        "audio",
    }
)
OPENAI_ONLY = frozenset(
    {
        "metadata",
        "moderation",
        "modalities",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "store",
        "verbosity",
        "web_search_options",
    }
)


def parse(body: Mapping[str, Any]) -> Request:
    request = Request(model=reading.text(body.get("model"), "model"))
    _Conversation(request).read(body.get("messages"))
    request.max_tokens = max_tokens(body)
    request.stop, warned = reading.stops(body.get("stop"), "stop")
    request.warnings += warned
    request.stream = body.get("stream") is True
    options = reading.mapping(body.get("stream_options"), "stream_options")
    request.include_usage = options.get("include_usage") is True
    one_answer(body)
    _tools(body, request)
    request.response_format = response_format(body.get("response_format"))
    request.effort = reading.text(body.get("reasoning_effort"), "reasoning_effort")
    request.user = str(body.get("user") or body.get("safety_identifier") or "")
    request.service_tier = reading.text(body.get("service_tier"), "service_tier")
    modalities = body.get("modalities")
    if body.get("audio") or (isinstance(modalities, list) and "audio" in modalities):
        raise BadRequest("Spoken answers (modalities audio) cannot be converted for this upstream.")
    for name, value in body.items():
        if name in _READ or value is None:
            continue
        (request.openai if name in OPENAI_ONLY else request.sampling)[name] = value
    return request


def max_tokens(body: Mapping[str, Any]) -> int | None:
    """The newer name wins; zero and less are "not set"."""
    newer = reading.whole(body.get("max_completion_tokens"), "max_completion_tokens")
    return newer or reading.whole(body.get("max_tokens"), "max_tokens") or None


def one_answer(body: Mapping[str, Any]) -> None:
    if body.get("n") not in (None, 1):
        raise BadRequest("n must be 1: this upstream gives one answer to a request.")


def response_format(value: Any) -> ResponseFormat | None:
    wanted = reading.mapping(value, "response_format")
    kind = wanted.get("type")
    if kind is None:
        return None
    if kind != "json_schema":
        return ResponseFormat(str(kind))
    schema = reading.mapping(wanted.get("json_schema"), "response_format.json_schema")
    return ResponseFormat(
        "json_schema",
        schema.get("schema"),
        reading.text(schema.get("name"), "response_format.json_schema.name"),
        reading.flag(schema.get("strict"), "response_format.json_schema.strict"),
        reading.text(schema.get("description"), "response_format.json_schema.description"),
    )


class _Conversation:
    """Messages to turns.  The results of tools, one message each, gather in the user turn that follows the calls."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._unanswered = deque[str]()  # ids made up for legacy calls, which are paired by their order
        self._legacy = 0

    def read(self, messages: Any) -> None:
        for index, message in enumerate(reading.objects(messages, "messages")):
            self._message(message, f"messages[{index}]")

    def _message(self, message: dict[str, Any], what: str) -> None:
        turns = self._request.turns
        parts = content.parse(message.get("content"), self._request, what)
        match message.get("role"):
            case "system" | "developer":
                texts = [part for part in parts if isinstance(part, Text)]
                if turns:
                    turns.append(Turn(Role.SYSTEM, list(texts)))
                else:
                    self._request.system += texts
            case "assistant":
                turns.append(Turn(Role.ASSISTANT, self._assistant(message, parts, what)))
            case "tool":
                id = reading.text(message.get("tool_call_id"), f"{what}.tool_call_id")
                self._result(ToolResult(id, parts))
            case "function":
                id = self._unanswered.popleft() if self._unanswered else ""
                self._result(ToolResult(id, parts))
            case role:
                if role != "user":
                    self._request.warn(f"{what} has the unknown role “{role}”; it was sent as the user's.")
                self._user(parts)

    def _result(self, result: ToolResult) -> None:
        turns = self._request.turns
        if self._takes_results():
            turns[-1].parts.append(result)
        else:
            turns.append(Turn(Role.USER, [result]))

    def _user(self, parts: list[Part]) -> None:
        turns = self._request.turns
        results = [part for part in parts if isinstance(part, ToolResult)]
        rest = [part for part in parts if not isinstance(part, ToolResult)]
        if self._takes_results():
            turns[-1].parts += [*results, *rest]
        else:
            turns.append(Turn(Role.USER, [*results, *rest]))

    def _takes_results(self) -> bool:
        """Whether the last turn is a user's that has nothing but results yet; anything else would stand behind them."""
        last = self._request.turns[-1] if self._request.turns else None
        return (
            last is not None and last.role is Role.USER and (not last.parts or isinstance(last.parts[-1], ToolResult))
        )

    def _assistant(self, message: dict[str, Any], parts: list[Part], what: str) -> list[Part]:
        refusal = reading.text(message.get("refusal"), f"{what}.refusal")
        calls = [
            self._call(call, f"{what}.tool_calls[{index}]")
            for index, call in enumerate(reading.objects(message.get("tool_calls"), f"{what}.tool_calls"))
        ]
        legacy = message.get("function_call")
        if isinstance(legacy, dict):
            self._legacy += 1
            self._unanswered.append(f"call_legacy_{self._legacy}")
            calls.append(self._call({"id": self._unanswered[-1], "function": legacy}, f"{what}.function_call"))
        return [*reasoning(message), *parts, *([Refusal(refusal)] if refusal else []), *calls]

    def _call(self, call: dict[str, Any], what: str) -> ToolCall:
        custom = call.get("type") == "custom"
        function = reading.mapping(call.get("custom" if custom else "function"), what)
        given = function.get("input" if custom else "arguments")
        text = given if isinstance(given, str) else dumps_text(given) if given is not None else ""
        name = reading.text(function.get("name"), f"{what}.name")
        return ToolCall(reading.text(call.get("id"), f"{what}.id"), name, text, custom)


def reasoning(message: Mapping[str, Any]) -> list[Part]:
    """The thinking of an assistant message.  `reasoning_details` may hold the seals that we, or others, put there."""
    sealed = [part for detail in members(message, "reasoning_details") if (part := _sealed(detail)) is not None]
    text = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(text, str) or any(part.text for part in sealed):
        return list(sealed)
    return [*([Reasoning(text)] if text else []), *sealed]


def _sealed(detail: Mapping[str, Any]) -> Reasoning | None:
    said = {name: value for name, value in detail.items() if isinstance(value, str)}
    is_anthropics = seals.is_anthropics(said.get("format", ""))
    if said.get("data"):
        if said.get("format", "").startswith("openai"):
            return Reasoning(encrypted=said["data"], id=said.get("id", ""))
        return Reasoning(redacted=said["data"]) if is_anthropics else None
    text = said.get("text") or said.get("summary", "")
    signature = said.get("signature", "") if is_anthropics else ""
    return Reasoning(text, signature) if text or signature else None


def _tools(body: Mapping[str, Any], request: Request) -> None:
    for index, entry in enumerate(reading.objects(body.get("tools"), "tools")):
        request.tools.append(_tool(entry, f"tools[{index}]"))
    for index, entry in enumerate(reading.objects(body.get("functions"), "functions")):
        request.tools.append(_function(entry, f"functions[{index}]"))
    if body.get("web_search_options") is not None:
        options = reading.mapping(body["web_search_options"], "web_search_options")
        request.tools.append(ServerTool("web_search", {"type": "web_search", **_search(options)}))
    request.parallel_tool_calls = body.get("parallel_tool_calls") if body.get("parallel_tool_calls") is False else None
    request.tool_choice = _choice(body.get("tool_choice", body.get("function_call")))


def _tool(entry: dict[str, Any], what: str) -> Tool | ServerTool:
    kind = entry.get("type", "function")
    if kind == "custom":
        custom = reading.mapping(entry.get("custom"), f"{what}.custom")
        return Tool(
            reading.text(custom.get("name"), f"{what}.name"),
            reading.text(custom.get("description"), f"{what}.description"),
            custom=True,
            format=_flat_format(custom.get("format")),
        )
    if kind == "function" or "function" in entry:
        return _function(reading.mapping(entry.get("function"), f"{what}.function") or entry, what)
    return ServerTool(str(kind), entry)


def _search(options: Mapping[str, Any]) -> dict[str, Any]:
    """Where the user is stands one level deeper here than in the tools of the other dialects."""
    place = options.get("user_location")
    inner = place.get("approximate") if isinstance(place, dict) else None
    size = options.get("search_context_size")
    return {
        **({"user_location": {"type": "approximate", **inner}} if isinstance(inner, dict) else {}),
        **({"search_context_size": size} if size else {}),
    }


def _flat_format(format: Any) -> Any:
    grammar = format.get("grammar") if isinstance(format, dict) else None
    return {"type": "grammar", **grammar} if isinstance(grammar, dict) else format


def _function(function: dict[str, Any], what: str) -> Tool:
    return Tool(
        reading.text(function.get("name"), f"{what}.name"),
        reading.text(function.get("description"), f"{what}.description"),
        function.get("parameters"),
        reading.flag(function.get("strict"), f"{what}.strict"),
    )


def _choice(choice: Any) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        word = "required" if choice == "any" else choice
        if word not in ("auto", "none", "required"):
            raise BadRequest(f"tool_choice “{choice}” is unknown. Use auto, none, required or name a function.")
        return ToolChoice(Choice(word))
    choice = reading.mapping(choice, "tool_choice")
    kind = choice.get("type", "function")
    if kind == "allowed_tools":
        allowed = reading.mapping(choice.get("allowed_tools"), "tool_choice.allowed_tools")
        names = [
            _chosen_name(entry) for entry in reading.objects(allowed.get("tools"), "tool_choice.allowed_tools.tools")
        ]
        mode = Choice.REQUIRED if allowed.get("mode") == "required" else Choice.AUTO
        return ToolChoice(mode, allowed=names)
    if kind in ("auto", "none", "required", "any"):
        return _choice(kind)
    return ToolChoice(Choice.TOOL, _chosen_name(choice))


def _chosen_name(choice: dict[str, Any]) -> str:
    inner = choice.get("function") or choice.get("custom")
    return reading.text((inner if isinstance(inner, dict) else choice).get("name"), "tool_choice.name")
