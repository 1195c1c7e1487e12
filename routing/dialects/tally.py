"""What every writer keeps count of: usage, the reason to stop, and how much was said."""

from routing.dialects.events import Finish, FinishReason, Usage

CHARACTERS_PER_TOKEN = 4


class Tally:
    __slots__ = ("calls", "characters", "finish", "prompt_estimate", "usage")

    def __init__(self, prompt_estimate: int = 0) -> None:
        self.usage = Usage()
        self.finish: Finish | None = None
        self.characters = 0
        self.calls = 0
        self.prompt_estimate = prompt_estimate

    def prompt(self) -> int:
        """Tokens of the whole prompt, estimated when the upstream did not say."""
        return self.prompt_estimate if self.usage.prompt is None else self.usage.prompt

    def output(self) -> int:
        if self.usage.output is None:
            return -(-self.characters // CHARACTERS_PER_TOKEN)
        return self.usage.output

    def reason(self) -> FinishReason:
        """What the upstream said, corrected by what it did: servers say stop after a call, and calls without one."""
        said = self.finish.reason if self.finish else FinishReason.STOP
        if self.calls and said in _COMPLETE:
            return FinishReason.TOOL_CALLS
        if said is FinishReason.UNKNOWN or (said is FinishReason.TOOL_CALLS and not self.calls):
            return FinishReason.STOP
        return said

    def unsaid(self) -> list[str]:
        """Warnings about a reason that OpenAI's dialects have no word for."""
        if self.reason() is not FinishReason.PAUSE:
            return []
        return ["The model paused its turn and wants the answer sent back; this client is told that it stopped."]

    def stop_sequence(self) -> str | None:
        return self.finish.stop_sequence if self.finish and self.reason() is FinishReason.STOP_SEQUENCE else None


_COMPLETE = frozenset({FinishReason.STOP, FinishReason.STOP_SEQUENCE, FinishReason.UNKNOWN})
