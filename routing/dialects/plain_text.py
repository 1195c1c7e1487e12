"""Frames of a stream that differ from one another in their text alone, read together and without parsing each.

Servers repeat all of a chunk but the token it brings.  So a frame that was parsed, and only said something, tells what
stands before and behind the text.  Whole frames that have nothing but that around their texts say these one after the
other; whatever else comes is for the reader, and is learned from anew.
"""

import orjson

from routing.dialects.events import Event, Reasoning, Text

_BEFORE_TEXT = (b'"content":', b'"text":', b'"reasoning_content":', b'"reasoning":', b'"thinking":')
_SHORT = 16  # bytes
_TOGETHER = 64  # tokens
_LESSONS = 8  # frames of which none is like the one before: then each is like no other


class PlainText:
    """What can be read so is `read`, and what cannot is something to `learn` from.  `inside`: the key of the object
    that the text stands in."""

    __slots__ = ("_after", "_before", "_between", "_inside", "_kind", "_lessons", "_waiting", "_waiting_size")

    def __init__(self, inside: bytes = b'"delta"') -> None:
        self._inside = inside
        self._before = self._after = self._between = b""
        self._kind: type[Text] | type[Reasoning] | None = None
        self._lessons = _LESSONS
        self._waiting: list[bytes] = []  # texts of whole frames that are not read yet
        self._waiting_size = 0

    @property
    def is_hopeful(self) -> bool:
        """Something is known, or may still be learned."""
        return self._kind is not None or self._lessons > 0

    def whole(self, chunk: bytes, patience: int = 0) -> list[Event] | None:
        """All that the chunk says, and what waited, if it is whole frames of the learned kind and nothing else.

        Less text than `patience`, in bytes, waits for more: reading one token costs as much as reading some.
        """
        if self._kind is None or not chunk.endswith(self._after) or not chunk.startswith(self._before):
            return None
        texts = chunk[len(self._before) : -len(self._after)]
        size = self._waiting_size + len(texts)
        if size < patience:
            self._waiting.append(texts)
            self._waiting_size = size
            return []
        if self._waiting:
            texts = self._between.join((*self._waiting, texts))
        said = self._said(apart(texts, self._between))
        if said is not None and self._waiting:
            self._forget_waiting()
        return said

    def waiting(self) -> bytes:
        """The frames that wait, which do so no longer."""
        if not self._waiting:
            return b""
        frames = self._before + self._between.join(self._waiting) + self._after
        self._forget_waiting()
        return frames

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_size = 0

    def read(self, data: bytes, start: int) -> tuple[list[Event], int] | None:
        """What the whole frames from there on say that are of the learned kind, and where others follow."""
        if self._kind is None or not data.startswith(self._before, start):
            return None
        first = start + len(self._before)
        last = data.rfind(self._between, first)
        end = data.find(self._after, first if last < 0 else last + len(self._between))
        if end < 0:  # the last frame begins like the others, but ends otherwise, or later
            end = last
        said = self._said(apart(data[first:end], self._between)) if end >= 0 else None
        return (said, end + len(self._after)) if said else None

    def _said(self, texts: list[bytes]) -> list[Event] | None:
        """Some tokens as one event, but no more than a paragraph: whoever judges them judges as they come.

        None if there is another frame among them."""
        assert self._kind is not None
        said: list[Event] = []
        try:
            for at in range(0, len(texts), _TOGETHER):
                text = orjson.loads(b'"%b"' % b"".join(texts[at : at + _TOGETHER]))
                said += [self._kind(text)] if text else []
        except orjson.JSONDecodeError:
            return None
        self._lessons = _LESSONS
        return said or None

    def learn(self, frame: bytes, found: list[Event]) -> None:
        """From one whole frame and what it said.  Anything but one text ends what was known."""
        self._kind = None
        self._lessons -= 1
        if len(found) != 1 or not isinstance(found[0], Text | Reasoning) or self._lessons < 0:
            return
        if type(found[0]) is Text and found[0].logprobs:
            return
        before, quoted, after = frame.partition(orjson.dumps(found[0].text))
        if quoted in after or self._inside not in before or not before.rstrip().endswith(_BEFORE_TEXT):
            return
        self._before, self._after = before + b'"', b'"' + after
        self._between = self._after + self._before
        self._kind = type(found[0])


def apart(texts: bytes, between: bytes) -> list[bytes]:
    """`texts.split(between)`, several times as fast: Python looks for short bytes much faster than for long ones."""
    pieces = texts.split(between[:_SHORT])
    if len(pieces) != texts.count(between) + 1:
        return texts.split(between)
    rest = len(between[_SHORT:])
    return [pieces[0], *[piece[rest:] for piece in pieces[1:]]]
