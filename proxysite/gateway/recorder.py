"""Writes what happened to requests, in batches and in the background: a request only appends to a bounded queue.

When the queue is full a record is dropped and counted; the proxy never waits for its own diary.
"""

import asyncio
import atexit
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, models

from proxysite.gateway.exchange import Exchange
from routing.dialects.passing import HEAD, summary
from routing.models import RequestRecord

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.25
BATCH = 500
PRUNE_EVERY = 20  # batches

_FAILED_ANSWER = 16 * 1024  # bytes of an answer that are kept in case it fails


class Recorder:
    def __init__(self, database: ThreadPoolExecutor) -> None:
        env = settings.ENV
        self.dropped = 0
        self.written = 0
        self._enabled: bool = env["RECORDS"]
        self._capture: str = env["CAPTURE_BODIES"]
        self._capture_bytes: int = env["CAPTURE_KIB"] * 1024
        self._keep: int = env["RECORDS_KEEP"]
        self._limit: int = env["RECORDS_QUEUE"]
        self._queue: deque[Exchange] = deque()
        self._database = database
        self._batches = 0
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
        if not self._enabled:
            return
        if len(self._queue) >= self._limit:
            self.dropped += 1
            return
        if self._capture == "none" or (self._capture == "failed" and exchange.outcome in ("ok", "client_gone")):
            exchange.request_body = exchange.sent_body = b""
        self._queue.append(exchange)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Writes everything that is queued now.  Cancelled in the middle, it still finishes the batch it is at."""
        loop = asyncio.get_running_loop()
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            await asyncio.shield(loop.run_in_executor(self._database, self._write, batch))

    def _write_rest(self) -> None:
        if self._queue:
            batch, self._queue = list(self._queue), deque()
            self._write(batch)

    def _write(self, batch: list[Exchange]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.executemany(_INSERT, [self._row(exchange) for exchange in batch])
            self.written += len(batch)
            self._batches += 1
            if self._batches % PRUNE_EVERY == 1:
                self._prune()
        except DatabaseError:
            self.dropped += len(batch)
            log.exception("%d records could not be written.", len(batch))

    def _prune(self) -> None:
        newest = RequestRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
        if newest and newest > self._keep:
            RequestRecord.objects.filter(pk__lte=newest - self._keep).delete()

    def _row(self, exchange: Exchange) -> list[Any]:
        values = _values(exchange)
        if self._capture == "all" or (self._capture == "failed" and exchange.outcome not in ("ok", "client_gone")):
            values |= self._bodies(exchange)
        return [field.get_db_prep_save(values[field.name], connection) for field in _FIELDS]

    def _bodies(self, exchange: Exchange) -> dict[str, str]:
        same = exchange.sent_body == exchange.request_body
        return {
            "request_body": self._text(exchange.request_body),
            "sent_body": "" if same else self._text(exchange.sent_body),
            "answer_body": self._text(exchange.tap.excerpt() if exchange.tap else b""),
        }

    def _text(self, body: bytes) -> str:
        text = body[: self._capture_bytes].decode(errors="replace").replace("\x00", "�")
        return text + (f"\n[… {len(body) - self._capture_bytes} more bytes]" if len(body) > self._capture_bytes else "")


def _values(exchange: Exchange) -> dict[str, Any]:
    """The columns of one record, read off the exchange in the writer's thread."""
    tap = exchange.tap
    told = summary(tap.head, tap.tail) if tap else summary(b"", b"")
    return {
        "request_id": exchange.request_id,
        "received_at": exchange.received_at,
        "admitted_at": exchange.at(exchange.admitted),
        "first_byte_at": exchange.at(exchange.first_byte),
        "done_at": exchange.at(exchange.done),
        "method": exchange.method[:10],
        "path": exchange.path,
        "client": exchange.client,
        "client_dialect": str(exchange.client_dialect),
        "upstream_dialect": str(exchange.upstream_dialect or ""),
        "streamed": exchange.streamed,
        "model_asked": exchange.model_asked[:200],
        "model_sent": exchange.model_sent[:200],
        "upstream": exchange.upstream,
        "upstream_request_id": exchange.upstream_request_id,
        "attempts": exchange.attempts,
        "status": exchange.status,
        "outcome": exchange.outcome,
        "finish_reason": told.finish_reason,
        "prompt_tokens": told.prompt_tokens,
        "completion_tokens": told.completion_tokens,
        "cached_tokens": told.cached_tokens,
        "changes": [change.as_dict() for change in exchange.changes],
        "warnings": list(exchange.warnings),
        "error": exchange.error,
        "request_body": "",
        "sent_body": "",
        "answer_body": "",
    }


_FIELDS: list["models.Field[Any, Any]"] = [
    field for field in RequestRecord._meta.concrete_fields if not field.primary_key
]
# One statement for many rows: bulk_create() would spend most of a core on model instances at full load.
_INSERT = "INSERT INTO {} ({}) VALUES ({})".format(
    RequestRecord._meta.db_table,
    ", ".join(f'"{field.column}"' for field in _FIELDS),
    ", ".join("%s" for _ in _FIELDS),
)
