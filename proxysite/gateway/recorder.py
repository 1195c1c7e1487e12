"""Writes what happened to requests, in batches and in the background: a request only appends to a bounded queue.

When the queue is full a record is dropped and counted; the proxy never waits for its own diary.  Bad answers have a
queue of their own: they are few and large.
"""

import asyncio
import atexit
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from proxysite.gateway import failure_rows
from proxysite.gateway.calibration import KeptCalibration
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.rates import Rates
from proxysite.redaction import LONGEST_KEY, redacted
from proxysite.retention import retentions
from routing.dialects import Dialect
from routing.dialects.passing import HEAD, NOTHING, Summary
from routing.models import RequestRecord
from validation.failures import Failure
from validation.models import ValidationFailure

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = TypeVar("Row")

PAUSE_SECONDS = 0.25
SOON = 0.02  # seconds; the pause while requests are few, so that whoever looks for one finds it
FEW = 2
BATCH = 1000
FAILURES_WAITING = 200  # each may hold a whole answer
PRUNE_EVERY = 20  # batches
PRUNE_SECONDS = 3600.0  # and at least this often: records grow old while nothing is written

_FINE = ("ok", "client_gone")  # outcomes that the capture policy “failed” does not mean
_FAILED_ANSWER = 16 * 1024  # bytes of an answer that are kept in case it fails


class Recorder:
    def __init__(self, database: ThreadPoolExecutor, calibration: KeptCalibration) -> None:
        self._calibration = calibration
        env = settings.ENV
        self.dropped = 0
        self.written = 0
        self.rates = Rates()
        self._enabled: bool = env["RECORDS"]
        self._capture: str = env["CAPTURE_BODIES"]
        self._capture_bytes: int = env["CAPTURE_KIB"] * 1024
        self._limit: int = env["RECORDS_QUEUE"]
        self._queue: deque[Exchange] = deque()
        self._failures: deque[Failure] = deque()
        self._added = asyncio.Event()
        self._database = database
        self._batches = 0
        self._pruned = time.monotonic()
        # daphne and runserver stop without telling; uvicorn's lifespan has flushed by then.
        atexit.register(self._write_rest)

    @property
    def keep_bytes(self) -> int:
        """How many bytes of the beginning of an answer a tap should remember."""
        return {"none": HEAD, "failed": _FAILED_ANSWER, "all": self._capture_bytes}[self._capture]

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def add(self, exchange: Exchange) -> None:
        self.rates.count(time.monotonic(), failed=exchange.outcome not in _FINE)
        if not self._enabled:
            return
        if len(self._queue) >= self._limit:
            self.dropped += 1
            return
        if exchange.outcome == "ok" and not exchange.prompt_estimate:
            self._sample(exchange)
        if self._capture == "none" or (self._capture == "failed" and exchange.outcome in _FINE):
            exchange.request_body = exchange.sent_body = b""
        self._queue.append(exchange)
        self._added.set()

    def _sample(self, exchange: Exchange) -> None:
        body, dialect = exchange.sent_body, exchange.upstream_dialect
        if self._calibration.wants(exchange.model_sent, dialect, body, time.monotonic()):
            exchange.sample = body

    def add_failure(self, failure: Failure) -> None:
        """Takes a bad answer, to be written in the background.  It is the recorder's from now on."""
        if not self._enabled:
            return
        if len(self._failures) >= FAILURES_WAITING:
            self.dropped += 1
            return
        if self._capture == "none":
            failure.request_body = b""
        self._failures.append(failure)
        self._added.set()

    async def run(self) -> None:
        """Writes until it is cancelled: single requests almost at once, many together."""
        self._added, pause = asyncio.Event(), SOON  # of the loop that runs now
        self._added.set()
        while True:
            await self._something_added()
            await asyncio.sleep(pause)
            pause = SOON if self.waiting <= FEW else PAUSE_SECONDS
            await self.flush()
            if time.monotonic() - self._pruned > PRUNE_SECONDS:
                await self._in_database_thread(self._prune)

    async def _something_added(self) -> None:
        """Returns when there is something to write, or when old records are due."""
        try:
            async with asyncio.timeout(PRUNE_SECONDS):
                await self._added.wait()
        except TimeoutError:
            pass
        self._added.clear()

    async def flush(self) -> None:
        """Writes everything that is queued now.  Cancelled in the middle, it still finishes the batch it is at."""
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            await self._in_database_thread(self._write, batch)
        if self._failures:
            failures, self._failures = list(self._failures), deque()
            await self._in_database_thread(self._write_failures, failures)

    async def _in_database_thread(self, function: Callable[..., None], *arguments: Any) -> None:
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._database, function, *arguments))

    def _write_rest(self) -> None:
        if self._queue:
            batch, self._queue = list(self._queue), deque()
            self._write(batch)
        if self._failures:
            failures, self._failures = list(self._failures), deque()
            self._write_failures(failures)

    def _write(self, batch: list[Exchange]) -> None:
        stored = self._stored(self._made(self._row, batch), self._insert, "records")
        self.written += stored
        self.dropped += len(batch) - stored
        if not stored:
            return
        self._batches += 1
        if self._batches % PRUNE_EVERY == 1:
            self._prune()

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        connection.ensure_connection()
        with transaction.atomic():
            connection.connection.executemany(_INSERT, rows)
            self._calibration.store()

    def _write_failures(self, failures: list[Failure]) -> None:
        def row(failure: Failure) -> ValidationFailure:
            return failure_rows.row_of(failure, self._capture, self._capture_bytes, self._text)

        stored = self._stored(self._made(row, failures), ValidationFailure.objects.bulk_create, "failures")
        self.written += stored
        self.dropped += len(failures) - stored

    def _made(self, make: Callable[[T], Row], batch: list[T]) -> list[Row]:
        """The rows of a batch.  What a client sent may make no row: that costs its own record and nobody else's."""
        rows = []
        for one in batch:
            try:
                rows.append(make(one))
            except Exception:
                log.exception("A row could not be made.")
        return rows

    def _stored(self, rows: list[Row], insert: Callable[[list[Row]], object], what: str) -> int:
        """How many were stored.  Where one of them is what the database cannot hold, the others are stored singly."""
        try:
            insert(rows)
        except Exception as problem:  # whatever it is, the next batch must be written
            if len(rows) > 1 and not isinstance(problem, DatabaseError | sqlite3.Error):
                return sum(self._stored([row], insert, what) for row in rows)
            log.exception("%d %s could not be written.", len(rows), what)
            return 0
        return len(rows)

    def _prune(self) -> None:
        self._pruned = time.monotonic()
        try:
            for retention in retentions():
                retention.prune()
        except DatabaseError:
            log.exception("Old records could not be deleted; trying again later.")

    def _row(self, exchange: Exchange) -> tuple[Any, ...]:
        told = exchange.tap.summary() if exchange.tap else NOTHING
        self._learn(exchange, told)
        return (*_facts(exchange, told), *self._bodies(exchange))

    def _learn(self, exchange: Exchange, told: Summary) -> None:
        """Where a prompt's size was estimated and the upstream says the real one, the next estimate is better."""
        dialect = exchange.upstream_dialect
        if not told.prompt_tokens or exchange.outcome != "ok":
            return
        # In messages the cached tokens are not among the others.
        reported = told.prompt_tokens + (told.cached_tokens or 0 if dialect is Dialect.MESSAGES else 0)
        if exchange.prompt_estimate:
            self._calibration.learn(
                exchange.model_sent,
                estimated=exchange.prompt_estimate,
                reported=reported,
                ratio=exchange.token_ratio,
            )
        elif exchange.sample and dialect is not None:
            self._calibration.learn_from(exchange.sample, dialect, exchange.model_sent, reported=reported)

    def _bodies(self, exchange: Exchange) -> tuple[str, str, str]:
        """What client, we and upstream said, as far as the capture policy wants it kept."""
        if self._capture == "none" or (self._capture == "failed" and exchange.outcome in _FINE):
            return "", "", ""
        same = exchange.sent_body == exchange.request_body
        return (
            self._text(exchange.request_body),
            "" if same else self._text(exchange.sent_body),
            self._text(exchange.tap.excerpt() if exchange.tap else b""),
        )

    def _text(self, body: bytes) -> str:
        """A body as it is kept.  Some upstreams quote the headers they got, with the client's own key in them."""
        text = redacted(body[: self._capture_bytes + LONGEST_KEY].decode(errors="replace").replace("\x00", "�"))
        text = text.encode()[: self._capture_bytes].decode(errors="ignore")
        return text + (f"\n[… {len(body) - self._capture_bytes} more bytes]" if len(body) > self._capture_bytes else "")


