"""A bad answer as it is handed to the recorder: plain values, no row yet.

Whoever judged the answer fills one in when it is known what happened next, and calls `recorder.add_failure`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What happened next."""

    RETRIED = "retried"  # asked again from the start; the client had seen nothing
    CONTINUED = "continued"  # cut, and continued in the same stream from the last good text
    ERROR = "error"  # the client got an error, or its stream ended with one
    MESSAGE = "message"  # the client got an assistant's message that explains it
    DELIVERED = "delivered"  # the client got the answer as it was
    CLIENT_GONE = "client_gone"  # the client did not wait for it


class Channel(StrEnum):
    """The part of an answer in which it went wrong."""

    TEXT = "text"
    REASONING = "reasoning"
    ARGUMENTS = "arguments"  # of a tool call
    ANSWER = "answer"  # the whole of it: empty, truncated, the same call again and again


@dataclass(slots=True, kw_only=True)
class ToolCall:
    name: str
    arguments: str  # raw, as the model wrote them


@dataclass(slots=True, kw_only=True)
class Failure:
    """`onset` and `offset` count characters of the channel: where the garbage begins (of a loop: its first repeat), and
    where it was noticed."""

    at: datetime
    request_id: str
    model: str  # as the client wrote it
    model_sent: str = ""
    upstream: str = ""
    client_dialect: str = ""
    policy: str = ""  # its pattern
    attempt: int = 1
    detector: str = ""
    issue_type: str = ""
    confidence: float = 1.0
    channel: Channel = Channel.TEXT
    call: int = 0  # which of the tool calls, where the channel is arguments
    onset: int | None = None
    offset: int | None = None
    period: int = 0  # length of what repeats, 0 where nothing does
    explanation: str = ""  # the judge's own words
    excerpt: str = ""  # what repeats, or what else gave it away
    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str = ""
    released: int = 0  # characters that the client had seen when it was noticed
    parameters: dict[str, Any] = field(default_factory=dict)  # the sampling parameters that this attempt was sent
    request_body: bytes = b""  # what this attempt was sent
    outcome: Outcome = Outcome.RETRIED
    next_step: str = ""  # what the next attempt changed, in words


def admin_path(request_id: str) -> str:
    """Where a person finds what went wrong with a request; known before anything of it is stored."""
    return f"/admin/validation/validationfailure/?q={request_id}"
