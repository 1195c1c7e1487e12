"""The face of the package: which dialect is spoken, and what a conversion tells the record."""

import pytest

from routing.dialects.answer import Answer
from routing.dialects.capabilities import capabilities
from routing.dialects.chat.writer import ChatWriter
from routing.dialects.conversion import choose, convert_request, parse
from routing.dialects.events import (
    End,
    Event,
    Failed,
    Finish,
    FinishReason,
    Start,
    Text,
    ToolEnd,
    ToolStart,
    UpstreamError,
    Usage,
)
from routing.dialects.exchange import Exchange
from routing.dialects.json import ObjectScanner, loads
from routing.dialects.names import tool_name
from routing.dialects.streaming import StreamConverter
from routing.dialects.tally import Tally
from routing.errors import BadRequest, DialectNotSpoken
from routing.kinds import Kind
from tests.routing.dialects.checkers import check_chat, check_messages
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    a_to_c,
    exchange,
    r_to_c,
)
from tests.routing.dialects.transcripts import TRANSCRIPTS


@pytest.mark.parametrize(
    ("client", "upstream", "chosen"),
    [
        (MESSAGES, {CHAT, MESSAGES}, MESSAGES),
        (MESSAGES, {CHAT, RESPONSES}, CHAT),
        (CHAT, {MESSAGES, RESPONSES}, MESSAGES),
        (CHAT, {RESPONSES}, RESPONSES),
        (RESPONSES, {CHAT, MESSAGES}, CHAT),
        (COMPLETIONS, {GENERATE, CHAT}, GENERATE),
        (COMPLETIONS, {COMPLETIONS, CHAT}, COMPLETIONS),
        (GENERATE, {GENERATE, CHAT}, GENERATE),
    ],
)
def test_the_clients_own_dialect_comes_first_then_the_nearest(client, upstream, chosen):
    assert choose(client, upstream) is chosen


@pytest.mark.parametrize(("client", "upstream"), [(GENERATE, {CHAT}), (CHAT, {GENERATE}), (CHAT, set())])
def test_what_cannot_be_converted_is_refused(client, upstream):
    with pytest.raises(DialectNotSpoken, match=f"{client} request"):
        choose(client, upstream)


def test_a_conversion_says_where_to_and_remembers_the_clients_model():
    conversion = a_to_c(model="upstream-model")
    assert conversion.path == "chat/completions"
    assert conversion.body["model"] == "upstream-model"
    assert conversion.exchange.model == "asked"
    assert conversion.exchange.prompt_estimate > 0


@pytest.mark.parametrize("body", [[], "x", None, 3])
def test_8_103_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(BadRequest, match="JSON object"):
        parse(body, CHAT)


def test_a_responses_answer_repeats_its_request():
    echo = r_to_c(temperature=0.5, tools=[]).exchange.echo
    assert echo["temperature"] == 0.5
    assert a_to_c().exchange.echo == {}


def test_a_token_ratio_calibrates_the_estimate():
    body = {"model": "m", "messages": [{"role": "user", "content": "word " * 100}]}
    of = capabilities(Kind.OTHER, "", CHAT)
    plain, doubled = (
        convert_request(body, MESSAGES, CHAT, of, token_ratio=ratio).exchange.prompt_estimate for ratio in (1, 2)
    )
    assert doubled == pytest.approx(2 * plain, rel=0.02)


def test_events_are_compared_and_shown_by_what_they_hold():
    assert Start("a") == Start("a") != Start("b")
    assert Start("a") != Event()
    assert repr(Start("a")) == "Start('a', '', None)"
    assert Usage(1, 2) == Usage(1, 2) != Usage(1, 3)
    assert Usage() != 3
    assert repr(Usage(prompt=1)) == "Usage(prompt=1)"
    assert "boom" in repr(Failed(UpstreamError(500, "boom")))


def test_a_tally_without_a_finish_is_a_stop():
    tally = Tally()
    assert (tally.reason(), tally.stop_sequence(), tally.prompt()) == (FinishReason.STOP, None, 0)
    tally.finish = Finish(FinishReason.UNKNOWN)
    assert tally.reason() is FinishReason.STOP


def test_an_answer_that_broke_keeps_its_error():
    answer = Answer(exchange(CHAT, CHAT))
    answer.feed([Start(), Failed(UpstreamError(529, "busy"))])
    answer.close()
    assert answer.error is not None
    assert answer.error.status == 529


def test_an_answer_without_an_end_broke_off():
    answer = Answer(exchange(CHAT, CHAT))
    answer.feed([Start(), Finish(FinishReason.STOP)])
    answer.close()
    assert answer.error is not None
    assert "broke off" in answer.error.message


def test_a_call_that_ends_without_arguments_has_an_empty_object():
    writer = ChatWriter(exchange(CHAT, RESPONSES))
    out = writer.feed([Start(), ToolStart(0, "c", "f"), ToolEnd(0), Finish(FinishReason.STOP), End()])
    assert check_chat(out).tools() == [("c", "f", "{}")]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ('{"a": "}\\"{", "b": [1, {"c": 2}]}', True),
        ('{"a": "\\\\"}', True),
        ('{"a": "\\', False),
        ('{"a"', False),
        ("  ", False),
        ("", False),
        ("\\ {}", True),
    ],
)
def test_an_object_is_complete_when_its_last_bracket_closes(text, complete, size):
    scanner = ObjectScanner()
    for start in range(0, len(text), size):
        scanner.feed(text[start : start + size])
        scanner.is_complete()
    scanner.feed("")
    assert scanner.is_complete() is complete


def test_json_with_constants_of_javascript_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        loads(b'{"a": NaN}')
    assert loads('{"\\ud83d": ["\\ud83d", 1]}') == {"\ufffd": ["\ufffd", 1]}


def test_legal_names_stay():
    assert tool_name("mcp__list-files") == "mcp__list-files"
    assert tool_name("a.b") != tool_name("a_b")


def test_another_answer_goes_on_in_the_stream_of_the_first():
    exchange = Exchange(client=MESSAGES, upstream=CHAT, request_id="r1")
    converter = StreamConverter(exchange)
    out = b"".join(map(converter.feed, (TRANSCRIPTS[CHAT][0], TRANSCRIPTS[CHAT][1], b"data: no json\n\n")))
    converter.go_on(Exchange(client=MESSAGES, upstream=RESPONSES, request_id="r1"))
    out += b"".join(map(converter.feed, TRANSCRIPTS[RESPONSES]))
    assert converter.end_answer() == b""
    out += converter.close()
    read = check_messages(out)
    assert read.parts == [("text", "Hi “there”Hi")]
    assert read.finish == "end_turn"
    assert any("not JSON" in warning for warning in converter.warnings)


def test_what_is_said_between_two_answers_follows_the_first():
    converter = StreamConverter(Exchange(client=CHAT, upstream=CHAT, request_id="r1"))
    out = b"".join(map(converter.feed, TRANSCRIPTS[CHAT][:2]))
    out += converter.say([Text(" and more")])
    assert converter.say([Failed(UpstreamError(529, "too much"))])
    assert converter.failure.message == "too much"
    assert b" and more" in out