def _facts(exchange: Exchange, told: Summary) -> tuple[Any, ...]:
    """Every column but the bodies, in the order of `_COLUMNS`, in the forms in which SQLite keeps them."""
    return (
        exchange.request_id,
        _moment(exchange.received_at),
        _moment(exchange.at(exchange.admitted)),
        _moment(exchange.at(exchange.first_byte)),
        _moment(exchange.at(exchange.done)),
        exchange.method[:10],
        exchange.path,
        exchange.client,
        exchange.client_dialect.value,
        exchange.upstream_dialect.value if exchange.upstream_dialect else "",
        exchange.streamed,
        exchange.model_asked[:200],
        exchange.model_sent[:200],
        exchange.upstream,
        redacted(exchange.upstream_request_id),
        exchange.attempts,
        exchange.status,
        exchange.outcome,
        told.finish_reason,
        told.prompt_tokens,
        told.completion_tokens,
        told.cached_tokens,
        redacted(_json([change.as_dict() for change in exchange.changes])) if exchange.changes else "[]",
        redacted(_json(exchange.warnings)) if exchange.warnings else "[]",
        _repairs(exchange),
        redacted(exchange.error) if exchange.error else "",
    )


def _repairs(exchange: Exchange) -> str:
    """What was mended holds the model's words, so keys in it are masked as in bodies."""
    told = exchange.repairs()
    return redacted(_json(told).replace("\\u0000", "�")) if told else "[]"


def _moment(time: datetime | None) -> str | None:
    return None if time is None else str(time.replace(tzinfo=None))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


_COLUMNS = (
    "request_id",
    "received_at",
    "admitted_at",
    "first_byte_at",
    "done_at",
    "method",
    "path",
    "client",
    "client_dialect",
    "upstream_dialect",
    "streamed",
    "model_asked",
    "model_sent",
    "upstream",
    "upstream_request_id",
    "attempts",
    "status",
    "outcome",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "changes",
    "warnings",
    "repairs",
    "error",
    "request_body",
    "sent_body",
    "answer_body",
)
# One statement for many rows of plain values: model instances would spend a third of a core on this at full load.
_INSERT = (
    f"INSERT INTO {RequestRecord._meta.db_table} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"
)
