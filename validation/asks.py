"""When the validator model is asked about an answer, and about what."""

from dataclasses import dataclass

from routing.dialects.events import FinishReason
from validation.channels import Channel, Stream
from validation.snapshot import Policy, ValidateOn

ASKED_ABOUT = 4000  # characters of the tail that the validator model is shown
LASTING_DOUBT = 240  # characters of what may be a loop: the validator model has to see some of it
CHARACTERS_PER_WORD = 12  # in scripts without blanks, generously


@dataclass(frozen=True, slots=True)
class Ask:
    """What the validator model is asked about; at the end the last piece of the answer waits for it.

    `start` is where the text begins in its channel.
    """

    channel: Channel
    text: str
    finish: FinishReason | None = None
    at_end: bool = False
    start: int = 0


def about(stream: Stream) -> Ask:
    text = stream.tail(ASKED_ABOUT)
    return Ask(stream.channel, text, start=stream.size - len(text))


def about_the_end(stream: Stream, finish: FinishReason | None) -> Ask:
    text = stream.tail(ASKED_ABOUT)
    return Ask(stream.channel, text, finish, at_end=True, start=stream.size - len(text))


class Wonder:
    """Asks in the middle of an answer: every so many words, and once about each doubt of the detectors that lasts."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._words = self._characters = 0

    def heard(self, text: str) -> None:
        self._characters += len(text)
        self._words += text.count(" ") + text.count("\n")

    def ask(self, stream: Stream) -> Ask | None:
        """What there is to ask about the channel that was heard last."""
        doubt = stream.detectors.doubt
        is_due = max(self._words, self._characters // CHARACTERS_PER_WORD) >= (
            self._policy.mid_stream_validation_interval_words
        )
        if doubt is None:
            if not is_due or self._policy.validate_on is ValidateOn.SUSPICION:
                return None
        elif not is_due and (doubt == stream.doubted or stream.size - doubt < LASTING_DOUBT):
            return None
        stream.doubted = doubt
        self._words = self._characters = 0
        return about(stream)
