"""The built-in detectors as the gate wants them: one judge for each channel of an answer."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from routing.dialects import Dialect
from routing.dialects.along import prompt_of
from routing.dialects.events import FinishReason
from validation.channels import Channel, Detectors
from validation.detectors import TextDetectors, answer
from validation.snapshot import Policy
from validation.verdict import Verdict

_FENCE = "```"
_IN_THE_MIDDLE = re.compile(  # the marks around what stands before and behind the cursor
    r"fim[_▁](?:prefix|suffix|middle|begin|hole|end)|<(?:PRE|SUF|MID)>|\[(?:PREFIX|SUFFIX|MIDDLE)\]"
    r"|<\|(?:code_)?(?:prefix|suffix|middle)\|>"
)
NEAR = 2000  # characters at either end of a prompt, where such marks stand
LATEST = 8000  # characters of its end in which a code fence may have been opened


def judges(
    policy: Policy, *, code: bool = False, wanted: Callable[[str], float] | None = None
) -> Callable[[Channel], Detectors]:
    """Makes the judge of a channel; `code`: the answer is code without a fence around it; `wanted` tells how many
    copies of something the client asked for."""
    return lambda channel: Judge(policy, channel, code=code, wanted=wanted)


def asks_for_code(body: Mapping[str, Any], dialect: Dialect) -> bool:
    """Whether the bare prompt is one of an editor: it asks what stands in the middle, or ends within a code fence."""
    prompt = prompt_of(body, dialect) or ""
    if body.get("suffix") or _IN_THE_MIDDLE.search(prompt[:NEAR] + prompt[-NEAR:]):
        return True
    return _FENCE in prompt and answer.fence_is_open(prompt[prompt.find(_FENCE, -LATEST) :])


class Judge:
    """What the detectors that the policy wants say of one channel.

    `code`: its text is code, of which an editor that asks at every stop of typing may well get none.
    """

    def __init__(
        self, policy: Policy, channel: Channel, *, code: bool = False, wanted: Callable[[str], float] | None = None
    ) -> None:
        self._text = TextDetectors(
            policy.detectors,
            Channel.ARGUMENTS.value if code else channel.value,
            least_sure=policy.confidence_threshold,
            wanted=wanted,
        )
        self.seeks_repeats = self._text.seeks_repeats
        self._is_seen = False
        self._wants_text = channel is Channel.TEXT and not code and "empty" in policy.detectors

    @property
    def suspicion(self) -> int | None:
        return self._text.suspicion

    @property
    def doubt(self) -> int | None:
        return self._text.doubt

    def feed(self, text: str) -> Verdict | None:
        if not self._is_seen:
            self._is_seen = bool(text.strip())
        return self._text.feed(text)

    def close(self, finish_reason: str = "") -> Verdict | None:
        """An answer of nothing is one only if it ended by itself: a client may have asked for a single token."""
        found = self._text.close(finish_reason)
        if found is None and self._wants_text and not self._is_seen and finish_reason in _BY_ITSELF:
            return answer.empty("")
        return found


_BY_ITSELF = frozenset({FinishReason.STOP, FinishReason.UNKNOWN})
