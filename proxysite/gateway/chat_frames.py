"""Chat answers mended on their way to a chat client: which of their frames need not be read.  Pure.

    frames ──► alike but for their text, and no marker in it? ──► leave as the very bytes that came; what they said is
                   │ no                                           kept, to be heard when it matters
                   ▼
               one by one: read, mended, and written anew where that changed something (`chat_rewriter`)

So an ordinary answer is never read.  What stands before a marker, as a fence or a quotation, decides whether it counts:
where one may begin, all that left unread is read too.
"""

import re
from collections.abc import Sequence

from proxysite.gateway.chat_rewriter import ChatRewriter, Menders
from proxysite.gateway.plain_frames import PlainFrames, as_text
from routing.dialects.events import Failed
from routing.dialects.json import object_of
from routing.dialects.opening import is_greeting
from routing.dialects.sse import DONE, apart, end_of_first
from validation.repair import IN_TEXT, could_go_on, holds_marker, is_suspect

_REASON = re.compile(rb'"finish_reason"\s*:\s*"')
_ANY_TEXT = re.compile(rb'"(?:content|text|reasoning\w*)"\s*:\s*"(?!")')
_LONGEST_BEGINNING = 4096  # bytes of frames that are kept
_MOST_UNHEARD = 1 << 14  # bytes of text that are kept
_TRIES = 8  # to let the rest of what came at once leave in one piece, before each frame is looked at by itself


class ChatFrames:
    """Whole frames in, frames out."""

    def __init__(self, menders: Menders, reasoning_field: str = "") -> None:
        self.is_cut = False  # the stream ended before the answer did
        self._menders = menders
        self._reasoning_field = reasoning_field
        self._plain = PlainFrames()
        self._rewriter: ChatRewriter | None = None
        self._beginning = b""  # the frames up to the first text, unread
        self._has_begun = False
        self._unheard = bytearray()  # what the unread frames behind it said, as JSON spells it
        self._held = b""  # a frame whose text could still become a marker
        self._may_wait: bool | None = True  # texts may be heard later; None: not known since something was read
        self._is_finished = False  # the reason to finish left unread

    @property
    def warnings(self) -> Sequence[str]:
        return self._rewriter.warnings if self._rewriter else ()

    def feed(self, data: bytes) -> bytes:
        text = self._plain.only_text(data)
        if text and self._may_wait and not self._held and not is_suspect(text):
            self._keep(text)
            return data
        return self._several(data)

    def _several(self, data: bytes) -> bytes:
        """A busy server sends many frames at once: those without markup leave in one piece."""
        if self._held:
            data, self._held = self._held + data, b""
        end = self._unread(data, 0 if self._has_begun else self._begun(data))
        if end == len(data):
            return data
        out = [data[:end]]
        for _ in range(_TRIES):
            if end == len(data) or self._held:
                break
            start = end_of_first(data, end)
            out.append(self._one(data[end:start]))
            end = self._unread(data, start) if start < len(data) else start
            out.append(data[start:end])
        return b"".join(out) + self._one_by_one(b"" if self._held else data[end:])

    def close(self) -> bytes:
        """The upstream has nothing more to say."""
        out = self._let_go()
        if not self._has_begun:
            self._look_back()
        rewriter = self._rewriter
        if rewriter is None or (not rewriter.has_ended and rewriter.is_quiet()):
            # Nothing is held, and nothing was changed that the end would have to fit.
            self.is_cut = not self._is_finished and (rewriter is None or not rewriter.knows_reason)
            return out
        if rewriter.has_ended:
            return out
        out += rewriter.close()
        self.is_cut = rewriter.is_cut
        return out

    def fail(self, failed: Failed) -> bytes:
        """The answer cannot go on: what was held is given as it was."""
        out = self._let_go()
        return out + self._rewriter.fail(failed) if self._rewriter else out

    # The beginning

    def _begun(self, data: bytes) -> int:
        """Up to behind the first text, if the answer begins with one that may stay unread."""
        first = self._plain.first_text(data)
        head, end = (first.start, first.end) if first else (len(data), len(data))
        if (
            len(self._beginning) + end > _LONGEST_BEGINNING
            or (first and not self._menders.begins(first.text))
            or not all(map(_says_nothing, apart(data[:head])))
        ):
            self._look_back()
            return 0
        self._beginning += data[:end]
        self._has_begun = first is not None
        return end

    def _look_back(self) -> ChatRewriter:
        """Reads what left unread."""
        self._has_begun = True
        self._may_wait = None
        rewriter, kind = self._rewriter, self._plain.kind
        if rewriter is None:
            self._plain = PlainFrames()
            rewriter = ChatRewriter(self._menders, self._plain, self._reasoning_field)
            self._rewriter = rewriter
            for frame in apart(self._beginning):
                rewriter.feed(frame)
            self._beginning = b""
        if self._unheard:
            rewriter.hear(kind(as_text(self._unheard)))
            self._unheard = bytearray()
        return rewriter

    # What need not be read

    def _unread(self, data: bytes, start: int) -> int:
        """Up to where the frames from there on leave unread.  Behind them one has to be read, or `_held`."""
        end, texts = self._plain.run(data, start)
        if texts and not self._leave(texts):
            if end == len(data) and (held := self._last(data, texts)):
                self._held = held
                return end - len(held)
            end = start
        return len(data) if end == len(data) or self._passes(data[end:]) else end

    def _leave(self, texts: bytes) -> bool:
        """Whether frames that say only this leave unread."""
        if not self._waits() or is_suspect(texts):
            return False
        self._keep(texts)
        return True

    def _keep(self, texts: bytes) -> None:
        self._unheard += texts
        if len(self._unheard) > _MOST_UNHEARD:
            self._look_back()

    def _waits(self) -> bool:
        if self._may_wait is None:
            self._may_wait = self._rewriter is None or self._rewriter.may_wait()
        return self._may_wait

    def _last(self, data: bytes, texts: bytes) -> bytes:
        """The last frame, if that is all that has to wait for more."""
        size, text = self._plain.last(data)
        if not self._waits() or holds_marker(texts) or could_go_on(texts) > text:
            return b""
        self._keep(texts[: len(texts) - text])
        return data[-size:]

    def _passes(self, frames: bytes) -> bool:
        """Whether frames that say something else than texts, or look different each time, leave unread."""
        rewriter = self._rewriter
        if self._plain.is_learning or (rewriter and not rewriter.has_spoken):
            return False
        if self._unheard and _ANY_TEXT.search(frames):
            rewriter = self._look_back()
        if not rewriter.passes(frames) if rewriter else IN_TEXT.search(frames):
            return False
        if self._is_finished or _REASON.search(frames):
            self._is_finished = True
            return True
        # An end without a reason to finish is read, for it is given one.
        return DONE not in frames or (rewriter is not None and rewriter.has_told_reason)

    # What is read

    def _one_by_one(self, frames: bytes) -> bytes:
        return b"".join(map(self._one, apart(frames)))

    def _one(self, frame: bytes) -> bytes:
        text = self._plain.only_text(frame)
        if self._leave(text) if text else self._passes(frame):
            return frame
        return self._look_back().feed(frame)

    def _let_go(self) -> bytes:
        held, self._held = self._held, b""
        return self._one_by_one(held) if held else b""


def _says_nothing(frame: bytes) -> bool:
    """A comment, or what answers begin with: who speaks."""
    if frame.startswith(b":"):
        return True
    chunk = object_of(frame.removeprefix(b"data:"))
    return chunk is not None and "error" not in chunk and is_greeting(chunk)
