"""Server-sent events: bytes in, frames out, however the bytes were split; and frames to bytes.

A frame is the pair (event name, data), both bytes: nothing is decoded before a frame is whole, so a chunk may end
inside a UTF-8 sequence or between `\\r` and `\\n`.  The work is proportional to the new bytes: an unfinished line is a
list of pieces, joined once.
"""

import re
from typing import Any

import orjson

Frame = tuple[bytes, bytes]

FRAME_END = b"\n\n"  # as nearly everybody writes it
DONE = b"[DONE]"
DONE_FRAME = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
PING = b'event: ping\ndata: {"type":"ping"}\n\n'

_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_FRAMES = re.compile(rb"(?s).*?(?:\r\n\r\n|\n\n|\r\r|\n\r\n)")
_BOM = b"\xef\xbb\xbf"
_CR, _LF = 13, 10


def apart(frames: bytes) -> list[bytes]:
    """Whole frames, one by one, as they came."""
    if b"\r" in frames:
        return _FRAMES.findall(frames)
    return [frame + FRAME_END for frame in frames.removesuffix(FRAME_END).split(FRAME_END)] if frames else []


def end_of_first(frames: bytes, start: int) -> int:
    """Where the frame ends that begins at `start`."""
    found = _FRAME_END.search(frames, start)
    return found.end() if found else len(frames)


class SseParser:
    """`feed` gives the frames that became complete; `close` the last one, when its blank line is missing."""

    __slots__ = ("_after_cr", "_data", "_event", "_first", "_more", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of the line that is not complete yet
        self._after_cr = False  # a line ended with \r at the end of a chunk: a \n that follows belongs to it
        self._first = True
        self._event = b""
        self._data: bytes | None = None
        self._more: list[bytes] | None = None  # all data lines, when there is more than one

    @property
    def is_between_frames(self) -> bool:
        """Nothing is half read."""
        return self._data is None and not (self._pieces or self._event or self._after_cr)

    def feed(self, chunk: bytes) -> list[Frame]:
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == _LF:
                chunk = chunk[1:]
        if not chunk:
            return []
        lines = chunk.splitlines()
        last = chunk[-1]
        rest = None
        if last == _CR:
            self._after_cr = True
        elif last != _LF:
            rest = lines.pop()
        if lines:
            if self._pieces:
                self._pieces.append(lines[0])
                lines[0] = b"".join(self._pieces)
                self._pieces.clear()
            if self._first:
                self._first = False
                lines[0] = lines[0].removeprefix(_BOM)
        if rest is not None:
            self._pieces.append(rest)
        return self._frames(lines)

    def close(self) -> list[Frame]:
        line = b"".join(self._pieces)
        self._pieces.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        return self._frames([line, b""] if line else [b""])

    def _frames(self, lines: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        for line in lines:
            if not line:
                if self._data is not None:
                    frames.append((self._event, self._data if self._more is None else b"\n".join(self._more)))
                    self._data = self._more = None
                self._event = b""
            elif line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            elif line.startswith(b"event:"):
                self._event = line[7:] if line[6:7] == b" " else line[6:]
            elif line == b"data":
                self._add(b"")
        return frames

    def _add(self, value: bytes) -> None:
        if self._data is None:
            self._data = value
        elif self._more is None:
            self._more = [self._data, value]
        else:
            self._more.append(value)


def data_frame(value: Any) -> bytes:
    """A frame of OpenAI's chat, of Completions and of SGLang: data alone."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def named_frame(value: dict[str, Any]) -> bytes:
    """A frame of Anthropic's Messages and of Responses: the event's name is the `type` of its data."""
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"
