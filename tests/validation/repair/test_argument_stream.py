"""Arguments in pieces: what leaves at once, what is held, and that both together are what a whole text would become."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validation.repair.test_arguments import COERCED, LEFT_ALONE, NOT_READ, READ, SCHEMA, members, objects
from tests.validation.repair.test_arguments import schema_of as strict_schema_of
from validation.repair.arguments import mend
from validation.repair.arguments.stream import ArgumentStream

# A parameter that no value is released for until the end, so that a whole text can be compared with.
NO_TEXTS = {**SCHEMA, "properties": {**SCHEMA["properties"], "path": {"type": "string", "anyOf": [{}]}}}
EVERY_CASE = [
    *(members(text) for text, _ in COERCED),
    *map(members, LEFT_ALONE),
    *(text for text, _ in READ),
    *NOT_READ,
]


def streamed(pieces, schema=SCHEMA, cut=False):
    stream = ArgumentStream(schema)
    return "".join([*map(stream.feed, pieces), stream.close(cut=cut)]), stream.changes


def cuts(text, size):
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("text", EVERY_CASE, ids=[text[:40] for text in EVERY_CASE])
def test_how_the_text_is_cut_makes_no_difference(text):
    assert streamed(cuts(text, 1)) == streamed(cuts(text, 3)) == streamed([text])


@pytest.mark.parametrize("text", EVERY_CASE, ids=[text[:40] for text in EVERY_CASE])
def test_without_texts_the_result_is_that_of_the_whole(text):
    assert streamed([text], NO_TEXTS)[0].strip() == mend(text, NO_TEXTS).text.strip()


@pytest.mark.parametrize(("before", "after"), COERCED, ids=[before for before, _ in COERCED])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_values_beside_a_text_are_mended(before, after, place):
    if place == "behind":
        sent, expected = members(before), members(after)
    else:
        sent = before[:-1] + ', "path": "a"}'
        expected = after[:-1] + (', "path": "a"}' if after != "{}" else '"path": "a"}')

    assert json.loads(streamed(cuts(sent, 2))[0]) == json.loads(expected)


@given(objects, st.integers(1, 9))
@settings(max_examples=60)
def test_arguments_that_fit_leave_as_they_came(value, size):
    text = json.dumps(value)

    assert streamed(cuts(text, size), strict_schema_of(value)) == (text, [])


@given(st.text('{}[]":, \\ntrue1ab', max_size=30), st.integers(1, 5))
@settings(max_examples=150)
def test_nothing_else_is_lost_or_said_twice(text, size):
    result, changes = streamed(cuts(text, size))

    assert changes or result == text


def test_a_long_text_leaves_as_it_comes():
    stream = ArgumentStream(SCHEMA)

    assert stream.feed('{"start_line": 1, "pa') == ""
    assert stream.feed('th": "one') == '{"start_line": 1, "path": "one'
    assert stream.feed(" two") == " two"
    assert stream.feed('", "recursive": ') == '"'
    assert stream.feed("true") == ""
    assert stream.feed("}") == ', "recursive": true}'
    assert stream.close() == ""


def test_a_value_before_a_text_is_mended_when_the_text_begins():
    stream = ArgumentStream(SCHEMA)

    assert stream.feed('{"start_line": "1", "path": "a') == '{"start_line": 1, "path": "a'


def test_what_is_complete_leaves_before_the_call_ends():
    assert ArgumentStream(SCHEMA).feed('{"start_line": "1"}') == '{"start_line": 1}'


def test_line_breaks_in_a_text_become_escapes():
    result, changes = streamed(['{"path": "a\nb\tc', '\n"}'])

    assert json.loads(result) == {"path": "a\nb\tc\n"}
    assert changes == ["arguments: line breaks or tabs stood unescaped in a string"]


def test_an_escape_may_be_cut_in_two():
    text = json.dumps({"path": 'say "hi" \\ \n', 'unknown \\ "': ['\\"', {"x": '\\]"'}], "todos": "\\"})

    assert streamed(cuts(text, 1)) == (text, [])


AFTER_A_TEXT = [
    ('{"path": "a"', '{"path": "a"}'),
    ('{"path": "a",', '{"path": "a"}'),
    ('{"path": "a",}', '{"path": "a"}'),
    ('{"path": "a" "recursive": true}', '{"path": "a", "recursive": true}'),
    ('{"path": "a", recursive: true}', '{"path": "a", "recursive": true}'),
    ('{"path": "a", "recursive": true', '{"path": "a", "recursive": true}'),
    ('{"path": "a", "start_line": null}', '{"path": "a"}'),
    ('{"path": "a"}}', '{"path": "a"}'),
    ('{"path": "a"}\n```', '{"path": "a"}'),
]
STAYS_AFTER_A_TEXT = [
    '{"path": "a',
    '{"path": "say "hi" there"}',
    '{"path": "a"} and so on',
    '{"path": "a"}{"path": "b"}',
    '{"path": "a"} \n',
    '{"path": "a", "start_line": 1',
    '{"path": "a", "path": "b"}',
    '{"path": "a" x, "path": "b"}',
    '{"path": "a", "todos": [\\x, 1]}',
]


@pytest.mark.parametrize(("text", "mended"), AFTER_A_TEXT)
def test_what_follows_a_text_is_mended(text, mended):
    result, changes = streamed(cuts(text, 1))

    assert result == mended
    assert changes


@pytest.mark.parametrize("text", STAYS_AFTER_A_TEXT)
def test_what_follows_a_text_and_could_mean_something_else_stays(text):
    assert streamed(cuts(text, 1)) == (text, [])


def test_what_a_limit_cut_off_stays():
    assert streamed(['{"path": "a"'], cut=True) == ('{"path": "a"', [])


def test_a_missing_brace_is_not_added_while_something_else_is_missing():
    schema = {"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]}

    assert streamed(['{"a": "x"'], schema) == ('{"a": "x"', [])


def test_a_member_that_is_named_twice_holds_everything_back():
    text = '{"path": 5, "start_line": "1", "path": "a"}'

    assert json.loads(streamed([text])[0]) == {"path": "a", "start_line": 1}


def test_members_that_make_no_sense_hold_everything_back():
    assert streamed(['{"start_line": 1 2, "path": "a"}'])[0] == '{"start_line": 1 2, "path": "a"}'


def test_a_name_that_is_no_json_is_no_parameter():
    text = '{"pa\nth": "a"}'

    assert json.loads(streamed(cuts(text, 1), {})[0]) == {"pa\nth": "a"}


def test_an_undeclared_name_holds_everything_back_for_it_may_be_a_misspelling():
    stream = ArgumentStream(
        {"properties": {"path": {"type": "string"}, "text": {"type": "string"}}, "required": ["path"]}
    )

    assert stream.feed('{"Path": "a", "text": "long') == ""
    assert stream.feed('"}') == '{"path": "a", "text": "long"}'
