import orjson
import pytest
from hypothesis import given

from routing.dialects import Dialect
from routing.dialects.passing import EchoModel
from tests.json_strategies import json_objects
from tests.routing.dialects.transcripts import TRANSCRIPTS, frame

echo = EchoModel("mine")
every_dialect = pytest.mark.parametrize("dialect", list(Dialect))


def payloads(events):
    lines = [line.removeprefix(b"data:") for line in events.splitlines() if line.startswith(b"data:")]
    return [orjson.loads(line) for line in lines if b"[DONE]" not in line]


def renamed(value):
    if isinstance(value, dict):
        return {name: "mine" if name == "model" else renamed(item) for name, item in value.items()}
    return value


@every_dialect
def test_every_event_calls_the_model_as_the_client_did(dialect):
    events = b"".join(TRANSCRIPTS[dialect])
    assert payloads(echo.feed(events)) == [renamed(payload) for payload in payloads(events)]
    assert b"theirs" not in echo.feed(events)


@every_dialect
def test_frames_keep_their_number_names_and_ends(dialect):
    events = b"".join(TRANSCRIPTS[dialect])
    fed = echo.feed(events)
    assert [line for line in fed.splitlines() if not line.startswith(b"data:")] == [
        line for line in events.splitlines() if not line.startswith(b"data:")
    ]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_stay_as_they_were(ending):
    assert echo.feed(b'data:{"model":"theirs"}' + ending * 2) == b'data: {"model":"mine"}' + ending * 2


@pytest.mark.parametrize(
    "events",
    [
        b"data: [DONE]\n\n",
        b': a comment about the "model"\n\n',
        b'data: not json, "model"\n\n',
        b'data: ["model"]\n\n',
        b'data: {"model": 7}\n\n',
        b'data: {"delta": "the \\"model\\"", "x": "model"}\n\n',
        b'data: {"choices": [{"model": "theirs"}]}\n\n',
        b'data: {"message": "text", "response": null, "x": {"model": "theirs"}}\n\n',
    ],
)
def test_what_names_no_model_leaves_byte_for_byte(events):
    assert echo.feed(events) == events


def test_only_the_lines_that_name_the_model_are_written_anew():
    untouched = b'data: {"a" : 1.0}\n\n'
    assert echo.feed(untouched + frame({"model": "theirs"})) == untouched + b'data: {"model":"mine"}\n\n'


def test_a_whole_answer_calls_the_model_as_the_client_did():
    assert orjson.loads(echo.whole(b'{"model": "theirs", "x": 1}')) == {"model": "mine", "x": 1}


@pytest.mark.parametrize("body", [b"", b"no json", b"[1,  2]", b'{ "x": 1 }', b'{"model": null}'])
def test_a_whole_answer_that_names_no_model_leaves_byte_for_byte(body):
    assert echo.whole(body) == body


@given(json_objects)
def test_nothing_but_the_name_changes(payload):
    answer = orjson.loads(echo.whole(orjson.dumps({**payload, "model": "theirs"})))
    assert answer == {**payload, "model": "mine"}
