"""The frames of a Messages stream, where they are kept as they came."""

from routing.dialects import names
from routing.dialects.events import Event, Finish, ToolStart, member
from routing.dialects.json import object_of
from routing.dialects.tally import Tally

_OF_BLOCK = b'"content_block_st'  # the beginning of a block, or its end
_NAME = b"event:"


class MessagesFrames:
    def __init__(self) -> None:
        self.place = (-1, "")  # the index and the kind of the open block; no kind: of the last one
        self._tally = Tally()

    def is_tidy(self, frame: bytes, found: list[Event], finish: Finish | None) -> bool:
        """Whether clients understand the frame as it came: SDKs read named events alone, and refuse ids with
        other signs, and servers say that the turn ended, after a call."""
        if _OF_BLOCK in frame:
            self._block(frame)
        calls = [event.id for event in found if isinstance(event, ToolStart)]
        if any(names.plain_id(id) != id for id in calls):
            return False
        self._tally.calls += len(calls)
        if found and not (frame.startswith(_NAME) or b"\n" + _NAME in frame):
            return not frame
        if self._tally.finish is None and finish is not None:
            self._tally.finish = finish
            return self._tally.reason() is finish.reason
        return True

    def _block(self, frame: bytes) -> None:
        payload = object_of(frame.partition(b"data:")[2]) or {}
        index, kind = payload.get("index"), member(payload, "content_block").get("type")
        if type(index) is int:
            self.place = (max(index, self.place[0]), str(kind) if payload.get("type") == "content_block_start" else "")
