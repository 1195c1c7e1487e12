import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections

from proxysite.gateway import recorder as recorder_module
from proxysite.gateway.calibration import KeptCalibration
from proxysite.gateway.exchange import Exchange
from proxysite.gateway.recorder import Recorder
from routing.dialects import Dialect
from routing.dialects.passing import HEAD, Tap
from routing.models import RequestRecord
from sampling.merge import ABSENT, Change
from tests.proxysite.gateway.in_process import until
from tests.routing.dialects.transcripts import CHAT

pytestmark = pytest.mark.django_db(transaction=True)


class Values:
    def __init__(self, **values):
        self._values = values

    def __getitem__(self, name):
        return self._values[name] if name in self._values else ENV[name]


ENV = settings.ENV


@pytest.fixture
def made(settings, monkeypatch):
    """Makes recorders whose settings are as a test wants them; they leave nothing to the end of the process."""
    monkeypatch.setattr(recorder_module.atexit, "register", lambda function: None)
    database = ThreadPoolExecutor(max_workers=1)

    def make(**values):
        settings.ENV = Values(**values)
        return Recorder(database, KeptCalibration())

    yield make
    database.submit(connections.close_all).result()
    database.shutdown()


def an_exchange(outcome="ok", **values):
    exchange = Exchange("POST", "/v1/chat/completions")
    for name, value in {
        "status": 200,
        "outcome": outcome,
        "request_body": b"asked",
        "sent_body": b"sent",
        **values,
    }.items():
        setattr(exchange, name, value)
    exchange.tap = Tap()
    exchange.tap.feed(b"answered")
    exchange.ended()
    return exchange


def records():
    """Read as the rows are, in the test's own thread."""
    return list(RequestRecord.objects.order_by("pk"))


async def written(recorder, *exchanges):
    for exchange in exchanges:
        recorder.add(exchange)
    await recorder.flush()
    return await asyncio.to_thread(_records_elsewhere)


def _records_elsewhere():
    try:
        return records()
    finally:
        connection.close()


class TestTheQueue:
    def test_drops_and_counts_what_does_not_fit(self, made):
        recorder = made(RECORDS_QUEUE=2)
        for _ in range(5):
            recorder.add(an_exchange())
        assert (recorder.waiting, recorder.dropped) == (2, 3)

    def test_takes_nothing_when_records_are_off(self, made):
        recorder = made(RECORDS=False)
        recorder.add(an_exchange())
        assert (recorder.waiting, recorder.dropped) == (0, 0)

    async def test_is_empty_after_a_flush(self, made, monkeypatch):
        monkeypatch.setattr(recorder_module, "BATCH", 3)
        recorder = made()
        exchanges = [an_exchange() for _ in range(10)]
        rows = await written(recorder, *exchanges)
        assert [row.request_id for row in rows] == [exchange.request_id for exchange in exchanges]
        assert (recorder.waiting, recorder.written, recorder.dropped) == (0, 10, 0)

    async def test_is_written_by_itself(self, made, monkeypatch):
        monkeypatch.setattr(recorder_module, "SOON", 0)
        recorder = made()
        task = asyncio.get_running_loop().create_task(recorder.run())
        recorder.add(an_exchange())
        await until(lambda: recorder.written)
        task.cancel()
        await asyncio.wait([task])

    async def test_is_written_almost_at_once_when_it_is_short_and_later_when_it_was_long(self, made, monkeypatch):
        recorder, batches, pauses, sleep = made(), [], [], asyncio.sleep

        async def noted(seconds):
            pauses.append(seconds)
            await sleep(0)

        async def flush():
            batches.append(recorder.waiting)
            recorder._queue.clear()

        monkeypatch.setattr(recorder_module.asyncio, "sleep", noted)
        monkeypatch.setattr(recorder, "flush", flush)
        task = asyncio.get_running_loop().create_task(recorder.run())
        for number, count in enumerate((10, 1, 1), start=1):
            for _ in range(count):
                recorder.add(an_exchange())
            await until(lambda number=number: len(batches) == number)
        task.cancel()
        await asyncio.wait([task])
        assert batches == [10, 1, 1]
        soon, later = recorder_module.SOON, recorder_module.PAUSE_SECONDS
        assert [pause for pause in pauses if pause] == [soon, later, soon]

    async def test_is_written_once_and_whole_when_the_writer_is_stopped_in_the_middle(self, made, monkeypatch):
        monkeypatch.setattr(recorder_module, "BATCH", 3)
        recorder = made()
        begun, go_on = threading.Event(), threading.Event()
        write = recorder._write

        def slow(batch):
            begun.set()
            assert go_on.wait(10)
            write(batch)

        monkeypatch.setattr(recorder, "_write", slow)
        exchanges = [an_exchange() for _ in range(8)]
        for exchange in exchanges:
            recorder.add(exchange)
        flushing = asyncio.get_running_loop().create_task(recorder.flush())
        await asyncio.to_thread(begun.wait, 10)
        flushing.cancel()
        await asyncio.wait([flushing])
        assert flushing.cancelled()
        go_on.set()
        rows = await written(recorder)
        assert [row.request_id for row in rows] == [exchange.request_id for exchange in exchanges]

    def test_that_is_left_at_the_end_of_the_process_is_written_then(self, made):
        recorder = made()
        recorder.add(exchange := an_exchange())
        recorder._write_rest()
        recorder._write_rest()
        assert [row.request_id for row in records()] == [exchange.request_id]


