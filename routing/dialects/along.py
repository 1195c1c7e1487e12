"""Answers that somebody looks into although both sides speak the same dialect: which can be read, and what that takes.

Some would lose something on their way: those are better passed as they are.
"""

from collections.abc import Mapping
from typing import Any

from routing.dialects import BARE, Dialect, conversion
from routing.dialects.exchange import Exchange
from routing.dialects.request import Request
from routing.dialects.responses import parse as responses_parse
from routing.errors import BadRequest

# What tells nothing of the answer, and may be long or kept by the upstream.  The input of responses may bring tools
# along.
_UNREAD: Mapping[Dialect, Mapping[str, Any]] = {
    Dialect.CHAT: {"messages": None},
    Dialect.MESSAGES: {"messages": None, "system": None},
    Dialect.RESPONSES: {"previous_response_id": None, "prompt": None},
}
# Tools of responses whose calls are read, or run by the upstream before it says something.
_READ = frozenset({"function", "custom", "namespace", "tool_search", "file_search", "code_interpreter"})
_SEARCHES = "web_search"  # with a date or "preview" behind it


class Unreadable(Exception):
    """Says what an answer has that would be lost."""


def read_along(
    body: Mapping[str, Any],
    dialect: Dialect,
    *,
    request_id: str = "0",
    created: int = 0,
    renamed: bool = False,
    passes: bool = False,
) -> Exchange:
    """What reading the answer to this body takes.  `renamed`: the upstream has another name for the model; `passes`:
    the answer comes whole, and leaves as it came unless it is garbage.

    Raises Unreadable.
    """
    known = _of_bare(body, dialect) if dialect in BARE else _of_conversation(body, dialect, passes)
    model = body.get("model")
    return Exchange(
        client=dialect,
        upstream=dialect,
        model=model if isinstance(model, str) else "",
        request_id=request_id,
        created=created,
        renamed=renamed,
        **known,
    )


def prompt_of(body: Mapping[str, Any], dialect: Dialect) -> str | None:
    """The text of a bare prompt; None if there are several, or if it is no text."""
    prompt = body.get("text" if dialect is Dialect.GENERATE else "prompt")
    if dialect is Dialect.COMPLETIONS and isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    return prompt if isinstance(prompt, str) else None


def _of_bare(body: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    parameters = body.get("sampling_params") if dialect is Dialect.GENERATE else body
    if isinstance(parameters, list) or _has_several_prompts(body, dialect):
        raise Unreadable("it answers several prompts at once")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    _one_answer(parameters)
    options = body.get("stream_options")
    stop = parameters.get("stop")
    known: dict[str, Any] = {
        "include_usage": isinstance(options, Mapping) and options.get("include_usage") is True,
        "stops": frozenset(text for text in (stop if isinstance(stop, list) else [stop]) if isinstance(text, str)),
    }
    if body.get("echo") and dialect is Dialect.COMPLETIONS:
        prompt = prompt_of(body, dialect)
        if prompt is None:
            raise Unreadable("it repeats a prompt that was given as the numbers of its tokens (echo)")
        known["echo"] = {"prompt": prompt}
    return known


def _has_several_prompts(body: Mapping[str, Any], dialect: Dialect) -> bool:
    """A list of numbers is the tokens of one prompt.  To a list of one prompt Completions give one answer, and
    /generate gives a list of one."""
    prompts = (body.get("text"), body.get("input_ids")) if dialect is Dialect.GENERATE else (body.get("prompt"),)
    least = 1 if dialect is Dialect.GENERATE else 2
    return any(
        isinstance(prompt, list) and len(prompt) >= least and isinstance(prompt[0], str | list) for prompt in prompts
    )


def _of_conversation(body: Mapping[str, Any], dialect: Dialect, passes: bool) -> dict[str, Any]:
    _one_answer(body)
    _nothing_but_words(body, dialect)
    request = _parsed(body, dialect)
    if not passes:
        _nothing_beside_words(body, dialect, request)
    return {
        "search": next((tool.name for tool in request.functions() if tool.searches), ""),
        "namespaces": {tool.name: (tool.namespace, tool.own_name()) for tool in request.functions() if tool.namespace},
        "include_usage": request.include_usage,
        "stops": frozenset(request.stop),
        "known_tools": frozenset(tool.name for tool in request.functions()),
        "echo": _echo_of_responses(body) if dialect is Dialect.RESPONSES else {},
    }


def _echo_of_responses(body: Mapping[str, Any]) -> dict[str, Any]:
    """With what it says of the conversation that the upstream keeps."""
    kept = {"previous_response_id": body.get("previous_response_id"), "store": body.get("store") is not False}
    return {**responses_parse.echo(body), **kept}


def _nothing_but_words(body: Mapping[str, Any], dialect: Dialect) -> None:
    """What says nothing in words would be taken for nothing at all."""
    if body.get("conversation"):
        raise Unreadable("its conversation is kept by the upstream, together with every bad answer")
    modalities, tools = body.get("modalities"), body.get("tools")
    if isinstance(modalities, list) and any(kind != "text" for kind in modalities):
        raise Unreadable("it holds more than text (modalities)")
    for tool in tools if dialect is Dialect.RESPONSES and isinstance(tools, list) else ():
        kind = str(tool.get("type")) if isinstance(tool, dict) else ""
        if kind not in _READ and not kind.startswith(_SEARCHES):
            raise Unreadable(f"it may hold calls that are no functions' ({kind})")


def _nothing_beside_words(body: Mapping[str, Any], dialect: Dialect, request: Request) -> None:
    runs = len(request.functions()) < len(request.tools) or body.get("mcp_servers")
    if dialect is Dialect.MESSAGES and runs:
        raise Unreadable("it may hold blocks of tools that the upstream runs itself")


def _one_answer(parameters: Mapping[str, Any]) -> None:
    if (number := parameters.get("n")) not in (None, 1):
        raise Unreadable(f"it holds several answers (n is {number})")


def _parsed(body: Mapping[str, Any], dialect: Dialect) -> Request:
    """The upstream may know better what to do with a request that makes no sense here."""
    try:
        return conversion.parse({**body, **_UNREAD.get(dialect, {})}, dialect)
    except BadRequest as problem:
        raise Unreadable(f"its request cannot be read ({problem.message.rstrip('.')})") from None
