"""The stream of Responses, or the whole response, to events.

Relays and local servers leave out parts of the protocol: a text may come in deltas, at the end of its part, with its
item, or only with the completed response.  So every part remembers whether something of it was said, and what comes
later and whole is read only where nothing was.
"""

from collections.abc import Callable, Mapping
from typing import Any

from routing.dialects import upstream_errors
from routing.dialects.chat.reader import citation
from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Refusal,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
    UsageSeen,
    member,
    members,
)
from routing.dialects.exchange import Exchange
from routing.dialects.json import dumps_text, object_of
from routing.dialects.responses import usage as responses_usage
from routing.dialects.responses.tools import flat_name
from routing.dialects.sse import DONE, Frame

_Said = type[Text] | type[Refusal]
_CALLS = frozenset({"function_call", "custom_tool_call"})
_SUMMARY, _RAW = "summary_index", "content_index"  # where a summary's text is, and where everything else's


class _Item:
    __slots__ = ("cited", "ids", "is_done", "key", "said", "source", "thought")

    def __init__(self) -> None:
        self.ids: set[str] = set()  # its own, and of a call the call's
        self.key = -1  # of a call that has started
        self.said: set[int] = set()  # indices of the parts of which something came; 0 for arguments
        self.cited = False
        self.source = ""  # of reasoning: the summary or the raw text, whichever came first, never both
        self.thought = -1  # the part of the reasoning that came last
        self.is_done = False


