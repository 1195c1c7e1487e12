import orjson
import pytest

from proxysite.gateway.relay import ConvertingRelay, StreamRelay
from routing.dialects import Dialect
from routing.dialects.events import Start, Text
from routing.dialects.life import EarlyResponse
from routing.dialects.passing import Tap
from routing.dialects.sse import KEEP_ALIVE, PING
from routing.errors import UpstreamBroken
from tests.routing.dialects import checkers
from tests.routing.dialects.responses.checking import events_of
from tests.routing.dialects.support import exchange, transcript
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


class TestAConvertingRelay:
    READ = {
        Dialect.CHAT: checkers.check_chat,
        Dialect.MESSAGES: checkers.check_messages,
        Dialect.RESPONSES: checkers.check_responses,
    }
    every_client = pytest.mark.parametrize("client", READ)

    def converting(self, client=Dialect.MESSAGES, upstream=Dialect.CHAT, tap=None):
        return ConvertingRelay(exchange(client, upstream), tap or Tap())

    @pytest.mark.parametrize("client", [Dialect.MESSAGES, Dialect.RESPONSES])
    @pytest.mark.parametrize("size", [1, 7, 4096])
    def test_gives_the_answer_in_the_clients_dialect(self, client, size):
        stream = self.converting(client)
        out = b"".join(stream.feed(chunk) for chunk in chunks(b"".join(TRANSCRIPTS[Dialect.CHAT]), size))
        assert self.READ[client](out + stream.close()).texts("text") == "Hi “there”"
        assert stream.failure is None

    @every_client
    def test_that_is_broken_off_says_so_once_and_in_order(self, client):
        stream = self.converting(client)
        out = b"".join(map(stream.feed, TRANSCRIPTS[Dialect.CHAT][:2]))
        out += stream.break_off(UpstreamBroken("Gone.")) + stream.break_off(UpstreamBroken("Again.")) + stream.close()
        assert self.READ[client](out).error["message"] == "Gone."

    @every_client
    def test_that_is_broken_off_before_it_began_says_so(self, client):
        assert self.READ[client](self.converting(client).break_off(UpstreamBroken("Gone."))).error["message"] == "Gone."

    @every_client
    def test_that_is_complete_cannot_be_broken_off(self, client):
        stream = self.converting(client)
        for frame in TRANSCRIPTS[Dialect.CHAT]:
            stream.feed(frame)
        assert stream.break_off(UpstreamBroken("Gone.")) == b""

    def test_that_ends_early_has_failed(self):
        stream = self.converting()
        stream.feed(TRANSCRIPTS[Dialect.CHAT][0])
        assert b"event: error" in stream.close()
        assert stream.failure.status == 502

    def test_may_be_closed_twice(self):
        stream = self.converting()
        body = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
        assert stream.feed(body) == b""
        assert checkers.check_messages(stream.close()).texts("text") == "Hi"
        assert stream.close() == b""

    @pytest.mark.parametrize("size", [1, 7, 4096])
    def test_shows_the_tap_what_the_upstream_said(self, size):
        tap, said = Tap(), b"".join(TRANSCRIPTS[Dialect.CHAT])
        stream = self.converting(tap=tap)
        for chunk in chunks(said, size):
            stream.feed(chunk)
        stream.close()
        assert tap.excerpt() == said
        assert (tap.summary().prompt_tokens, tap.summary().cached_tokens) == (10, 4)

    def test_shows_the_tap_half_an_event_before_a_break(self):
        tap = Tap()
        stream = self.converting(tap=tap)
        stream.feed(b'data: {"half')
        stream.break_off(UpstreamBroken("Gone."))
        assert tap.excerpt() == b'data: {"half'

    def test_says_what_it_could_not_hand_on(self):
        stream = self.converting()
        for frame in (TRANSCRIPTS[Dialect.CHAT][0], b"data: no json\n\n"):
            stream.feed(frame)
        assert any("not JSON" in warning for warning in stream.warnings)


def numbers(stream):
    return [event["sequence_number"] for event in events_of(stream)]


def early(count):
    life = EarlyResponse(lambda: exchange(client=Dialect.RESPONSES, upstream=Dialect.RESPONSES))
    return life, b"".join(life.ping() for _ in range(count))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_response_that_passes_goes_on_behind_what_was_said_early(size):
    life, out = early(2)
    stream = StreamRelay("local", Dialect.RESPONSES, "mine", Tap(), "r1", life)
    for chunk in chunks(b"".join(TRANSCRIPTS[Dialect.RESPONSES]), size):
        out += stream.feed(chunk)
    out += stream.ping() + stream.close()
    assert numbers(out) == list(range(len(numbers(out))))
    assert out.count(b"event: response.created") == 1
    assert b"theirs" not in out


def test_a_response_that_nothing_was_said_of_leaves_byte_for_byte():
    life, _ = early(0)
    data = b"".join(TRANSCRIPTS[Dialect.RESPONSES])
    stream = StreamRelay("local", Dialect.RESPONSES, None, Tap(), "r1", life)
    assert stream.feed(data) + stream.close() == data
    assert stream.ping() == KEEP_ALIVE


@pytest.mark.parametrize("said", [0, 2])
@pytest.mark.parametrize("passed", [0, 1, 2])
def test_the_error_of_a_response_that_breaks_off_is_numbered_on(said, passed):
    life, out = early(said)
    stream = StreamRelay("local", Dialect.RESPONSES, None, Tap(), "r1", life)
    for frame in transcript("responses").split(b"\n\n")[:passed]:
        out += stream.feed(frame + b"\n\n")
    out += stream.break_off(UpstreamBroken("Gone."))
    assert numbers(out) == list(range(len(numbers(out))))


def test_a_message_that_passes_is_pinged_once_it_has_begun():
    stream = relay(Dialect.MESSAGES)
    assert stream.ping() == KEEP_ALIVE
    stream.feed(TRANSCRIPTS[Dialect.MESSAGES][0])
    assert stream.ping() == PING
    assert relay(Dialect.CHAT).ping() == KEEP_ALIVE


def test_what_was_written_and_not_sent_yet_is_not_overtaken_by_a_numbered_event():
    stream = ConvertingRelay(exchange(client=Dialect.RESPONSES, upstream=Dialect.CHAT), Tap())
    stream.say([Start(), Text("Hello")])
    assert stream.ping() == KEEP_ALIVE
    assert stream.feed(b": nothing\n\n").count(b"response.created") == 2  # its name and its type
    assert b"response.in_progress" in stream.ping()
