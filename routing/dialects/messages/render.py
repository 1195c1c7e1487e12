"""The neutral request to the body of a Messages request."""

from typing import Any

from routing.dialects.capabilities import Capabilities, Prefill, ThinkingForm, claude
from routing.dialects.chat.render import object_schema
from routing.dialects.messages import content, schemas
from routing.dialects.prepare import sampling, trailing_assistant
from routing.dialects.request import (
    Choice,
    Reasoning,
    Request,
    Role,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolResult,
    Turn,
)
from routing.errors import BadRequest

LEAST_BUDGET = 1024
LEAST_COMPACTION = 50_000  # tokens
COMPACTION_BETA = "compact-2026-01-12"
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 4096, "high": 16000, "xhigh": 32000, "max": 64000}
_WITHOUT_DISABLING = frozenset({"xhigh", "max"})


def render(request: Request, of: Capabilities) -> dict[str, Any]:
    """`request` has been through `prepare`."""
    body: dict[str, Any] = {"model": request.model}
    system = _system(request)
    body["max_tokens"] = request.max_tokens if request.max_tokens is not None else of.default_max_tokens or 8192
    if system:
        body["system"] = system
    body["messages"] = _messages(request, of)
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.stream:
        body["stream"] = True
    body |= _tools(request, of)
    _think(body, request, of)
    body |= _sampling(request, of, body)
    _prefill(body, request, of)
    if request.user:
        body["metadata"] = {"user_id": request.user}
    tier = {"auto": "auto", "default": "standard_only"}.get(request.service_tier)
    if tier and "service_tier" in of.openai_fields:
        body["service_tier"] = tier
    _format(body, request)
    _compact(body, request, of)
    for name in ("verbosity",):
        if name in request.openai:
            request.warn(f"{name} was left out: Anthropic's Messages have nothing like it.")
    return body


def _system(request: Request) -> Any:
    """All system texts, also those from the middle of the conversation, in their order."""
    parts = list(request.system)
    for turn in request.turns:
        if turn.role is Role.SYSTEM:
            parts += [part for part in turn.parts if isinstance(part, Text)]
            request.warn("System messages from the middle of the conversation were moved to its beginning.")
    if any(part.cache for part in parts):
        return [{"type": "text", "text": part.text, **_cache(part.cache)} for part in parts if part.text.strip()]
    return "\n".join(part.text for part in parts if part.text)


def _cache(cache: Any) -> dict[str, Any]:
    return {"cache_control": cache} if cache else {}


def _messages(request: Request, of: Capabilities) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for turn in request.turns:
        if turn.role is Role.SYSTEM:
            continue
        blocks = [block for part in turn.parts for block in content.render(part, request, of)]
        if not blocks:
            if any(not isinstance(part, Text | Reasoning) for part in turn.parts):
                raise BadRequest("A message holds nothing that this upstream knows. Send it as text or images.")
            continue
        if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
            messages.append({"role": turn.role.value, "content": blocks[0]["text"]})
        else:
            messages.append({"role": turn.role.value, "content": blocks})
    return messages


