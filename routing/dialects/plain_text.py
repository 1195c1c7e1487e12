"""Frames of a stream that differ from one another in their text alone, read together and without parsing each.

Servers repeat all of a chunk but the token it brings.  So a frame that was parsed, and only said something, tells what
stands before and behind the text.  Whole frames that have nothing but that around their texts say these one after the
other; whatever else comes is for the reader, and is learned from anew.
"""

import orjson

from routing.dialects.events import Event, Reasoning, Text

_END = b"\n\n"
_BEFORE_TEXT = (b'"content":', b'"text":', b'"reasoning_content":', b'"reasoning":', b'"thinking":')
_LESSONS = 8  # frames of which none is like the one before: then each is like no other


class PlainText:
    """`read` what can be read so, and `learn` from what could not."""

    __slots__ = ("_after", "_before", "_between", "_kind", "_lessons")

    def __init__(self) -> None:
        self._before = self._after = self._between = b""
        self._kind: type[Text] | type[Reasoning] | None = None
        self._lessons = _LESSONS

    def read(self, chunk: bytes) -> Event | None:
        """All that the chunk says, if it is whole frames of the learned kind and nothing else."""
        if self._kind is None or not chunk.startswith(self._before) or not chunk.endswith(self._after):
            return None
        texts = chunk[len(self._before) : -len(self._after)].split(self._between)
        try:
            said = orjson.loads(b'["%b"]' % b'","'.join(texts))
        except orjson.JSONDecodeError:  # there is another frame among them
            return None
        if len(said) != len(texts):
            return None
        self._lessons = _LESSONS
        text = "".join(said)
        return self._kind(text) if text else None

    def learn(self, chunk: bytes, found: list[Event]) -> None:
        """`found` is what the last frame of the chunk said.  Anything but one text is forgotten what it looks like."""
        self._kind = None
        if self._lessons <= 0 or len(found) != 1 or not chunk.endswith(_END):
            return
        said = found[0]
        if not isinstance(said, Text | Reasoning):
            return
        self._lessons -= 1
        frame = chunk[chunk.rfind(_END, 0, -len(_END)) + len(_END) :] if chunk.count(_END) > 1 else chunk
        before, quoted, after = frame.partition(orjson.dumps(said.text))
        if quoted in after or b'"delta"' not in before or not before.rstrip().endswith(_BEFORE_TEXT):
            return
        self._before, self._after = before + b'"', b'"' + after
        self._between = self._after + self._before
        self._kind = type(said)
