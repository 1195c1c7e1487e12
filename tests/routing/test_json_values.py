import json

import pytest
from hypothesis import given

from routing.json_values import copied, deep_merge, obstacle, same
from tests.json_strategies import json_objects, json_values


@given(json_values)
def test_a_value_is_the_same_as_its_copy_and_as_what_json_makes_of_it(value):
    assert same(value, copied(value))
    assert same(value, json.loads(json.dumps(value)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (1, 1.0),
        (1, "1"),
        (None, False),
        ([1], [True]),
        ([1], [1, 2]),
        ({"a": {"b": 1}}, {"a": {"b": True}}),
        ({"a": 1}, {"b": 1}),
        ({}, []),
    ],
)
def test_values_that_json_tells_apart_differ(one, other):
    assert not same(one, other)
    assert not same(other, one)


def test_the_order_of_keys_makes_no_difference():
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_a_copy_shares_nothing_that_can_be_changed():
    original = {"a": [{"b": 1}]}
    copied(original)["a"][0]["b"] = 2
    assert original == {"a": [{"b": 1}]}


def test_objects_are_merged_key_by_key_at_every_depth():
    assert deep_merge({"a": {"x": 1, "y": 1}, "b": 1}, {"a": {"y": 2}}) == {"a": {"x": 1, "y": 2}, "b": 1}


@pytest.mark.parametrize("above", [None, 1, "x", [1], True])
def test_anything_else_replaces_what_is_below(above):
    assert deep_merge({"a": 1}, above) == above
    assert deep_merge([1], above) == above


@given(json_objects, json_objects)
def test_every_leaf_above_wins_and_nothing_below_is_lost(below, above):
    merged = deep_merge(below, above)
    assert merged.keys() == below.keys() | above.keys()
    for name, value in above.items():
        if not isinstance(value, dict):
            assert same(merged[name], value)
    for name in below.keys() - above.keys():
        assert same(merged[name], below[name])


@given(json_objects, json_objects)
def test_merging_changes_neither_side(below, above):
    before = json.dumps([below, above])
    deep_merge(below, above)
    assert json.dumps([below, above]) == before


@given(json_values)
def test_json_values_can_be_sent(value):
    assert obstacle(value) is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (float("nan"), "must be a finite number"),
        ({"a": [float("inf")]}, "must be a finite number"),
        (2**64, "too big"),
        ({"a": -(2**63) - 1}, "too big"),
        ("\ud800", "not Unicode"),
    ],
)
def test_what_json_cannot_say_is_told(value, sentence):
    assert sentence in obstacle(value)
