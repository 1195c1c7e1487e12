"""What is new in the text of a frame.

A server repeats the whole text so far in every frame, or, run with incremental output, sends pieces.  Nothing says
which, so the second frame with text must tell: it begins with the first one's text, or it does not.  A piece may begin
so by chance ("ha", then "ha!"), hence the second hint: `output_ids` that are fewer than the tokens so far are pieces.
Then the text is in pieces too, but for older servers, which cut the ids alone; so one frame is held until the next one
tells.  From then on a frame costs what is new in it.
"""

from typing import Any

from routing.dialects.events import count, member


class Growth:
    __slots__ = ("_held", "_last", "_said", "in_pieces")

    def __init__(self) -> None:
        self.in_pieces: bool | None = None  # not known yet
        self._said = 0  # characters that went on
        self._last = ""  # text of the frame before, until it is known
        self._held = ""

    def feed(self, text: str, payload: dict[str, Any], *, is_last: bool) -> str:
        if self.in_pieces is None:
            return self._undecided(text, payload, is_last)
        return text if self.in_pieces else self._rest(text)

    def close(self) -> str:
        """What is still held when no other frame comes."""
        held, self._held = self._held, ""
        return self._rest(held)

    def _rest(self, text: str) -> str:
        """A whole text may become shorter in the end, when a stop sequence is cut off.  What was said stays said."""
        new = text[self._said :]
        self._said += len(new)
        return new

    def _undecided(self, text: str, payload: dict[str, Any], is_last: bool) -> str:
        if not self._last:
            self._last = text
            return self._rest(text)
        if not text:
            # In the last frame only a piece can be empty: a whole text would repeat what is held.
            return self._released("") if self._held and is_last else ""
        ids_in_pieces = _ids_in_pieces(payload)
        goes_on = text.startswith(self._last) or (is_last and self._last.startswith(text))
        if not goes_on and ids_in_pieces is not False:
            return self._released(text)
        if ids_in_pieces and not self._held and not is_last:
            self._last = self._held = text
            return ""
        self.in_pieces, self._held = False, ""
        return self._rest(text)

    def _released(self, text: str) -> str:
        self.in_pieces = True
        held, self._held = self._held, ""
        return held + text


def _ids_in_pieces(payload: dict[str, Any]) -> bool | None:
    """None when the frame does not say."""
    ids, tokens = payload.get("output_ids"), count(member(payload, "meta_info").get("completion_tokens"))
    if not isinstance(ids, list) or tokens is None:
        return None
    return len(ids) < tokens