class TestARow:
    async def test_holds_what_is_known(self, made):
        exchange = Exchange("POST", "/v1/messages")
        exchange.received_at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        exchange.received, exchange.first_byte = 100.0, 100.25
        exchange.client, exchange.client_dialect, exchange.upstream_dialect = "agent", Dialect.MESSAGES, Dialect.CHAT
        exchange.streamed, exchange.model_asked, exchange.model_sent = True, "mine", "theirs"
        exchange.upstream, exchange.upstream_request_id, exchange.attempts = "local", "up-1", 2
        exchange.status, exchange.error = 200, "odd"
        exchange.changes = (Change("top_p", ABSENT, 0.5, "default: careful"), Change("x", {"a": 1}, ABSENT, "drop"))
        exchange.warnings = ("left out",)
        exchange.tap = Tap()
        exchange.tap.feed(b"".join(CHAT))
        exchange.ended()
        exchange.done = 101.5
        (row,) = await written(made(), exchange)
        assert row.request_id == exchange.request_id
        assert row.received_at == exchange.received_at
        assert row.admitted_at is None
        assert (row.first_byte_at - row.received_at).total_seconds() == 0.25
        assert row.duration_seconds() == 1.5
        assert (row.method, row.path, row.client) == ("POST", "/v1/messages", "agent")
        assert (row.client_dialect, row.upstream_dialect, row.streamed) == ("messages", "chat", True)
        assert (row.model_asked, row.model_sent, row.upstream, row.attempts) == ("mine", "theirs", "local", 2)
        assert (row.upstream_request_id, row.status, row.outcome, row.error) == ("up-1", 200, "ok", "odd")
        assert (row.finish_reason, row.prompt_tokens, row.completion_tokens, row.cached_tokens) == ("stop", 10, 2, 4)
        assert row.changes == [
            {"name": "top_p", "to": 0.5, "origin": "default: careful"},
            {"name": "x", "from": {"a": 1}, "origin": "drop"},
        ]
        assert row.warnings == ["left out"]

    async def test_of_a_request_that_got_nowhere_is_valid_too(self, made):
        exchange = Exchange("PROPFIND-AND-MORE", "/")
        exchange.ended()
        (row,) = await written(made(), exchange)
        assert (row.method, row.status, row.changes, row.warnings) == ("PROPFIND-A", 0, [], [])

    async def test_has_every_column(self):
        fields = {field.column for field in RequestRecord._meta.fields} - {"id"}
        assert set(recorder_module._COLUMNS) == fields


