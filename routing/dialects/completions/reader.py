"""The answers of Completions to events: frames of a stream, or the whole body, which looks like one big frame.

The prompt that a server was asked to repeat first (`echo`) is nobody's answer, and no event.
"""

from collections.abc import Mapping
from typing import Any

from routing.dialects.chat import usage as chat_usage
from routing.dialects.events import Event, Finish, FinishReason, Start, Text, UsageSeen
from routing.dialects.exchange import Exchange
from routing.dialects.text_reader import TextReader, text_of

OTHER_ANSWERS = "The upstream gave several answers; only the first one was judged."
_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.REFUSAL,
}


class CompletionsReader(TextReader):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._echo = str(exchange.echo.get("prompt", ""))  # what of it is still to come

    def _start(self, payload: dict[str, Any]) -> Start:
        return Start(text_of(payload.get("id")), text_of(payload.get("model")))

    def _events(self, payload: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        choices = payload.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and not choice.get("index"):
                self._choice(choice, events)
            else:
                self._warn(OTHER_ANSWERS)
        found = chat_usage.parse(payload.get("usage")) or chat_usage.of_timings(payload.get("timings"))
        return [*events, UsageSeen(found)] if found else events

    def _choice(self, choice: dict[str, Any], events: list[Event]) -> None:
        text = text_of(choice.get("text"))
        if self._echo:
            text = self._without_echo(text)
        if text:
            events.append(self._said(Text(text)))
        reason = choice.get("finish_reason")
        if reason:  # some servers write an empty one into every frame
            self.finish = Finish(_REASONS.get(text_of(reason), FinishReason.UNKNOWN))

    def _without_echo(self, text: str) -> str:
        if self._echo.startswith(text):
            self._echo = self._echo[len(text) :]
            return ""
        text, self._echo = text.removeprefix(self._echo), ""
        return text
