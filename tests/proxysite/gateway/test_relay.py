import orjson
import pytest

from proxysite.gateway.relay import StreamRelay
from routing.dialects import Dialect
from routing.dialects.passing import Tap
from routing.errors import UpstreamBroken
from tests.routing.dialects.transcripts import COMPLETE_FROM, TRANSCRIPTS, chunks

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))


def relay(dialect=Dialect.CHAT, echo=None, tap=None):
    return StreamRelay("local", dialect, echo, tap or Tap(), "req_1")


@every_dialect
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_finished_stream_leaves_byte_for_byte(dialect, size):
    data = b"".join(TRANSCRIPTS[dialect])
    stream = relay(dialect)
    assert b"".join(stream.feed(chunk) for chunk in chunks(data, size)) + stream.close() == data


@every_dialect
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_the_clients_name_for_the_model_stands_in_every_event(dialect, size):
    stream = relay(dialect, echo="mine")
    data = b"".join(TRANSCRIPTS[dialect])
    out = b"".join(stream.feed(chunk) for chunk in chunks(data, size)) + stream.close()
    assert b"theirs" not in out
    assert (b"mine" in out) == (b"theirs" in data)


@every_dialect
def test_a_stream_that_ends_before_its_answer_is_complete_is_broken(dialect):
    for count in range(COMPLETE_FROM[dialect] + 1):
        stream = relay(dialect)
        for frame in TRANSCRIPTS[dialect][:count]:
            stream.feed(frame)
        with pytest.raises(UpstreamBroken, match="“local” ended the stream before the answer was complete"):
            stream.close()


def test_a_last_event_without_its_blank_line_counts_and_leaves():
    stream = relay(echo="mine")
    stream.feed(TRANSCRIPTS[Dialect.CHAT][0])
    stream.feed(b'data: {"model":"theirs","choices":[{"finish_reason":"stop"}]}')
    assert stream.close() == b'data: {"model":"mine","choices":[{"finish_reason":"stop"}]}'


def test_of_an_unknown_endpoint_nobody_knows_whether_it_is_complete():
    stream = relay(None)
    assert stream.feed(b"data: x\n\n") == b"data: x\n\n"
    assert stream.close() == b""


@every_dialect
def test_half_an_event_is_left_out_before_the_error(dialect):
    tap = Tap()
    stream = relay(dialect, tap=tap)
    stream.feed(TRANSCRIPTS[dialect][0])
    assert stream.feed(b'data: {"half') == b""
    last = stream.break_off(UpstreamBroken("Gone."))
    assert b"half" not in last
    assert b"Gone." in last
    assert tap.excerpt() == TRANSCRIPTS[dialect][0] + b'data: {"half'  # the record shows what came


def test_an_unknown_endpoints_stream_ends_with_openais_error():
    last = relay(None).break_off(UpstreamBroken("Gone."))
    assert orjson.loads(last.split(b"\n\n")[0].removeprefix(b"data: "))["error"]["message"] == "Gone."
    assert b"req_1" in last


def test_the_tap_sees_what_the_upstream_said_not_what_the_client_is_told():
    tap = Tap()
    stream = relay(echo="mine", tap=tap)
    for frame in TRANSCRIPTS[Dialect.CHAT]:
        stream.feed(frame)
    stream.close()
    assert tap.excerpt() == b"".join(TRANSCRIPTS[Dialect.CHAT])
    assert tap.summary().finish_reason == "stop"
