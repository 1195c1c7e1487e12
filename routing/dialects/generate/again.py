"""Payloads of /generate written again with other words in them."""

from typing import Any

from routing.dialects.answer import Answer
from routing.dialects.events import Finish, FinishReason, member
from routing.dialects.exchange import Exchange
from routing.dialects.tally import Tally
from routing.dialects.text_reader import text_of
from routing.dialects.text_writer import TextWriter

_OF_TOKENS = frozenset({"output_token_logprobs", "output_top_logprobs", "output_token_ids_logprobs"})


class GenerateAgain(TextWriter):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._told: list[str] = []

    def passed(self, text: str) -> None:
        super().passed(text)
        self._told.append(text)

    def _saying(self, text: str) -> dict[str, Any]:
        return saying(self.payload, text if self.in_pieces else self._text(), None)

    def _ending(self, tally: Tally) -> list[dict[str, Any]]:
        last = saying(self.payload, "" if self.in_pieces else self._text(), _reason(tally))
        counts = {"prompt_tokens": tally.usage.prompt, "completion_tokens": tally.usage.output}
        last["meta_info"] |= {name: number for name, number in counts.items() if number is not None}
        return [last]

    def _text(self) -> str:
        self._told = ["".join(self._told)]
        return self._told[0]


def saying(payload: dict[str, Any], text: str, reason: dict[str, Any] | None) -> dict[str, Any]:
    """Without the numbers and the logprobs of tokens that are not there any more."""
    kept = {name: value for name, value in payload.items() if name != "output_ids"}
    meta = {name: value for name, value in member(payload, "meta_info").items() if name not in _OF_TOKENS}
    return {**kept, "text": text, "meta_info": {**meta, "finish_reason": reason}}


def whole(answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    """The answer's text in the body it came with."""
    text, reason = answer.text(), _reason(answer.tally)
    if text_of(body.get("text")) != text:
        return saying(body, text, reason)
    came = member(body, "meta_info").get("finish_reason")
    if isinstance(came, dict) and came.get("type") == reason["type"]:
        return body
    return {**body, "meta_info": {**member(body, "meta_info"), "finish_reason": reason}}


def _reason(tally: Tally) -> dict[str, Any]:
    finish = tally.finish or Finish(FinishReason.STOP)
    if finish.reason in (FinishReason.LENGTH, FinishReason.CONTEXT):
        return {"type": "length"}
    return {"type": "stop", "matched": finish.stop_sequence} if finish.stop_sequence else {"type": "stop"}
