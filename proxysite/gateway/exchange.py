"""What is known of one request, from its first byte to its record."""

import itertools
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from proxysite.gateway.plan import Plan
from proxysite.gateway.repairs import MOST, AnswerRepair, of_call
from routing.dialects import Dialect
from routing.dialects.life import EarlyResponse
from routing.dialects.passing import Tap, has_finished
from routing.errors import ProxyError
from sampling.merge import Change
from validation.ending import Guarded
from validation.failures import Failure
from validation.repair.native_calls import MendedCall

# Unique without asking the system for randomness each time: a random start for this process, then a count.
_PROCESS = secrets.token_hex(6)
_numbers = itertools.count(1)


class Head(Protocol):
    def header(self, name: str) -> str: ...


class Exchange:
    """Filled in as the request goes on; the recorder makes a row of it at the end.  Times are monotonic seconds."""

    __slots__ = (
        "admitted",
        "answer_body",
        "answered",
        "attempts",
        "begun",
        "changes",
        "client",
        "client_dialect",
        "client_gone",
        "done",
        "early",
        "error",
        "failures",
        "first_byte",
        "guard",
        "is_recorded",
        "mended",
        "method",
        "model_asked",
        "model_sent",
        "outcome",
        "path",
        "prompt_estimate",
        "received",
        "received_at",
        "repair",
        "request_body",
        "request_id",
        "sample",
        "sent_body",
        "status",
        "streamed",
        "tap",
        "token_ratio",
        "upstream",
        "upstream_dialect",
        "upstream_request_id",
        "warnings",
    )

    def __init__(self, method: str, path: str) -> None:
        self.request_id = f"req_{_PROCESS}{next(_numbers):010x}"
        self.received_at = datetime.now(UTC)
        self.received = time.monotonic()
        self.admitted: float | None = None
        self.first_byte: float | None = None
        self.done: float | None = None
        self.method = method
        self.path = path
        self.client = ""
        self.client_dialect = Dialect.CHAT
        self.upstream_dialect: Dialect | None = None
        self.streamed = False
        self.model_asked = ""
        self.model_sent = ""
        self.upstream = ""
        self.upstream_request_id = ""
        self.attempts = 0
        self.status = 0
        self.outcome = "ok"
        self.error = ""
        self.changes: tuple[Change, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self.mended: tuple[MendedCall, ...] = ()  # in the history that the request brought along
        self.repair: AnswerRepair | None = None  # of the answer
        self.prompt_estimate = 0  # tokens, if it was worked out, and the ratio that it was multiplied by
        self.token_ratio = 1.0
        self.request_body = b""
        self.sent_body = b""
        self.sample = b""  # what was sent, where the size of the prompt is to be learnt from it
        self.answer_body = b""
        self.tap: Tap | None = None
        self.guard: Guarded | None = None  # judges the answer of the attempt that runs
        self.failures: tuple[Failure, ...] = ()  # the answers of attempts that others followed
        self.early: EarlyResponse | None = None  # what a client of responses is told while it waits
        self.begun = False  # the head of the answer has been handed to the server, unless signs of life came first
        self.answered = False  # the last byte of the answer has been handed to the server
        self.client_gone = False
        self.is_recorded = True  # probes that are answered here leave no record

    def planned(self, plan: Plan) -> None:
        self.upstream = plan.upstream.name
        self.upstream_dialect = plan.dialect
        self.streamed = plan.streams
        self.model_asked = plan.model_asked
        self.model_sent = plan.model_sent
        self.changes = plan.changes
        self.warnings = plan.warnings
        self.mended = plan.mended
        self.sent_body = plan.body
        self.guard = plan.guard
        if plan.conversation:
            # What is reported for a prompt with a part of the answer in it says nothing of the estimate.
            self.prompt_estimate = 0 if plan.said else plan.conversation.prompt_estimate
            self.token_ratio = plan.token_ratio

    def answer_came(self, answer: Head, keep: int) -> None:
        """The head of the upstream's answer is here; `keep` bytes of its beginning are remembered."""
        self.answered_by(answer)
        self.tap = Tap(keep)

    def answered_by(self, answer: Head) -> None:
        self.upstream_request_id = (answer.header("x-request-id") or answer.header("request-id"))[:200]

    def first_byte_came(self) -> None:
        if self.first_byte is None:
            self.first_byte = time.monotonic()

    def repairs(self) -> list[dict[str, str]]:
        """What was mended, in the request's history and in the answer."""
        told = [of_call(mended, "history") for mended in self.mended] + (self.repair.told() if self.repair else [])
        if len(told) <= MOST:
            return told
        return [*told[:MOST], {"kind": "more", "family": "", "before": "", "after": f"{len(told)} in all"}]

    def failed(self, error: ProxyError) -> None:
        self.outcome = error.outcome
        self.error = error.message

    def ended(self) -> None:
        self.done = time.monotonic()
        if self.client_gone and not self.has_everything():
            self.outcome = "client_gone"
            self.status = self.status or 499

    def has_everything(self) -> bool:
        """The official clients hang up on the last event of a stream, before the upstream does."""
        if not (self.streamed and self.outcome == "ok" and self.upstream_dialect and self.tap):
            return False
        return self._holds_nothing() and has_finished(self.upstream_dialect, self.tap.tail)

    def _holds_nothing(self) -> bool:
        """Whether nobody has still to judge the end of the answer, or to follow it by another one."""
        return not self.failures if self.guard is None else self.guard.gate.is_complete

    def at(self, monotonic: float | None) -> datetime | None:
        """The time of day of a monotonic time."""
        return None if monotonic is None else self.received_at + timedelta(seconds=monotonic - self.received)