class ResponsesReader:
    """`feed` takes a frame, `whole` a body that is not streamed, `close` says that nothing more comes."""

    finish = None  # it is told with the end itself

    def __init__(self, exchange: Exchange) -> None:
        self.warnings: list[str] = []
        self._exchange = exchange
        self._items: dict[int, _Item] = {}
        self._calls = 0
        self._started = False
        self._ended = False
        self._content = False  # anything a client could use
        self._refused = False

    def feed(self, frame: Frame) -> list[Event]:
        name, data = frame
        if self._ended:
            return []
        payload = object_of(data)
        if payload is None:
            return self._done() if data.strip() == DONE else self._unreadable(data)
        kind = payload.get("type")
        handler = _ON.get(kind if isinstance(kind, str) else name.decode("utf-8", "replace"))
        if handler is not None:
            return handler(self, payload)
        return self._error(payload) if upstream_errors.is_error(payload) and not isinstance(kind, str) else []

    def whole(self, body: dict[str, Any]) -> list[Event]:
        return self._terminal({"response": body})

    def close(self) -> list[Event]:
        return [] if self._ended else self._fail(upstream_errors.cut_off())

    def _done(self) -> list[Event]:
        """The end as chat has it, from relays that leave the last event out: fine if everything was said."""
        if not self._content or any(not item.is_done for item in self._items.values()):
            return self.close()
        self._ended = True
        return [self._complete(), End()]

    def _start(self, payload: Mapping[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        response = member(payload, "response")
        return [Start(_text(response.get("id")), _text(response.get("model")))]

    def _item(self, payload: Mapping[str, Any]) -> _Item:
        """The place in the output tells items apart; where there is none, the id; else it is the last one."""
        index = payload.get("output_index")
        if type(index) is int and index in self._items and "item" not in payload:
            return self._items[index]  # a delta, most of the time
        given = member(payload, "item")
        ids = {_text(payload.get("item_id")), *_ids(given)} - {""}
        if type(index) is not int:
            latest = max(self._items, default=-1)
            known = next((place for place, item in self._items.items() if item.ids & ids), None)
            index = known if known is not None else latest + 1 if given else max(latest, 0)
        item = self._items.get(index)
        if item is None:
            item = self._items[index] = _Item()
        item.ids |= ids
        return item

    def _added(self, payload: dict[str, Any]) -> list[Event]:
        events = self._start({})
        item, given = self._item(payload), member(payload, "item")
        if _text(given.get("type")) in _CALLS:
            self._call(item, given, events)
        return events

    def _call(self, item: _Item, given: Mapping[str, Any], events: list[Event]) -> None:
        """A call without a name waits for it: the finished item has it."""
        if item.key >= 0 or not _text(given.get("name")):
            return
        item.key = self._calls
        self._calls += 1
        self._content = True
        id = _text(given.get("call_id")) or _text(given.get("id")) or self._exchange.call_id(item.key)
        events.append(ToolStart(item.key, id, flat_name(given, "name"), given["type"] == "custom_tool_call"))

    def _text_delta(self, payload: dict[str, Any]) -> list[Event]:
        return _with_logprobs(
            self._say(self._item(payload), _index(payload, _RAW), payload.get("delta"), Text), payload
        )

    def _refusal_delta(self, payload: dict[str, Any]) -> list[Event]:
        return self._say(self._item(payload), _index(payload, _RAW), payload.get("delta"), Refusal)

    def _text_done(self, payload: dict[str, Any]) -> list[Event]:
        said = self._say_once(self._item(payload), _index(payload, _RAW), payload.get("text"), Text)
        return _with_logprobs(said, payload)

    def _refusal_done(self, payload: dict[str, Any]) -> list[Event]:
        return self._say_once(self._item(payload), _index(payload, _RAW), payload.get("refusal"), Refusal)

    def _say(self, item: _Item, index: int, text: Any, kind: _Said) -> list[Event]:
        if not text or not isinstance(text, str):
            return []
        events = [] if self._started else self._start({})
        item.said.add(index)
        self._content = True
        self._refused = self._refused or kind is Refusal
        events.append(kind(text))
        return events

    def _say_once(self, item: _Item, index: int, text: Any, kind: _Said) -> list[Event]:
        return [] if index in item.said else self._say(item, index, text, kind)

    def _summary_delta(self, payload: dict[str, Any]) -> list[Event]:
        return self._think(self._item(payload), _SUMMARY, _index(payload, _SUMMARY), payload.get("delta"))

    def _raw_delta(self, payload: dict[str, Any]) -> list[Event]:
        return self._think(self._item(payload), _RAW, _index(payload, _RAW), payload.get("delta"))

    def _summary_done(self, payload: dict[str, Any]) -> list[Event]:
        return self._think_once(self._item(payload), _SUMMARY, _index(payload, _SUMMARY), payload.get("text"))

    def _raw_done(self, payload: dict[str, Any]) -> list[Event]:
        return self._think_once(self._item(payload), _RAW, _index(payload, _RAW), payload.get("text"))

    def _think(self, item: _Item, source: str, index: int, text: Any) -> list[Event]:
        """A blank line stands between the parts of a summary."""
        if not text or not isinstance(text, str) or item.source not in ("", source):
            return []
        events = [] if self._started else self._start({})
        if item.thought not in (-1, index):
            events.append(Reasoning("\n\n"))
        item.source, item.thought = source, index
        item.said.add(index)
        self._content = True
        events.append(Reasoning(text))
        return events

    def _think_once(self, item: _Item, source: str, index: int, text: Any) -> list[Event]:
        return [] if index in item.said else self._think(item, source, index, text)

    def _annotation(self, payload: dict[str, Any]) -> list[Event]:
        cited = member(payload, "annotation")
        if not isinstance(cited.get("url"), str):
            self.warnings.append("An annotation was left out: it does not point to an address.")
            return []
        self._item(payload).cited = True
        return [citation(cited)]

    def _arguments_delta(self, payload: dict[str, Any]) -> list[Event]:
        item, delta = self._item(payload), payload.get("delta")
        if item.key < 0 or not delta or not isinstance(delta, str):
            return []
        item.said.add(0)
        return [ToolArguments(item.key, delta)]

    def _arguments_done(self, payload: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        self._arguments_once(self._item(payload), payload, events)
        return events

    def _arguments_once(self, item: _Item, given: Mapping[str, Any], events: list[Event]) -> None:
        """The whole arguments, when none came in pieces."""
        text = given.get("input") if "input" in given else given.get("arguments")
        if isinstance(text, dict):
            text = dumps_text(text)
        if item.key >= 0 and 0 not in item.said and text and isinstance(text, str):
            item.said.add(0)
            events.append(ToolArguments(item.key, text))

    def _item_done(self, payload: dict[str, Any]) -> list[Event]:
        events = self._start({})
        self._finished(self._item(payload), member(payload, "item"), events)
        return events

    def _finished(self, item: _Item, given: Mapping[str, Any], events: list[Event]) -> None:
        if item.is_done:
            return
        item.is_done = True
        match given.get("type"):
            case "function_call" | "custom_tool_call":
                self._call(item, given, events)
                self._arguments_once(item, given, events)
                if item.key >= 0:
                    events.append(ToolEnd(item.key))
            case "tool_search_call" if self._exchange.search:
                self._search(item, given, events)
            case "reasoning":
                self._thought(item, given, events)
            case "message":
                self._message(item, given, events)
            case kind:
                self.warnings.append(f"An item of type {kind} in the answer was left out: only Responses have it.")

    def _search(self, item: _Item, given: Mapping[str, Any], events: list[Event]) -> None:
        """A call of the client's own search for tools, which comes whole."""
        item.key = self._calls
        self._calls += 1
        self._content = True
        id = _text(given.get("call_id")) or self._exchange.call_id(item.key)
        events.append(ToolStart(item.key, id, self._exchange.search))
        events.append(ToolArguments(item.key, dumps_text(member(given, "arguments"))))
        events.append(ToolEnd(item.key))

    def _thought(self, item: _Item, given: Mapping[str, Any], events: list[Event]) -> None:
        for source, name in ((_RAW, "content"), (_SUMMARY, "summary")):
            for index, part in enumerate(members(given, name)):
                events += self._think_once(item, source, index, part.get("text"))
        encrypted = _text(given.get("encrypted_content"))
        if item.said or encrypted:
            events.append(ReasoningEnd(encrypted=encrypted, id=_text(given.get("id")) if encrypted else ""))

    def _message(self, item: _Item, given: Mapping[str, Any], events: list[Event]) -> None:
        for index, part in enumerate(members(given, "content")):
            if part.get("type") == "refusal":
                events += self._say_once(item, index, part.get("refusal"), Refusal)
            else:
                events += _with_logprobs(self._say_once(item, index, part.get("text"), Text), part)
            if not item.cited:
                events += [citation(cited) for cited in members(part, "annotations") if _text(cited.get("url"))]

    def _terminal(self, payload: dict[str, Any]) -> list[Event]:
        response = member(payload, "response")
        status = response.get("status")
        if payload.get("type") == "response.failed" or status in ("failed", "cancelled"):
            return self._fail(_failure(response))
        if upstream_errors.is_error(response):
            return self._error(response)
        if status in ("queued", "in_progress") and "type" not in payload:
            return self._fail(_not_waited_for())
        events = self._start(payload)
        for index, given in enumerate(members(response, "output")):
            self._finished(self._known(index, given), given, events)
        usage = responses_usage.parse(response.get("usage"))
        if usage is not None:
            events.append(UsageSeen(usage))
        self._ended = True
        if payload.get("type") == "response.incomplete" or status == "incomplete":
            reason = member(response, "incomplete_details").get("reason")
            finish = Finish(FinishReason.REFUSAL if reason == "content_filter" else FinishReason.LENGTH)
        else:
            finish = self._complete()
        return [*events, finish, End()]

    def _complete(self) -> Finish:
        if self._calls:
            return Finish(FinishReason.TOOL_CALLS)
        return Finish(FinishReason.REFUSAL if self._refused else FinishReason.STOP)

    def _known(self, index: int, given: Mapping[str, Any]) -> _Item:
        """An item of the final list may be one that came before: by its id, else by its place."""
        ids = _ids(given)
        found = next((item for item in self._items.values() if item.ids & ids), None)
        return found or self._items.setdefault(index, _Item())

    def _error(self, payload: Mapping[str, Any]) -> list[Event]:
        return self._fail(upstream_errors.of_body(payload))

    def _fail(self, error: UpstreamError) -> list[Event]:
        self._ended = True
        return [Failed(error)]

    def _unreadable(self, data: bytes) -> list[Event]:
        if not self._started:
            return self._fail(upstream_errors.of_text(data))
        self.warnings.append("The upstream sent a line that is not JSON; it was skipped.")
        return []


def _with_logprobs(said: list[Event], given: Mapping[str, Any]) -> list[Event]:
    """`given` is what holds the text: a delta, the end of a part, or the part itself."""
    entries = given.get("logprobs")
    if entries and isinstance(entries, list) and said and type(said[-1]) is Text:
        said[-1].logprobs = entries
    return said


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _ids(given: Mapping[str, Any]) -> set[str]:
    return {_text(given.get("id")), _text(given.get("call_id"))} - {""}


def _index(payload: Mapping[str, Any], name: str) -> int:
    index = payload.get(name)
    return index if isinstance(index, int) else 0


def _failure(response: Mapping[str, Any]) -> UpstreamError:
    said = response.get("error")
    if isinstance(said, dict | str) and said:
        return upstream_errors.of_body({"error": said})
    return upstream_errors.of_body({}, "The upstream ended the answer and gave no reason. Try again.")


def _not_waited_for() -> UpstreamError:
    return UpstreamError(502, "The upstream put the answer off for later, which this proxy does not wait for.")


_ON: dict[str, Callable[[ResponsesReader, dict[str, Any]], list[Event]]] = {
    "response.created": ResponsesReader._start,
    "response.in_progress": ResponsesReader._start,
    "response.queued": ResponsesReader._start,
    "response.output_item.added": ResponsesReader._added,
    "response.output_item.done": ResponsesReader._item_done,
    "response.output_text.delta": ResponsesReader._text_delta,
    "response.output_text.done": ResponsesReader._text_done,
    "response.output_text.annotation.added": ResponsesReader._annotation,
    "response.refusal.delta": ResponsesReader._refusal_delta,
    "response.refusal.done": ResponsesReader._refusal_done,
    "response.reasoning_text.delta": ResponsesReader._raw_delta,
    "response.reasoning_text.done": ResponsesReader._raw_done,
    "response.reasoning_summary_text.delta": ResponsesReader._summary_delta,
    "response.reasoning_summary_text.done": ResponsesReader._summary_done,
    "response.function_call_arguments.delta": ResponsesReader._arguments_delta,
    "response.function_call_arguments.done": ResponsesReader._arguments_done,
    "response.custom_tool_call_input.delta": ResponsesReader._arguments_delta,
    "response.custom_tool_call_input.done": ResponsesReader._arguments_done,
    "response.completed": ResponsesReader._terminal,
    "response.incomplete": ResponsesReader._terminal,
    "response.failed": ResponsesReader._terminal,
    "error": ResponsesReader._error,
}
