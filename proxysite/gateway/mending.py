"""Chat answers mended for a chat client: the relay of a stream, and whole ones.  Pure."""

from collections.abc import Sequence
from typing import Any

import orjson

from proxysite.gateway.chat_frames import ChatFrames
from proxysite.gateway.chat_rewriter import REASONING_FIELDS, Mender, through
from routing.dialects import Dialect
from routing.dialects.chat.client_calls import ClientCalls, choice_of, word_for
from routing.dialects.chat.reader import ChatReader
from routing.dialects.errors import error_frame
from routing.dialects.events import Event, Failed, Reasoning, Text, ToolArguments, ToolStart, UpstreamError
from routing.dialects.exchange import Exchange as Conversation
from routing.dialects.json import object_of
from routing.dialects.passing import EchoModel, Tap, WholeEvents, has_finished, is_readable
from routing.dialects.sse import KEEP_ALIVE
from routing.errors import ProxyError, UpstreamBroken


class MendingRelay:
    """A chat stream towards a chat client, mended.  The tap sees what the upstream said."""

    is_over = False
    failure = None  # an error inside the stream passes to the client, which knows its form

    def __init__(
        self,
        upstream: str,
        frames: ChatFrames,
        echo: str | None,
        tap: Tap,
        request_id: str,
        *,
        largest: int | None = None,
    ) -> None:
        self._upstream = upstream
        self._frames = frames
        self._echo = EchoModel(echo) if echo is not None else None
        self._events = WholeEvents(largest)
        self._tap = tap
        self._request_id = request_id
        self._left = b""

    @property
    def warnings(self) -> Sequence[str]:
        return self._frames.warnings

    def feed(self, chunk: bytes) -> bytes:
        events = self._events.feed(chunk)
        if not events:
            return b""
        self._tap.feed(events)
        out = self._frames.feed(events)
        return self._echo.feed(out) if self._echo else out

    def close(self) -> bytes:
        """The end of the stream.  Raises UpstreamBroken when it ends without the answer being finished."""
        left = self._events.close()
        self._tap.feed(left)
        # A last event may lack its blank line; half of one never reaches the client.
        out = self._frames.feed(left + b"\n\n") if left and is_readable(left) else b""
        out = self._named(out + self._frames.close())
        if self._frames.is_cut and not has_finished(Dialect.CHAT, self._tap.tail):
            self._left = out
            raise UpstreamBroken(f"The upstream “{self._upstream}” ended the stream before the answer was complete.")
        return out

    def break_off(self, problem: ProxyError) -> bytes:
        """What was held back, and the event that tells the client."""
        self._tap.feed(self._events.close())
        failed = Failed(UpstreamError(problem.status, problem.message))
        held = self._left + self._named(self._frames.fail(failed))
        return held + error_frame(Dialect.CHAT, problem, self._request_id)

    def ping(self) -> bytes:
        return KEEP_ALIVE

    def _named(self, events: bytes) -> bytes:
        return self._echo.feed(events) if self._echo else events


def mended_whole(
    body: bytes, conversation: Conversation, transforms: Sequence[Mender], reasoning_field: str = ""
) -> bytes:
    """A whole chat answer: the very bytes where nothing is wrong."""
    answer = object_of(body)
    choice = None if answer is None else choice_of(answer)
    message = None if choice is None else choice.get("message")
    if answer is None or choice is None or not isinstance(message, dict):
        return body
    found = ChatReader(conversation).whole(answer)
    if found and type(found[-1]) is Failed:
        return body
    passed = through(transforms, found)
    calls = ClientCalls()
    calls.number(passed)
    new = _message(message, passed, reasoning_field)
    word = word_for(calls.reason(passed), str(choice.get("finish_reason")))
    same = passed == found and _says(message.get("tool_calls") or [], new.get("tool_calls", []))
    if same and word == choice.get("finish_reason"):
        return body
    written = {**choice, "message": message if same else new, "finish_reason": word}
    return orjson.dumps({**answer, "choices": [written if one is choice else one for one in answer["choices"]]})


def _message(message: dict[str, Any], passed: list[Event], reasoning_field: str) -> dict[str, Any]:
    """The message as the events tell it; what they do not tell of stays."""
    text = "".join(event.text for event in passed if type(event) is Text)
    thought = "".join(event.text for event in passed if type(event) is Reasoning)
    said = [name for name in REASONING_FIELDS if message.get(name)]
    field = reasoning_field or (said[0] if said else REASONING_FIELDS[0])
    new = {name: value for name, value in message.items() if name not in (*REASONING_FIELDS, "tool_calls")}
    if thought:
        new[field] = thought
    calls = {event.key: (event, list[str]()) for event in passed if isinstance(event, ToolStart)}
    for event in passed:
        if isinstance(event, ToolArguments):
            calls[event.key][1].append(event.text)
    new["content"] = text or (None if calls else message.get("content") and "")
    if calls:
        new["tool_calls"] = [_entry(start, "".join(pieces)) for start, pieces in calls.values()]
    return new


def _says(said: Any, needed: list[dict[str, Any]]) -> bool:
    """Whether the upstream's entries have all that clients need, whatever they have beside."""
    if not isinstance(said, list) or len(said) != len(needed):
        return False
    return all(isinstance(old, dict) and old.items() >= new.items() for old, new in zip(said, needed, strict=True))


def _entry(start: ToolStart, text: str) -> dict[str, Any]:
    if start.custom:
        return {"id": start.id, "type": "custom", "custom": {"name": start.name, "input": text}}
    return {"id": start.id, "type": "function", "function": {"name": start.name, "arguments": text or "{}"}}
