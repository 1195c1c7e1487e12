"""Bad answers in the recorder: queued, written in the background, bounded."""

import asyncio

import pytest
from django.db import connection

from proxysite.gateway import recorder as recorder_module
from tests.proxysite.failures import GOOD, LOOP, a_failure
from tests.proxysite.gateway.in_process import until
from tests.proxysite.gateway.test_recorder import made  # noqa: F401
from validation.failures import Channel, Failure, Outcome, ToolCall
from validation.models import ValidationFailure

pytestmark = pytest.mark.django_db(transaction=True)


def _elsewhere():
    try:
        return list(ValidationFailure.objects.order_by("pk"))
    finally:
        connection.close()


async def written(recorder, *failures):
    for failure in failures:
        recorder.add_failure(failure)
    await recorder.flush()
    return await asyncio.to_thread(_elsewhere)


async def test_a_failure_is_written_with_all_that_is_known(made):  # noqa: F811
    failure = a_failure(
        attempt=2,
        channel=Channel.ARGUMENTS,
        call=1,
        reasoning="hm",
        tool_calls=[ToolCall(name="read", arguments="{}"), ToolCall(name="write", arguments='{"a": 1')],
        finish_reason="length",
        released=12,
        request_body=b'{"messages": []}',
        outcome=Outcome.CONTINUED,
        next_step="penalty",
    )
    (row,) = await written(made(), failure)
    for name in Failure.__dataclass_fields__.keys() - {"tool_calls", "request_body"}:
        assert getattr(row, name) == getattr(failure, name), name
    assert row.tool_calls == [{"name": "read", "arguments": "{}"}, {"name": "write", "arguments": '{"a": 1'}]
    assert row.request_body == '{"messages": []}'
    assert (row.label, row.rejudged_at, row.left_out) == ("", None, 0)


async def test_a_long_answer_keeps_its_end_where_the_loop_is(made):  # noqa: F811
    text = GOOD * 200 + LOOP * 4
    (row,) = await written(made(CAPTURE_KIB=1), a_failure(text=text))
    assert (row.text, row.left_out) == (text[-1024:], len(text) - 1024)


async def test_the_channel_that_was_judged_says_how_much_was_left_out(made):  # noqa: F811
    calls = [ToolCall(name="f", arguments="x" * 3000)]
    rows = await written(
        made(CAPTURE_KIB=1),
        a_failure(channel=Channel.REASONING, reasoning="y" * 1100),
        a_failure(channel=Channel.ARGUMENTS, tool_calls=calls),
        a_failure(channel=Channel.ARGUMENTS, tool_calls=[]),
    )
    assert [row.left_out for row in rows] == [1100 - 1024, 3000 - 1024, 0]


async def test_where_no_bodies_are_captured_only_the_excerpt_is_kept(made):  # noqa: F811
    calls = [ToolCall(name="f", arguments="x")]
    failure = a_failure(request_body=b"asked", reasoning="hm", tool_calls=calls)
    (row,) = await written(made(CAPTURE_BODIES="none"), failure)
    assert (row.text, row.reasoning, row.tool_calls, row.request_body) == ("", "", [], "")
    assert row.excerpt == LOOP
    assert failure.request_body == b""


async def test_what_no_column_holds_is_replaced(made):  # noqa: F811
    (row,) = await written(made(), a_failure(text="a\x00b\udcff", excerpt="\x00"))
    assert (row.text, row.excerpt) == ("a�b?", "�")


def test_the_queue_is_bounded_and_counts_what_it_drops(made, monkeypatch):  # noqa: F811
    monkeypatch.setattr(recorder_module, "FAILURES_WAITING", 2)
    recorder = made()
    for _ in range(3):
        recorder.add_failure(a_failure())
    assert recorder.dropped == 1


async def test_nothing_is_kept_where_records_are_off(made):  # noqa: F811
    assert await written(made(RECORDS=False), a_failure()) == []


async def test_one_that_cannot_be_stored_is_counted_and_the_next_is_written(made, caplog):  # noqa: F811
    recorder = made()
    assert await written(recorder, a_failure(confidence=object())) == []
    assert len(await written(recorder, a_failure())) == 1
    assert (recorder.dropped, recorder.written) == (1, 1)
    assert "1 failures could not be written" in caplog.text


def test_what_is_left_at_the_end_of_the_process_is_written_then(made):  # noqa: F811
    recorder = made()
    recorder.add_failure(a_failure())
    recorder._write_rest()
    recorder._write_rest()
    assert ValidationFailure.objects.count() == 1


async def test_records_grow_old_while_nothing_is_written(made, monkeypatch):  # noqa: F811
    monkeypatch.setattr(recorder_module, "SOON", 0)
    monkeypatch.setattr(recorder_module, "PRUNE_SECONDS", -1)
    recorder, pruned = made(), []
    monkeypatch.setattr(recorder, "_prune", lambda: pruned.append(True))
    task = asyncio.get_running_loop().create_task(recorder.run())
    await until(lambda: pruned)
    task.cancel()
    await asyncio.wait([task])


async def test_a_failure_that_no_row_holds_costs_no_other(made, caplog):  # noqa: F811
    recorder = made()
    rows = await written(recorder, a_failure(), a_failure(onset=2**70), a_failure(parameters={"a": {1}}), a_failure())
    assert len(rows) == 2
    assert (recorder.written, recorder.dropped) == (2, 2)
    assert "1 failures could not be written" in caplog.text
