"""Frames of a stream that differ from one another in their text alone, read together and without parsing each.

Servers repeat all of a chunk but the token it brings.  So a frame that was parsed, and only said something, tells what
stands before and behind the text.  Whole frames that have nothing but that around their texts say these one after the
other; whatever else comes is for the reader, and is learned from anew.
"""

import orjson

from routing.dialects.events import Event, Reasoning, Text

_BEFORE_TEXT = (b'"content":', b'"text":', b'"reasoning_content":', b'"reasoning":', b'"thinking":')
_SHORT = 16  # bytes
_TOGETHER = 16  # tokens
_LESSONS = 8  # frames of which none is like the one before: then each is like no other


class PlainText:
    """What can be read so is `read`, and what cannot is something to `learn` from.  `inside`: the key of the object
    that the text stands in."""

    __slots__ = ("_after", "_before", "_between", "_inside", "_kind", "_lessons")

    def __init__(self, inside: bytes = b'"delta"') -> None:
        self._inside = inside
        self._before = self._after = self._between = b""
        self._kind: type[Text] | type[Reasoning] | None = None
        self._lessons = _LESSONS

    @property
    def is_hopeful(self) -> bool:
        """Something is known, or may still be learned."""
        return self._kind is not None or self._lessons > 0

    def whole(self, chunk: bytes) -> list[Event] | None:
        """All that the chunk says, if it is whole frames of the learned kind and nothing else."""
        if self._kind is None or not chunk.endswith(self._after) or not chunk.startswith(self._before):
            return None
        return self._said(apart(chunk[len(self._before) : -len(self._after)], self._between))

    def read(self, data: bytes, start: int) -> tuple[list[Event], int] | None:
        """What the whole frames from there on say that are of the learned kind, and where others follow."""
        if self._kind is None or not data.startswith(self._before, start):
            return None
        *texts, last = apart(data[start + len(self._before) :], self._between)
        after = last.find(self._after)
        if after >= 0:
            texts.append(last[:after])
            rest = len(last) - after - len(self._after)
        else:  # the last frame begins like the others, but ends otherwise, or later
            rest = len(last) + len(self._before)
        said = self._said(texts)
        return (said, len(data) - rest) if said else None

    def _said(self, texts: list[bytes]) -> list[Event] | None:
        """Some tokens as one event, but no more than a phrase: whoever judges them judges as they come.

        None if there is another frame among them."""
        try:
            said = orjson.loads(b'["%b"]' % b'","'.join(texts)) if texts else []
        except orjson.JSONDecodeError:
            return None
        if len(said) != len(texts) or self._kind is None or not all(said):
            return None
        self._lessons = _LESSONS
        if len(said) < _TOGETHER:
            return [self._kind("".join(said))] if said else None
        return [self._kind("".join(said[at : at + _TOGETHER])) for at in range(0, len(said), _TOGETHER)]

    def learn(self, frame: bytes, found: list[Event]) -> None:
        """From one whole frame and what it said.  Anything but one text ends what was known."""
        self._kind = None
        self._lessons -= 1
        if len(found) != 1 or not isinstance(found[0], Text | Reasoning) or self._lessons < 0:
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