def _tools(request: Request, of: Capabilities) -> dict[str, Any]:
    strict = _strict(request, of)
    tools = [_tool(tool, request, tool.name in strict) for tool in request.functions()]
    tools += [_server_tool(tool) for tool in request.tools if isinstance(tool, ServerTool)]
    if not tools:
        return {}
    said: dict[str, Any] = {"tools": tools}
    choice = request.tool_choice
    serial = request.parallel_tool_calls is False
    if choice is None:
        return {**said, "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}} if serial else said
    kind = "any" if choice.mode is Choice.REQUIRED else choice.mode.value
    said["tool_choice"] = {"type": kind}
    if choice.mode is Choice.TOOL:
        said["tool_choice"]["name"] = choice.name
    if serial and choice.mode is not Choice.NONE:
        said["tool_choice"]["disable_parallel_tool_use"] = True
    return said


def _strict(request: Request, of: Capabilities) -> frozenset[str]:
    """The tools whose schemas the model is held to."""
    wanted = [tool.name for tool in request.functions() if tool.strict and of.strict_tools]
    if of.keeps_signatures and len(wanted) > schemas.MOST_STRICT_TOOLS:
        request.warn(f"Only the first {schemas.MOST_STRICT_TOOLS} tools are strict: Anthropic takes no more of them.")
        wanted = wanted[: schemas.MOST_STRICT_TOOLS]
    return frozenset(wanted)


def _tool(tool: Tool, request: Request, is_strict: bool) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": tool.name}
    if tool.description:
        rendered["description"] = tool.description
    rendered["input_schema"] = object_schema(tool.schema)
    if is_strict:
        rendered["strict"] = True
        schema = schemas.followed(rendered["input_schema"], request, f"the tool {tool.name}")
        rendered["input_schema"] = schema
    return rendered | _cache(tool.cache)


def _server_tool(tool: ServerTool) -> dict[str, Any]:
    raw = tool.raw if isinstance(tool.raw, dict) else {}
    if str(raw.get("type", "")).startswith("web_search_2"):
        return raw
    filters = raw.get("filters")
    allowed = filters.get("allowed_domains") if isinstance(filters, dict) else None
    limits = {"allowed_domains": allowed} if allowed else {}
    place = raw.get("user_location")
    where = {"user_location": place} if isinstance(place, dict) else {}
    return {"type": "web_search_20250305", "name": "web_search", **limits, **where}


def _think(body: dict[str, Any], request: Request, of: Capabilities) -> None:
    """Effort and thinking in the form that the model takes, never an invalid pair."""
    thinking, effort = request.thinking, request.effort
    if thinking is None and not effort:
        return
    if of.thinking is ThinkingForm.ADAPTIVE:
        _think_adaptively(body, request, of)
        return
    if thinking is Thinking.DISABLED or effort == "none":
        if of.keeps_signatures or thinking is Thinking.DISABLED:
            body["thinking"] = {"type": "disabled"}
        return
    if request.tool_choice is not None and request.tool_choice.mode in (Choice.REQUIRED, Choice.TOOL):
        request.warn("Thinking was switched off: this model does not think when it is told to use a tool.")
    elif of.keeps_signatures and _continues_unsigned(request.turns):
        request.warn("Thinking was switched off: the tool calls before came without the model's signed thinking.")
    else:
        budget = request.budget or BUDGETS.get(effort, BUDGETS["medium"])
        body["thinking"] = {"type": "enabled", "budget_tokens": _fitting(budget, body, request)}


def _think_adaptively(body: dict[str, Any], request: Request, of: Capabilities) -> None:
    effort = request.effort
    if not effort and request.thinking is Thinking.ENABLED and request.budget is not None:
        steps = ((5000, "low"), (10000, "medium"))
        effort = next((word for below, word in steps if request.budget < below), "high")
    if effort == "none" or request.thinking is Thinking.DISABLED:
        word = of.efforts.get(effort, effort)
        if not of.can_disable_thinking:
            request.warn(f"Thinking stays on: {of.model} cannot do without.")
        elif word in _WITHOUT_DISABLING and (known := claude(of.model)) and known.version >= (5, 0):
            request.warn(f"Thinking stays on: {of.model} does not take effort {word} without it.")
        else:
            body["thinking"] = {"type": "disabled"}
    else:
        body["thinking"] = {"type": "adaptive", **({"display": request.display} if request.display else {})}
    if effort and effort != "none":
        body["output_config"] = {"effort": of.efforts.get(effort, effort)}


def _fitting(budget: int, body: dict[str, Any], request: Request) -> int:
    """A budget of at least 1024 that leaves room for an answer; the limit is raised only when it is too small."""
    limit: int = body["max_tokens"]
    if budget < limit and budget >= LEAST_BUDGET:
        return budget
    fitting = max(LEAST_BUDGET, min(budget, limit * 3 // 4))
    if fitting >= limit:
        body["max_tokens"] = fitting + limit
        request.warn(f"max_tokens was raised to {body['max_tokens']}: thinking takes at least {LEAST_BUDGET} of them.")
    return fitting


def _continues_unsigned(turns: list[Turn]) -> bool:
    """Whether the answer continues after tool calls whose turn does not start with signed thinking."""
    if len(turns) < 2 or not any(isinstance(part, ToolResult) for part in turns[-1].parts):
        return False
    calling = next((turn for turn in reversed(turns) if turn.role is Role.ASSISTANT), None)
    first = calling.parts[0] if calling is not None and calling.parts else None
    return not (isinstance(first, Reasoning) and (first.signature or first.redacted))


def _sampling(request: Request, of: Capabilities, body: dict[str, Any]) -> dict[str, Any]:
    for name in ("logprobs", "top_logprobs"):
        if request.sampling.pop(name, None):
            request.warn(f"{name} was left out: Anthropic's Messages have nothing like it.")
    kept = sampling(request, of)
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if not thinks or not of.keeps_signatures:
        return kept
    for name in ("temperature", "top_k"):
        if kept.pop(name, None) is not None:
            request.warn(f"{name} was left out: it cannot be set while the model thinks.")
    top_p = kept.get("top_p")
    if isinstance(top_p, int | float) and not 0.95 <= top_p <= 1:
        del kept["top_p"]
        request.warn("top_p was left out: it must be between 0.95 and 1 while the model thinks.")
    return kept


def _prefill(body: dict[str, Any], request: Request, of: Capabilities) -> None:
    if trailing_assistant(request) is None or not body["messages"]:
        return
    last = body["messages"][-1]
    if last["role"] != Role.ASSISTANT:
        return  # the turn was empty
    thinks = of.keeps_signatures and body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if of.prefill is Prefill.REFUSED or thinks:
        raise BadRequest(
            "The conversation ends with an assistant message, and this model does not continue those. "
            "End with a user message that says how the answer should begin."
        )
    if isinstance(last["content"], str):
        last["content"] = last["content"].rstrip()
    elif last["content"][-1].get("type") == "text":
        last["content"][-1]["text"] = last["content"][-1]["text"].rstrip()


def _compact(body: dict[str, Any], request: Request, of: Capabilities) -> None:
    if request.compact_at is None:
        return
    if not of.compaction:
        request.warn("context_management was left out: this upstream shortens no conversation.")
        return
    trigger = {"type": "input_tokens", "value": max(LEAST_COMPACTION, request.compact_at)}
    body["context_management"] = {"edits": [{"type": "compact_20260112", "trigger": trigger}]}
    request.betas.append(COMPACTION_BETA)


def _format(body: dict[str, Any], request: Request) -> None:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return
    if wanted.kind == "json_schema":
        config = body.setdefault("output_config", {})
        schema = schemas.followed(wanted.schema, request, "the schema for the answer")
        config["format"] = {"type": "json_schema", "schema": schema}
    else:
        request.warn(f"response_format {wanted.kind} was left out: Anthropic's Messages have only json_schema.")
