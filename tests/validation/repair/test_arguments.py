"""Arguments of tool calls that do not fit their schema: what is mended, and what stays as it came."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.json_strategies import json_values
from validation.repair.arguments import Mended, mend, syntax

SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "start_line": {"type": "integer"},
        "mode": {"type": "string", "enum": ["a", "b"]},
        "ratio": {"type": "number"},
        "recursive": {"type": "boolean"},
        "limit": {"type": ["integer", "null"]},
        "depth": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        "level": {"enum": [1, 2, "high"]},
        "todos": {"type": "array", "items": {"$ref": "#/$defs/todo"}},
        "options": {"properties": {"deep": {"type": "boolean"}}},
        "spot": {"allOf": [{"$ref": "#/$defs/todo"}], "description": "one of them"},
        "either": {"oneOf": [{"type": "object", "properties": {"n": {"type": "integer"}}}, {"type": "array"}]},
    },
    "required": ["path"],
    "$defs": {
        "todo": {"type": "object", "properties": {"id": {"type": "integer"}, "text": {"type": "string"}}},
    },
}

COERCED = [
    ('{"start_line": "10"}', '{"start_line": 10}'),
    ('{"start_line": "-3"}', '{"start_line": -3}'),
    ('{"ratio": "0.5"}', '{"ratio": 0.5}'),
    ('{"ratio": "2"}', '{"ratio": 2}'),
    ('{"ratio": "1e3"}', '{"ratio": 1000.0}'),
    ('{"recursive": "True"}', '{"recursive": true}'),
    ('{"recursive": "false"}', '{"recursive": false}'),
    ('{"limit": "null"}', '{"limit": null}'),
    ('{"limit": "7"}', '{"limit": 7}'),
    ('{"start_line": null}', "{}"),
    ('{"depth": "4"}', '{"depth": 4}'),
    ('{"depth": "true"}', '{"depth": true}'),
    ('{"level": "2"}', '{"level": 2}'),
    ('{"level": "High"}', '{"level": "high"}'),
    ('{"todos": "[{\\"id\\": \\"1\\"}]"}', '{"todos": [{"id": 1}]}'),
    ('{"todos": "[{\'id\': 1}]"}', '{"todos": [{"id": 1}]}'),
    ('{"todos": [{"id": 1}, {"id": "2"}]}', '{"todos": [{"id": 1}, {"id": 2}]}'),
    ('{"todos": ["{\\"id\\": 1}"]}', '{"todos": [{"id": 1}]}'),
    ('{"options": {"deep": "TRUE"}}', '{"options": {"deep": true}}'),
    ('{"options": "{\\"deep\\": true}"}', '{"options": {"deep": true}}'),
    ('{"spot": {"id": "5"}}', '{"spot": {"id": 5}}'),
    ('{"either": {"n": "5"}}', '{"either": {"n": 5}}'),
]

LEFT_ALONE = [
    '{"start_line": "0x10"}',
    '{"start_line": "1,000"}',
    '{"start_line": " 10abc"}',
    '{"start_line": "010"}',
    '{"start_line": "1.5"}',
    '{"start_line": "10.0"}',
    '{"start_line": true}',
    '{"start_line": [5]}',
    '{"ratio": "1e999"}',
    '{"ratio": "nan"}',
    '{"recursive": "yes"}',
    '{"recursive": 1}',
    '{"limit": "none at all"}',
    '{"depth": "deep"}',
    '{"level": "3"}',
    '{"todos": "buy milk"}',
    '{"todos": "{\\"id\\": 1}"}',
    '{"todos": "[1, 2"}',
    '{"options": "[]"}',
    '{"either": "10"}',
    '{"mode": "c"}',
    '{"todos": "' + "[" * 5000 + '"}',
    '{"unknown": "10"}',
]


def members(text):
    """Beside the one member that every case needs."""
    return '{"path": "a", ' + text[1:] if text != "{}" else '{"path": "a"}'


@pytest.mark.parametrize(("before", "after"), COERCED, ids=[before for before, _ in COERCED])
def test_a_value_that_does_not_fit_is_brought_into_the_shape_it_spells(before, after):
    mended = mend(members(before), SCHEMA)

    assert mended.text == members(after)
    assert mended.changes


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_value_that_can_be_read_in_no_way_or_in_several_stays(text):
    assert mend(members(text), SCHEMA) == mend(members(text), None)
    assert mend(members(text), SCHEMA).text == members(text)


@pytest.mark.parametrize("value", ["10", "020", "true", "null", "[1, 2]", '{"a": 1}', "None", ""])
def test_a_text_where_a_text_is_wanted_stays_whatever_it_looks_like(value):
    text = json.dumps({"path": value})

    assert mend(text, SCHEMA).text == text


@pytest.mark.parametrize(
    ("value", "written"), [({"name": "x", "n": 1}, '{"name": "x", "n": 1}'), (5, "5"), ({"ä": 1}, '{"ä": 1}')]
)
def test_an_object_or_a_whole_number_is_written_out_where_a_text_is_wanted(value, written):
    assert json.loads(mend(json.dumps({"path": value}), SCHEMA).text) == {"path": written}


@pytest.mark.parametrize("value", [["ls", "-la"], True, 1.5, None])
def test_other_values_are_not_made_a_text(value):
    text = json.dumps({"path": value})

    assert mend(text, SCHEMA).text == text


@pytest.mark.parametrize("text", ['{"arguments": {"path": "a"}}', '{"name": "read", "parameters": {"path": "a"}}'])
def test_arguments_in_a_member_called_so_are_unwrapped(text):
    mended = mend(text, SCHEMA)
    assert json.loads(mended.text) == {"path": "a"}
    assert mended.changes == ("arguments: unwrapped",)


@pytest.mark.parametrize(
    "text",
    [
        '{"arguments": {"limit": 1}}',
        '{"arguments": {"path": "a"}, "limit": 1}',
        '{"arguments": {"path": "a"}, "input": {"path": "b"}}',
        '{"arguments": "path"}',
    ],
)
def test_other_members_are_not_taken_for_arguments(text):
    assert mend(text, SCHEMA) == Mended(text)


def test_a_choice_that_differs_from_two_by_its_case_is_none():
    text = '{"m": "FAST"}'
    assert mend(text, {"properties": {"m": {"enum": ["fast", "Fast"]}}}) == Mended(text)


@pytest.mark.parametrize("name", ["Path", "PATH", "pa_th", "pa-th"])
def test_a_required_name_is_recognised_by_its_letters(name):
    mended = mend(json.dumps({name: "a", "start_line": 1}), SCHEMA)

    assert mended.text == '{"path": "a", "start_line": 1}'
    assert mended.changes == (f"path: was called {name}",)


@pytest.mark.parametrize("text", ['{"file": "a"}', '{"Path": "a", "PATH": "b"}', '{"Path": "a", "path": "b"}'])
def test_another_name_or_one_of_two_is_not_taken_for_it(text):
    assert mend(text, SCHEMA).text == text


def test_with_two_names_missing_none_is_guessed():
    schema = {"type": "object", "properties": {"old": {}, "new": {}}, "required": ["old", "new"]}

    assert mend('{"Old": 1}', schema).text == '{"Old": 1}'


READ = [
    ("{'path': 'a', 'recursive': True, 'limit': None}", {"path": "a", "recursive": True, "limit": None}),
    ('{"path": "a", "limit": None}', {"path": "a", "limit": None}),
    ('{"path": "a",}', {"path": "a"}),
    ('{"path": "a", "todos": [{"id": 1},],}', {"path": "a", "todos": [{"id": 1}]}),
    ('{"path": "a" "recursive": true}', {"path": "a", "recursive": True}),
    ('{path: "a", recursive: true}', {"path": "a", "recursive": True}),
    ('{"path": "a", // the file\n "recursive": true}', {"path": "a", "recursive": True}),
    ('{"path": "a", /* no */ "recursive": true}', {"path": "a", "recursive": True}),
    ('{"path": "a", "recursive": true, "limit": None,}', {"path": "a", "recursive": True, "limit": None}),
    ('{"path": "one\n\ttwo"}', {"path": "one\n\ttwo"}),
    ('{"path": "say "hi" to them"}', {"path": 'say "hi" to them'}),
    ('{"path": "a"}}', {"path": "a"}),
    ('```json\n{"path": "a"}\n```', {"path": "a"}),
    ('Here they are: {"path": "a"} as asked.', {"path": "a"}),
    ('"{\\"path\\": \\"a\\"}"', {"path": "a"}),
    ('"{\\"path\\": \\"a\\", \\"start_line\\": \\"1\\"}"', {"path": "a", "start_line": 1}),
    ('{\\"path\\": \\"a\\"}', {"path": "a"}),
    ('{}\n{"path": "a", "start_line": "1"}', {"path": "a", "start_line": 1}),
    ('{"path": "a"', {"path": "a"}),
    ('{"path": "a", "recursive": true\n', {"path": "a", "recursive": True}),
    ('{"path": "a", "options": {"deep": true', {"path": "a", "options": {"deep": True}}),
    ('{path: "", options: {}, todos: []}', {"path": "", "options": {}, "todos": []}),
    ('{path: "ä"}', {"path": "ä"}),
    ('{path: "\\ud83d\\ude00", recursive: true}', {"path": "😀", "recursive": True}),
]

NOT_READ = [
    '{"path": "rm -rf /tmp/x',  # closing this would make another command of it
    '{"path": "a", "start_line": 1',  # so might the number go on
    '{"path": "a", "todos": [{"id": 1}',  # and the list
    '{"path": "a", "recursive"',
    '{"path": "a",',
    '{"path": "a"}{"path": "a"}',
    '[{"path": "a"}]',
    '"just words"',
    '"{\\"path\\": "',
    '"[1]"',
    '{"path" 1}',
    '{"path": "a", "b"}',
    "{path: }",
    "{path: b'a'}",
    '{"path": "a", "start_line": 007}',
    "{path: src/a.py, recursive: true}",
    '{"path": "a", "ratio": NaN}',
    '{"path": "a", "ratio": 1e999}',
    "{'path': 'a' 'b'}",
    "{'path': {'a', 'b'}}",
    "{'path': b'a'}",
    "{'path': ('a', 'b')}",
    "{'path': 'a', 'ratio': 1e999}",
    "{1: 'a'}",
    "{'path': 'a\\d'",
    '{"path": "say "hi"", "either": "no"}',
    '{"path": "a"}{"path": "a"}',
    "{}{}",
    '{} and {"path": "a"}',
    "Nothing of the kind.",
    "Look: {no",
    '{"path": "\\ud83d", "recursive": "true"}',
    "5",
    '{"a":' * 70 + "1" + "}" * 70 + ",",
    '{"a":' * 2000 + "1" + "}" * 2000,
    '{"a":' * 2000,
    "{'a':" * 65 + "1" + "}" * 65,
]


@pytest.mark.parametrize(("text", "value"), READ, ids=[text for text, _ in READ])
def test_text_that_is_not_quite_json_is_read_where_only_one_reading_fits(text, value):
    mended = mend(text, SCHEMA)

    assert json.loads(mended.text) == value
    assert mended.changes


@pytest.mark.parametrize("text", NOT_READ, ids=[text[:40] for text in NOT_READ])
def test_text_that_could_mean_something_else_stays(text):
    assert mend(text, SCHEMA).text == text


@pytest.mark.parametrize("text", ["", " ", "null", "None", '""'])
def test_no_arguments_are_an_empty_object(text):
    assert mend(text, SCHEMA).text == "{}"


def test_what_a_limit_cut_off_is_never_completed():
    text = '{"path": "a", "options": {"deep": true}'

    assert mend(text, SCHEMA, cut=True).text == text
    assert mend(text, SCHEMA).text == text + "}"


def test_a_reading_that_does_not_fit_the_schema_is_not_taken():
    assert mend("{'recursive': True}", SCHEMA).text == "{'recursive': True}"


def test_broken_text_that_is_very_long_is_not_guessed_at():
    text = '{"path": "' + "a" * syntax.LONGEST + '",}'

    assert mend(text, SCHEMA).text == text
    assert mend(text.replace("aa", "a\n", 1).replace(",}", "}"), SCHEMA).changes


def test_a_tool_without_a_schema_takes_everything():
    assert mend('{"n": "10"}', None).text == '{"n": "10"}'
    assert mend("{'n': '10'}", None).text == '{"n": "10"}'


def test_numbers_beyond_64_bits_survive_beside_what_is_mended():
    text = '{"path": 5, "ratio": 123456789012345678901234567890}'

    assert mend(text, SCHEMA).text == '{"path": "5", "ratio": 123456789012345678901234567890}'


def test_members_that_left_already_are_not_missed():
    assert mend('{"start_line": "1"}', SCHEMA, present=frozenset({"path"})).text == '{"start_line": 1}'
    assert mend('{"start_line": 1,}', SCHEMA, present=frozenset({"path"})).text == '{"start_line": 1}'
    assert mend('{"start_line": 1,}', SCHEMA).text == '{"start_line": 1,}'


def test_changes_never_tell_what_the_arguments_held():
    mended = mend('{"path": {"password": "hunter2"}, "start_line": "4711"}', SCHEMA)

    assert mended.changes == ("path: object written as text", "start_line: text read as integer")


HARDLY_SCHEMAS = [
    {"$ref": "#"},
    {"$ref": "#/nowhere"},
    {"$ref": "elsewhere.json"},
    {"$ref": 5},
    {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"type": "tuple"},
    {"type": [], "enum": "a"},
    {"properties": [], "required": "a"},
    {"required": [1, None]},
    True,
    "object",
    7,
]


@pytest.mark.parametrize("schema", HARDLY_SCHEMAS, ids=json.dumps)
def test_a_schema_that_makes_no_sense_changes_nothing(schema):
    assert mend('{"path": "10"}', schema).text == '{"path": "10"}'


FITTING = [
    ({"enum": ["a", None]}, None),
    ({"type": "string", "nullable": True}, None),
    ({"type": "string", "enum": ["a"], "nullable": True}, None),
    ({"const": 5}, 5),
    ({"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [1, "2"]),
    ({"type": "object", "patternProperties": {"^x": {}}, "additionalProperties": False}, {"x": 1}),
    ({"type": "integer"}, 10.0),
    ({"allOf": [{"type": "integer"}, {"enum": [1, 2]}]}, 2),
    ({"$ref": "#/properties/a~1b"}, "x"),
    ({}, {"anything": [1]}),
]


@pytest.mark.parametrize(("schema", "value"), FITTING, ids=repr)
def test_what_fits_stays(schema, value):
    whole = {"properties": {"it": schema, "a/b": {"type": "string"}}, "required": ["it"]}
    text = json.dumps({"it": value})

    assert mend(text, whole).text == text


NEARLY = [
    ({"type": "array", "prefixItems": [{"type": "integer"}]}, ["1", "1"], [1, "1"]),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": "1"}, {"a": 1}),
    ({"type": "integer", "nullable": True}, "null", None),
    ({"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}, "5", 5),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "5", 5),
    ({"items": {"type": "integer"}}, ["5"], [5]),
    ({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, [["5"]], [[5]]),
    ({"const": 5}, "5", 5),
]


@pytest.mark.parametrize(("schema", "value", "fitting"), NEARLY, ids=repr)
def test_what_nearly_fits_is_mended(schema, value, fitting):
    whole = {"properties": {"it": schema}, "$defs": {"n": {"type": "integer"}}}

    assert json.loads(mend(json.dumps({"it": value}), whole).text) == {"it": fitting}


AMBIGUOUS = [
    ({"anyOf": [{"type": "boolean"}, {"const": "True"}, {"enum": [True, "x"]}]}, "maybe"),
    ({"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "array"}]}, "5"),
    ({"anyOf": [{"properties": {"n": {"type": "integer"}}}, {"type": "number"}], "type": "object"}, {"n": "x"}),
    (False, "5"),
    ({"type": "integer", "enum": [1, 2]}, "5"),
    ({"type": "array", "items": {"type": "integer"}}, ["x"]),
]


@pytest.mark.parametrize(("schema", "value"), AMBIGUOUS, ids=repr)
def test_what_cannot_be_made_to_fit_stays(schema, value):
    text = json.dumps({"it": value})

    assert mend(text, {"properties": {"it": schema}}).text == text


def test_of_two_readings_that_both_fit_none_is_taken():
    one = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    other = {"type": "object", "properties": {"n": {"type": "boolean"}, "m": {"type": "string"}}, "required": ["m"]}
    text = '{"it": {"n": "5", "m": 5}}'

    assert mend(text, {"properties": {"it": {"anyOf": [one, other]}}}).text == '{"it": {"n": 5, "m": 5}}'
    other["properties"]["n"] = {"type": "string"}
    assert mend(text, {"properties": {"it": {"anyOf": [one, other]}}}).text == text


def schema_of(value):
    """A schema that exactly this shape fits."""
    if isinstance(value, dict):
        properties = {name: schema_of(item) for name, item in value.items()}
        return {"type": "object", "properties": properties, "required": sorted(value)}
    if isinstance(value, list):
        return (
            {"type": "array", "items": {"anyOf": [schema_of(item) for item in value]}} if value else {"type": "array"}
        )
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return {"type": kinds[type(value)]}


objects = st.dictionaries(st.text(max_size=5), json_values, max_size=4)


@given(objects)
@settings(max_examples=60)
def test_arguments_that_fit_are_never_changed(value):
    text = json.dumps(value)

    assert mend(text, schema_of(value)).text == text


@given(objects, objects, st.sampled_from([json.dumps, repr, lambda value: json.dumps(json.dumps(value))]))
@settings(max_examples=80)
def test_mended_arguments_are_not_mended_again(value, other, spell):
    schema = schema_of(other | value)
    once = mend(spell({**value, **{name: str(item) for name, item in other.items()}}), schema)

    assert mend(once.text, schema).text == once.text