class TestBodies:
    async def test_of_every_request_are_kept_on_demand(self, made):
        (row,) = await written(made(CAPTURE_BODIES="all"), an_exchange())
        assert (row.request_body, row.sent_body, row.answer_body) == ("asked", "sent", "answered")

    @pytest.mark.parametrize("outcome", ["refused", "upstream_status", "upstream_error", "cut", "error"])
    async def test_of_what_failed_are_kept(self, made, outcome):
        (row,) = await written(made(CAPTURE_BODIES="failed"), an_exchange(outcome))
        assert (row.request_body, row.sent_body, row.answer_body) == ("asked", "sent", "answered")

    @pytest.mark.parametrize(("policy", "outcome"), [("failed", "ok"), ("failed", "client_gone"), ("none", "error")])
    async def test_of_the_rest_are_not_even_queued(self, made, policy, outcome):
        exchange = an_exchange(outcome)
        (row,) = await written(made(CAPTURE_BODIES=policy), exchange)
        assert (row.request_body, row.sent_body, row.answer_body) == ("", "", "")
        assert (exchange.request_body, exchange.sent_body) == (b"", b"")

    async def test_that_were_sent_as_they_came_are_kept_once(self, made):
        (row,) = await written(made(CAPTURE_BODIES="all"), an_exchange(sent_body=b"asked"))
        assert (row.request_body, row.sent_body) == ("asked", "")

    async def test_that_never_had_an_answer_have_none(self, made):
        exchange = an_exchange("refused")
        exchange.tap = None
        (row,) = await written(made(), exchange)
        assert row.answer_body == ""

    async def test_that_are_long_are_cut_and_say_so(self, made):
        body = "ä".encode() * 1000
        (row,) = await written(made(CAPTURE_BODIES="all", CAPTURE_KIB=1), an_exchange(request_body=body))
        assert row.request_body == "ä" * 512 + "\n[… 976 more bytes]"

    async def test_that_are_no_text_can_be_stored_all_the_same(self, made):
        (row,) = await written(made(CAPTURE_BODIES="all"), an_exchange(request_body=b"a\x00\xff"))
        assert row.request_body == "a��"

    @pytest.mark.parametrize(("policy", "size"), [("none", HEAD), ("failed", 16384), ("all", 3072)])
    def test_decide_how_much_of_an_answer_is_remembered(self, made, policy, size):
        assert made(CAPTURE_BODIES=policy, CAPTURE_KIB=3).keep_bytes == size


class TestOldRecords:
    async def test_are_deleted(self, made, monkeypatch):
        monkeypatch.setattr(recorder_module, "PRUNE_EVERY", 2)
        monkeypatch.setattr(recorder_module, "BATCH", 1)
        exchanges = [an_exchange() for _ in range(9)]
        rows = await written(made(RECORDS_KEEP=3), *exchanges)
        assert [row.request_id for row in rows] == [exchange.request_id for exchange in exchanges[-3:]]

    async def test_that_cannot_be_deleted_do_not_count_as_lost(self, made, monkeypatch, caplog):
        def fail(*args, **kwargs):
            raise DatabaseError("disk on fire")

        recorder = made()
        monkeypatch.setattr(recorder_module, "retentions", fail)
        recorder.add(an_exchange())
        await recorder.flush()
        assert (recorder.written, recorder.dropped) == (1, 0)
        assert "Old records could not be deleted" in caplog.text


class TestAProblem:
    async def test_with_the_database_costs_one_batch_and_is_counted(self, made, monkeypatch, caplog):
        recorder = made()
        with monkeypatch.context() as broken:
            broken.setattr(recorder_module, "_INSERT", "INSERT INTO nowhere VALUES (?)")
            recorder.add(an_exchange())
            await recorder.flush()
        rows = await written(recorder, exchange := an_exchange())
        assert [row.request_id for row in rows] == [exchange.request_id]
        assert (recorder.written, recorder.dropped) == (1, 1)
        assert "1 records could not be written" in caplog.text

    async def test_with_a_row_that_cannot_be_stored_does_not_end_the_writer(self, made, monkeypatch, caplog):
        monkeypatch.setattr(recorder_module, "SOON", 0)
        recorder = made()
        task = asyncio.get_running_loop().create_task(recorder.run())
        recorder.add(an_exchange(path="/\udcff"))
        await until(lambda: recorder.dropped)
        recorder.add(an_exchange())
        await until(lambda: recorder.written)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


