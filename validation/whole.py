"""What of an answer is judged when it, or one of its calls, is complete: where it breaks off, calls that are malformed,
and calls that are made again and again.

The request is read only if a call or an end in doubt makes it worth it.  What tells of itself is no garbage: an answer
that has reached its limit says so by its finish reason, and of its last call the client knows that it may be half.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from routing.dialects import Dialect, conversion
from routing.dialects.events import FinishReason
from routing.dialects.request import Request, Role, ToolCall
from routing.errors import BadRequest
from validation.detectors import answer
from validation.snapshot import Policy
from validation.verdict import Verdict

LATEST = 60  # messages, or items, of a conversation that are read


def request_of(body: Mapping[str, Any], dialect: Dialect) -> Request | None:
    """The request with the end of its conversation; None if it cannot be read."""
    lists = {name: body[name][-LATEST:] for name in ("messages", "input") if isinstance(body.get(name), list)}
    try:
        return conversion.parse({**body, **lists}, dialect)
    except BadRequest:
        return None


class WholeAnswer:
    """`asked` reads the client's request, and gives None if it cannot be read; `client_name` is a tool's name there."""

    def __init__(
        self,
        policy: Policy,
        asked: Callable[[], Request | None] = lambda: None,
        client_name: Callable[[str], str] = str,
    ) -> None:
        self._enabled = policy.detectors
        self._threshold = policy.confidence_threshold
        self._asked = asked
        self._client_name = client_name

    def malformed(self, call: ToolCall) -> Verdict | None:
        """Of a call that is complete.  Whether it is wrong is known when the answer ends: it may have been cut off."""
        if "tool_arguments" not in self._enabled:
            return None
        return self._sure(answer.arguments(self._named(call), self._tools))

    def repeated(self, calls: Sequence[ToolCall]) -> Verdict | None:
        """Of the newest of the answer's calls: whether it only repeats those before it, here and in earlier turns."""
        if "repeated_calls" not in self._enabled or not calls:
            return None
        found = answer.repeated_in_answer(list(calls))
        if found is None and len(calls) == 1 and self._request is not None:
            found = answer.repeated_over_turns(self._request, self._named(calls[0]))
        return self._sure(found)

    def broken_off(self, text: str, finish: FinishReason | None, calls: int) -> Verdict | None:
        """Of an answer that claims to have ended of its own accord.  One that goes on from text of the client's, or
        that ends at a stop sequence of its choice, may well end within a fence."""
        if "truncation" not in self._enabled or finish is not FinishReason.STOP:
            return None
        found = self._sure(answer.truncated(text, finish, calls=calls))
        return None if found is None or self._may_end_anywhere else found

    @cached_property
    def _request(self) -> Request | None:
        return self._asked()

    @cached_property
    def _tools(self) -> Mapping[str, Any] | None:
        """None: the request is not known, or has tools that go by other names."""
        request = self._request
        if request is None or len(request.functions()) < len(request.tools):
            return None
        if any(tool.namespace for tool in request.functions()):
            return None
        return {tool.name: None if tool.custom else tool.schema for tool in request.functions()}

    @property
    def _may_end_anywhere(self) -> bool:
        request = self._request
        if request is None:
            return True
        return bool(request.stop) or (bool(request.turns) and request.turns[-1].role is Role.ASSISTANT)

    def _named(self, call: ToolCall) -> ToolCall:
        return ToolCall(call.id, self._client_name(call.name), call.arguments, call.custom)

    def _sure(self, verdict: Verdict | None) -> Verdict | None:
        return verdict if verdict and verdict.confidence >= self._threshold else None
