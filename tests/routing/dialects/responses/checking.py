"""What must hold of every Responses stream, after sections 4.6, 4.8 and 6.2 of the reference."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from routing.dialects.sse import SseParser

_SDK: TypeAdapter = TypeAdapter(ResponseStreamEvent)
_DELTAS = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "summary",
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
}
_ENDS = {
    "response.output_text.done": "text",
    "response.refusal.done": "refusal",
    "response.reasoning_summary_text.done": "text",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
}
_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


@dataclass
class Item:
    id: str
    kind: str
    parts: list[Any] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    part: str = ""  # kind of the part that is open
    ended: str | None = None  # the text that its .done event gave
    is_done: bool = False


@dataclass
class Checked:
    events: list[dict]
    items: list[dict]
    response: dict

    def kinds(self) -> list[str]:
        return [event["type"].removeprefix("response.") for event in self.events]

    def of(self, kind: str) -> list[dict]:
        return [event for event in self.events if event["type"] == kind]


def events_of(stream: bytes) -> list[dict]:
    parser = SseParser()
    found = parser.feed(stream) + parser.close()
    assert not stream or stream.endswith(b"\n\n")
    events = [orjson.loads(data) for _, data in found]
    assert [name.decode() for name, _ in found] == [event["type"] for event in events]
    return events


def check(stream: bytes) -> Checked:
    events = events_of(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    checker = _Checker()
    for event in events:
        checker.event(event)
    assert checker.response is not None, "no response.completed, .incomplete or .failed"
    for event in events:
        if event["type"] != "response.failed":
            _SDK.validate_python(event)
    if checker.response["status"] != "failed":
        Response.model_validate(checker.response)
    return Checked(events, [item for _, item in sorted(checker.done.items())], checker.response)


class _Checker:
    def __init__(self) -> None:
        self.items: dict[int, Item] = {}
        self.done: dict[int, dict] = {}
        self.response: dict | None = None
        self._number = 0
        self._id = ""
        self._active = ""  # the item that Codex believes to be open

    def event(self, event: dict) -> None:
        assert self.response is None, "nothing follows the end"
        kind = event["type"]
        if self._number < 2:
            assert kind == ("response.created", "response.in_progress")[self._number] or kind == "response.failed"
        self._number += 1
        if "response" in event:
            self._whole(kind, event["response"])
        elif kind == "response.output_item.added":
            self._added(event)
        elif kind == "response.output_item.done":
            self._item_done(event)
        else:
            self._inside(kind, event)

    def _whole(self, kind: str, response: dict) -> None:
        assert response["object"] == "response"
        assert isinstance(response["created_at"], int)
        self._id = self._id or response["id"]
        assert response["id"] == self._id
        assert response["id"].startswith("resp_")
        if kind not in _TERMINAL:
            assert (response["status"], response["output"]) == ("in_progress", [])
            return
        assert kind == f"response.{response['status']}"
        self.response = response
        assert response["output"] == [item for _, item in sorted(self.done.items())]
        if kind == "response.failed":
            assert response["error"]["code"]
            assert response["error"]["message"]
            return
        assert len(self.done) == len(self.items), "all items are done before the end"
        assert bool(response["incomplete_details"]) == (kind == "response.incomplete")
        usage = response["usage"]
        assert isinstance(usage["input_tokens_details"]["cached_tokens"], int)
        assert isinstance(usage["output_tokens_details"]["reasoning_tokens"], int)
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]

    def _added(self, event: dict) -> None:
        item, index = event["item"], event["output_index"]
        assert index == len(self.items), "indices ascend without gaps"
        assert item["id"] not in {known.id for known in self.items.values()}
        self.items[index] = Item(item["id"], item["type"])
        match item["type"]:
            case "message":
                assert (item["content"], item["status"], item["role"]) == ([], "in_progress", "assistant")
            case "reasoning":
                assert item["summary"] == []
            case kind:
                assert item["call_id"]
                assert item["name"]
                assert item["input" if kind == "custom_tool_call" else "arguments"] == ""
        if item["type"] in ("message", "reasoning"):
            self._active = item["id"]

    def _inside(self, kind: str, event: dict) -> None:
        item = self.items[event["output_index"]]
        assert event["item_id"] == item.id
        assert not item.is_done
        if kind.endswith("part.added"):
            assert not item.part
            item.part = "summary" if "summary_index" in event else event["part"]["type"]
            item.pieces, item.ended = [], None
        if "content_index" in event or "summary_index" in event:
            assert event.get("content_index", event.get("summary_index")) == len(item.parts)
        if kind in _DELTAS:
            assert isinstance(event["delta"], str)
            assert item.ended is None
            if item.kind in ("message", "reasoning"):
                assert item.part == _DELTAS[kind]
                assert self._active == item.id, "Codex: a delta without an active item"
            else:
                assert _DELTAS[kind] == ("input" if item.kind == "custom_tool_call" else "arguments")
            item.pieces.append(event["delta"])
        elif kind in _ENDS:
            item.ended = event[_ENDS[kind]]
            assert item.ended == "".join(item.pieces)
        elif kind.endswith("part.done"):
            part = event["part"]
            assert part.get("text", part.get("refusal")) == item.ended
            item.parts.append(part)
            item.part = ""

    def _item_done(self, event: dict) -> None:
        index, item = event["output_index"], event["item"]
        known = self.items[index]
        assert not known.is_done
        assert not known.part
        assert (item["id"], item["type"]) == (known.id, known.kind)
        known.is_done = True
        self.done[index] = item
        self._active = ""
        match item["type"]:
            case "message":
                assert item["content"] == known.parts
                assert item["content"]
                assert item["status"] in ("completed", "incomplete")
            case "reasoning":
                assert item["summary"] == known.parts
            case kind:
                assert item["call_id"]
                assert item["name"]
                assert item["input" if kind == "custom_tool_call" else "arguments"] == known.ended