class TestAKey:
    KEY = "Bearer abcdef-123456"

    @pytest.mark.parametrize("column", ["error", "warnings", "changes"])
    async def test_that_somebody_quotes_is_kept_nowhere(self, made, column):
        said = {
            "error": f"It became garbage: '{self.KEY}' repeats.",
            "warnings": (f"Attempt 1: '{self.KEY}' repeats.",),
            "changes": (Change("user", self.KEY, ABSENT, "upstream: drop"),),
        }
        (row,) = await written(made(), an_exchange(**{column: said[column]}))
        assert "abcdef" not in str(getattr(row, column))
        assert "••••" in str(getattr(row, column))


class TestOneThatNoRowHolds:
    """What clients and upstreams send must not take others' records along."""

    async def test_costs_its_own_record_only(self, made, caplog):
        recorder = made()
        bad = an_exchange(path="/\udcff"), an_exchange(status=2**70)
        rows = await written(recorder, first := an_exchange(), *bad, last := an_exchange())
        assert [row.request_id for row in rows] == [first.request_id, last.request_id]
        assert (recorder.written, recorder.dropped) == (2, 2)
        assert "1 records could not be written" in caplog.text

    async def test_may_be_a_value_that_is_nested_too_deeply(self, made, caplog):
        deep = []
        for _ in range(254):
            deep = [deep]
        change = Change("temperature", deep, 1, "enforced: x")
        recorder = made()
        rows = await written(recorder, an_exchange(changes=(change,)), last := an_exchange())
        assert [row.request_id for row in rows] == [last.request_id]
        assert (recorder.written, recorder.dropped) == (1, 1)
        assert "A row could not be made" in caplog.text


class TestAnEstimate:
    """Of a converted request's size, beside what the upstream says in the end."""

    USAGE = b'data: {"usage":{"prompt_tokens":2000,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":60}}}'

    async def learnt(self, made, usage=USAGE, **values):
        recorder = made()
        given = {"prompt_estimate": 1000, "model_sent": "glm", "upstream_dialect": Dialect.CHAT, **values}
        exchange = an_exchange(**given)
        exchange.tap.feed(usage)
        await written(recorder, exchange)
        return recorder._calibration.now.ratio("glm")

    async def test_is_learnt_from(self, made):
        assert await self.learnt(made) == pytest.approx(1.8, abs=0.05)

    async def test_knows_that_messages_count_cached_tokens_beside_the_others(self, made):
        usage = b'{"usage":{"input_tokens":500,"cache_read_input_tokens":1500,"output_tokens":1}}'
        ratio = await self.learnt(made, usage, upstream_dialect=Dialect.MESSAGES, client_dialect=Dialect.CHAT)
        assert ratio == pytest.approx(1.8, abs=0.05)

    async def test_is_made_of_a_passing_request_as_well(self, made):
        body = b'{"messages":[{"role":"user","content":"%s"}]}' % (b"word " * 800)
        assert await self.learnt(made, prompt_estimate=0, sent_body=body) > 1.5

    async def test_is_not_made_of_a_passing_request_that_failed(self, made):
        body = b'{"messages":[{"role":"user","content":"%s"}]}' % (b"word " * 800)
        assert await self.learnt(made, prompt_estimate=0, sent_body=body, outcome="cut") == 1.0

    @pytest.mark.parametrize("values", [{"outcome": "cut"}, {"prompt_estimate": 0}, {"usage": b"{}"}])
    async def test_of_a_request_that_tells_nothing_is_no_lesson(self, made, values):
        assert await self.learnt(made, **values) == 1.0
