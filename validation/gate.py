"""What of an answer may go on to the client, and when: the gate between a reader and a writer.

Every channel of an answer (its text, its reasoning, each call's arguments) has detectors of its own.  *Hold back*: text
goes on behind a window, which is small at the beginning so that a client soon sees something, and which stops where a
suspicion begins; a tool call goes on when it is complete, because a client acts on it then.  *Buffer*: nothing goes on
before the end.  In both the last piece waits for the judgement of the whole.  The order of the events never changes.

A gate has no clock and calls nobody.  When it wants the validator model it sets `ask`; whoever has the clock gives it
the answer, or says that there is none, by `answer`.  Once `verdict` or `failure` is set nothing goes on any more.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Refusal,
    Start,
    Text,
    ToolArguments,
    ToolEnd,
    ToolStart,
    UpstreamError,
    UsageSeen,
)
from validation.asks import Ask, Wonder, about_the_end
from validation.calls import Calls, Ends, Found
from validation.channels import Channel, Condemned, Detectors, Stream
from validation.snapshot import Delivery, Policy, ValidateOn
from validation.verdict import Verdict

PIECE = 16  # text goes on in pieces of about this size
MOST_LEAKED = 2000  # characters; an answer with more garbage than that in its middle is not one to go on with

Spoken = Text | Refusal | Reasoning
_SILENT, _THOUGHTS, _DEEDS = (Start, UsageSeen), (Reasoning, ReasoningEnd, Redacted), (Refusal, ToolStart)
_OF_CALLS = (ToolStart, ToolArguments, ToolEnd)
_SPOKEN: dict[type[Event], Channel] = {
    Text: Channel.TEXT, Refusal: Channel.TEXT, Reasoning: Channel.REASONING,
}  # fmt: skip


class Gate:
    """`detectors` makes what looks at one channel.  `whole`: the client does not stream.

    `seen` is text that the client has already, of an answer that is being continued: the detectors know it, and it does
    not go on again.
    """

    def __init__(
        self,
        policy: Policy,
        detectors: Callable[[Channel], Detectors],
        seen: str = "",
        *,
        ends: Ends | None = None,
        whole: bool = False,
    ) -> None:
        self.verdict: Verdict | None = None
        self.failure: UpstreamError | None = None  # the upstream's own, behind which nothing comes
        self.ask: Ask | None = None
        self.judged: Stream | None = None  # where the verdict was found
        self.has_released = False  # something that a client would show or act on
        self._has_answered = False  # the same, but for thoughts
        self._has_acted = False  # a call or a refusal: nothing that a text can go on from
        self._policy = policy
        self._make = detectors
        self._holds_all = whole or policy.delivery is Delivery.BUFFER
        self._streams = {Channel.TEXT: Stream(Channel.TEXT, detectors(Channel.TEXT))}
        self._calls = Calls(detectors, ends)
        self._ends = ends
        self._held: deque[Event] = deque()
        self._worth_looking = 0  # from this size on of that stream, more of it may go on
        self._open: Stream | None = None  # the stream that the newest piece belongs to
        self._finish: FinishReason | None = None
        self._ending = False
        self._ended = False
        asks = policy.validator and policy.mid_stream_validation_enabled
        self._wonder = Wonder(policy) if asks else None
        if seen:
            text = self._streams[Channel.TEXT]
            text.feed(seen)
            text.released = text.size
            self.has_released = self._has_answered = True

    def feed(self, event: Event) -> list[Event]:
        """The events that may go on."""
        if self.verdict or self._ended:
            return []
        if isinstance(event, Failed):
            self._ended, self.failure, self.ask = True, event.error, None
            return []
        if isinstance(event, Condemned):
            self._condemn(event.verdict, event.stream)
            return []
        self._held.append(event)
        if channel := _SPOKEN.get(type(event)):
            return self._heard(event, channel)  # type: ignore[arg-type]
        if not self._look(event):
            return []
        if isinstance(event, End):
            return self._judge_whole()
        return [] if self._holds_all or self._ending else self._released()

    def _heard(self, event: Spoken, channel: Channel) -> list[Event]:
        """Small pieces of text go on together: each costs a frame, and is late anyway."""
        stream = self._streams.get(channel) or self._stream(channel)
        if stream is not self._open:
            self._open, self._worth_looking = stream, 0
        if not self._fed(stream, event.text) or stream.size < self._worth_looking or self._holds_all or self._ending:
            return []
        self._worth_looking = stream.size + (PIECE if stream.released else 0)
        return self._released()

    def passes(self, text: str) -> bool:
        """Whether nothing is wrong with a whole answer of this text alone, which need not come here then."""
        if self._policy.validator:
            return False
        judge = self._make(Channel.TEXT)
        if judge.feed(text) or judge.close(FinishReason.STOP):
            return False
        self._ended = self._ends is None or self._ends.broken_off(text, FinishReason.STOP, 0) is None
        return self._ended

    def close(self) -> list[Event]:
        """The upstream has nothing more to say, whether it said so or not."""
        return [] if self.verdict or self._ended or self._at_end else self._judge_whole()

    def answer(self, asked: Ask, verdict: Verdict | None) -> list[Event]:
        """What the validator model says of what was asked; None is "nothing wrong", or that there is no answer."""
        if self.verdict or self._ended:
            return []
        current = asked is self.ask
        if verdict:
            self._condemn(verdict, self._streams[asked.channel])
        elif current:
            self.ask = None
            return self._everything() if asked.at_end else []
        return []

    def beginning(self) -> list[Event]:
        """The start of the answer, if the client has not seen it yet: whatever else is said must follow one."""
        return [event for event in list(self._held)[:1] if isinstance(event, Start)]

    def good_rest(self) -> list[Event]:
        """What is good of an answer that broke off goes on, where nobody goes on with it; half a call does not."""
        out = [] if self._holds_all else self._released()
        self._held.clear()
        return out

    def give_up(self) -> list[Event]:
        """Everything that was held back goes on, garbage or not, but for calls that are not complete and the end."""
        whole = [event for event in self._held if not isinstance(event, Finish | End | UsageSeen)]
        self._held.clear()
        return [event for event in whole if not isinstance(event, _OF_CALLS) or event.key in self._calls.complete]

    @property
    def patience(self) -> int:
        """Less text than that need not come here by itself: it goes on no sooner."""
        return PIECE if self.has_released or self._holds_all else 0

    @property
    def text(self) -> str:
        """The visible text as it came, what is being continued included."""
        return self._streams[Channel.TEXT].text

    @property
    def reasoning(self) -> str:
        stream = self._streams.get(Channel.REASONING)
        return stream.text if stream else ""

    @property
    def calls(self) -> list[Stream]:
        calls = list(self._calls.streams.values())
        if self.judged and self.judged.channel is Channel.ARGUMENTS and self.judged not in calls:
            calls.append(self.judged)  # found before a repair let it come so far
        return calls

    @property
    def finish(self) -> FinishReason | None:
        return self._finish

    @property
    def released_text(self) -> str:
        stream = self._streams[Channel.TEXT]
        return stream.text[: stream.released]

    @property
    def good_text(self) -> str:
        """The visible text without the loop, though the client may have a part of that."""
        stream = self._streams[Channel.TEXT]
        good = stream.size if self.judged is not stream or not self.verdict else self.verdict.onset
        return stream.text[:good]

    @property
    def unsaid(self) -> str:
        """The end of the good text, where the client has its beginning and nothing else is to come before it."""
        stream = self._streams[Channel.TEXT]
        return self.good_text[stream.released :] if stream.released and self.judged is stream else ""

    @property
    def leaked(self) -> int:
        """Characters that the client has beyond the good text."""
        return max(0, self._streams[Channel.TEXT].released - len(self.good_text))

    @property
    def is_complete(self) -> bool:
        """Everything was judged, and nothing is wrong with it."""
        return self._ended and self.failure is None

    @property
    def may_continue(self) -> bool:
        """Whether the answer can go on from its good text: the client has nothing to act on, and little garbage."""
        return not self._has_acted and bool(self.good_text.strip()) and self.leaked <= MOST_LEAKED

    @property
    def may_restart(self) -> bool:
        """Whether another answer can begin: the client has no more than thoughts, which are nobody's answer."""
        return not self._has_answered

    @property
    def _at_end(self) -> bool:
        return self.ask is not None and self.ask.at_end

    def _look(self, event: Event) -> bool:
        """At what is no text.  Whether it is good."""
        if isinstance(event, ToolArguments):
            call = self._calls.streams.get(event.key)
            return call is None or self._fed(call, event.text)
        if isinstance(event, ToolStart):
            self._calls.start(event)
            self._open = None
        elif isinstance(event, ToolEnd):
            return self._is_good(self._calls.end(event.key))
        elif isinstance(event, Finish):
            self._finish, self._ending = event.reason, True
        return True

    def _is_good(self, found: Found | None) -> bool:
        if found:
            self._condemn(*found)
        return found is None

    def _ends_well(self) -> bool:
        """Whether nothing is wrong that only the end tells."""
        if self._ends is None:
            return True
        if not self._is_good(self._calls.close(self._finish)):
            return False
        text = self._streams[Channel.TEXT]
        found = self._ends.broken_off(text.text, self._finish, len(self._calls.streams))
        return self._is_good((found, text) if found else None)

    def _stream(self, channel: Channel) -> Stream:
        stream = self._streams[channel] = Stream(channel, self._make(channel))
        return stream

    def _fed(self, stream: Stream, text: str) -> bool:
        if found := stream.feed(text):
            self._condemn(found, stream)
            return False
        if self._wonder and stream.channel is not Channel.ARGUMENTS:
            self._wonder.heard(text)
            self.ask = self.ask or self._wonder.ask(stream)
        return True

    def _condemn(self, verdict: Verdict, stream: Stream) -> None:
        self.verdict, self.judged, self.ask = verdict, stream, None

    def _judge_whole(self) -> list[Event]:
        """Every channel is closed; then the validator model has its say about the text."""
        in_doubt = False
        for stream in (*self._streams.values(), *self._calls.streams.values()):
            if stream.channel is Channel.TEXT and self._calls.streams and not stream.text.strip():
                continue  # an answer of calls alone is not empty
            in_doubt = in_doubt or stream.detectors.doubt is not None
            if found := stream.detectors.close(self._finish or ""):
                self._condemn(found, stream)
                return []
        if not self._ends_well():
            return []
        text = self._streams[Channel.TEXT]
        wanted = in_doubt or self._policy.validate_on is ValidateOn.ALWAYS
        if self._policy.validator and wanted and text.size:
            self.ask = about_the_end(text, self._finish)
            return []
        return self._everything()

    def _everything(self) -> list[Event]:
        self._ended = True
        out = list(self._held)
        self._held.clear()
        for event in out:
            self._note(event)
        return out

    def _released(self) -> list[Event]:
        """What may go on."""
        out: list[Event] = []
        while self._held and (event := self._next()) is not None:
            self._note(event)
            out.append(event)
            if self._held and type(self._held[0]) is type(event) and type(event) in _SPOKEN:
                break  # that is all that may go on of a text
        if out and not self.has_released:
            self._held.extendleft(reversed(out))  # an answer does not begin before it says something
            return []
        return out

    def _next(self) -> Event | None:
        """Takes the first held event if it may go on, or as much of it as may."""
        event = self._held[0]
        if type(event) in _SPOKEN:
            return self._next_text(type(event))  # type: ignore[arg-type]
        if isinstance(event, _OF_CALLS) and event.key not in self._calls.complete:
            return None
        return self._held.popleft()

    def _next_text(self, kind: type[Spoken]) -> Event | None:
        """The first held pieces of text as one.  Those with logprobs, which are those of whole tokens, are not cut."""
        held, stream, pieces = self._held, self._streams[_SPOKEN[kind]], []
        logprobs: list[Any] = []
        # A channel that another one follows has come to its end: nothing of it is to come that could be a repeat.
        room = (stream.safe if stream is self._open else stream.size) - stream.released
        while held and type(held[0]) is kind:
            event = held[0]
            text, known = event.text, event.logprobs if type(event) is Text else None
            if len(text) > room:
                if known:
                    break
                cut = text.rfind(" ", 1, room)  # between words, as tokens are
                if room > 0 and (cut > 0 or room > PIECE):
                    cut = cut if cut > 0 else room
                    held[0] = kind(text[cut:])
                    pieces.append(text[:cut])
                break
            pieces.append(text)
            logprobs += known or ()
            room -= len(text)
            held.popleft()
        if not pieces:
            return None
        return Text("".join(pieces), logprobs) if logprobs else kind("".join(pieces))

    def _note(self, event: Event) -> None:
        if type(event) in _SPOKEN:
            self._streams[_SPOKEN[type(event)]].released += len(event.text)  # type: ignore[attr-defined]
        if not isinstance(event, _SILENT):
            self.has_released = True
            self._has_answered = self._has_answered or not isinstance(event, _THOUGHTS)
            self._has_acted = self._has_acted or isinstance(event, _DEEDS)
