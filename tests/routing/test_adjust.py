import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.adjust import adjusted, without_billing_header
from routing.kinds import Kind
from tests.json_strategies import json_objects
from tests.snapshots import an_upstream

BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=1"}


def after(body, path="chat/completions", **fields):
    return adjusted(body, an_upstream(**fields), path)


def test_an_upstream_that_needs_nothing_gets_the_very_same_body():
    body = {"model": "m", "temperature": 1}
    result, touched = after(body)
    assert result is body
    assert touched == []


@given(json_objects, st.lists(st.sampled_from("abcd"), max_size=2), json_objects)
def test_the_clients_body_is_never_changed(body, drop, set_params):
    before = copy.deepcopy(body)
    after(body, drop_params=tuple(drop), rename_params={"a": "b"}, set_params=set_params)
    assert body == before


def test_dropped_fields_are_left_out():
    assert after({"a": 1, "b": None, "c": 3}, drop_params=("a", "b", "z")) == (
        {"c": 3},
        [("a", "upstream local: drop"), ("b", "upstream local: drop")],
    )


def test_a_renamed_field_keeps_its_value():
    result, touched = after({"max_completion_tokens": 5}, rename_params={"max_completion_tokens": "max_tokens"})
    assert result == {"max_tokens": 5}
    assert touched == [
        ("max_completion_tokens", "upstream local: rename"),
        ("max_tokens", "upstream local: rename"),
    ]


def test_a_field_that_has_the_new_name_already_wins():
    assert after({"old": 1, "new": 2}, rename_params={"old": "new"})[0] == {"new": 2}


def test_a_field_that_is_not_there_is_not_renamed():
    body = {"x": 1}
    assert after(body, rename_params={"old": "new"})[0] is body


def test_set_fields_replace_what_the_client_sent():
    assert after({"a": 1}, set_params={"a": 2, "b": {"c": 3}}) == (
        {"a": 2, "b": {"c": 3}},
        [("a", "upstream local: set"), ("b", "upstream local: set")],
    )


def test_a_field_that_has_its_value_already_is_not_touched():
    body = {"a": {"b": [1, True]}}
    assert after(body, set_params={"a": {"b": [1, True]}})[0] is body


@pytest.mark.parametrize(("sent", "wanted"), [(1, True), (1, 1.0), ({"a": 1}, {"a": True}), ([0], [False])])
def test_values_of_another_type_are_another_value(sent, wanted):
    result, touched = after({"x": sent}, set_params={"x": wanted})
    assert repr(result["x"]) == repr(wanted)
    assert touched


def test_fields_are_dropped_then_renamed_then_set():
    result, _ = after({"a": 1, "b": 2}, drop_params=("a",), rename_params={"b": "a"}, set_params={"b": 3})
    assert result == {"a": 2, "b": 3}


class TestGenerate:
    """Row 7.2.3: there the parameters live in `sampling_params`."""

    LISTS = {"drop_params": ("a",), "rename_params": {"old": "new"}, "set_params": {"top_k": 5, "rid": "x"}}

    def test_the_lists_reach_into_sampling_params(self):
        body = {"text": "t", "sampling_params": {"a": 1, "old": 2, "top_p": 0.5}}
        result, touched = after(body, "generate", **self.LISTS)
        assert result == {"text": "t", "rid": "x", "sampling_params": {"new": 2, "top_p": 0.5, "top_k": 5}}
        assert [name for name, _ in touched] == ["sampling_params", "rid"]
        assert body["sampling_params"] == {"a": 1, "old": 2, "top_p": 0.5}

    def test_every_object_of_a_batch_is_adjusted(self):
        body = {"sampling_params": [{"a": 1}, {"old": 2}]}
        sent = after(body, "generate", **self.LISTS)[0]["sampling_params"]
        assert sent == [{"top_k": 5}, {"new": 2, "top_k": 5}]

    def test_what_is_missing_is_made_only_to_set_something(self):
        assert after({}, "generate", set_params={"top_k": 5})[0] == {"sampling_params": {"top_k": 5}}
        assert after({"text": "t"}, "generate", drop_params=("a",))[0] == {"text": "t"}

    def test_what_needs_nothing_is_the_very_same_body(self):
        body = {"sampling_params": {"top_k": 5}}
        assert after(body, "generate", set_params={"top_k": 5}, drop_params=("a",))[0] is body


class TestVenice:
    def test_refused_fields_are_left_out(self):
        body = {"prompt_cache_key": "k", "logprobs": True, "top_logprobs": 3, "model": "m"}
        result, touched = after(body, kind=Kind.VENICE)
        assert result == {"model": "m"}
        assert {name for name, _ in touched} == {"prompt_cache_key", "logprobs", "top_logprobs"}

    @pytest.mark.parametrize("value", [None, "auto", 1, {}])
    def test_parallel_tool_calls_must_be_true_or_false(self, value):
        result, touched = after({"parallel_tool_calls": value}, kind=Kind.VENICE)
        assert result == {}
        assert touched == [("parallel_tool_calls", "upstream local: only true or false")]

    @pytest.mark.parametrize("value", [True, False])
    def test_true_and_false_stay(self, value):
        body = {"parallel_tool_calls": value}
        assert after(body, kind=Kind.VENICE)[0] is body

    def test_embeddings_are_asked_for_as_floats(self):
        result, touched = after({"encoding_format": "base64"}, "embeddings", kind=Kind.VENICE)
        assert result == {"encoding_format": "float"}
        assert touched == [("encoding_format", "upstream local: no base64")]

    @pytest.mark.parametrize(
        ("body", "path"), [({"encoding_format": "float"}, "embeddings"), ({"encoding_format": "base64"}, "audio")]
    )
    def test_anything_else_about_encodings_stays(self, body, path):
        assert after(body, path, kind=Kind.VENICE)[0] is body

    def test_a_field_that_is_refused_and_dropped_is_told_once(self):
        _, touched = after({"logprobs": True}, kind=Kind.VENICE, drop_params=("logprobs",))
        assert touched == [("logprobs", "upstream local: drop")]


class TestTheBillingBlock:
    def test_is_taken_out_and_the_rest_stays_in_order(self):
        rest = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]
        assert without_billing_header({"system": [BILLING, *rest]}) == rest

    def test_may_be_the_only_block(self):
        assert without_billing_header({"system": [BILLING]}) == []

    def test_may_begin_with_space(self):
        assert without_billing_header({"system": [{"text": f"\n {BILLING['text']}"}]}) == []

    @pytest.mark.parametrize(
        "system",
        [
            None,
            "x-anthropic-billing-header: as a text",
            [],
            [{"type": "text", "text": "about x-anthropic-billing-header"}],
            [{"type": "image"}, "text", None, {"text": 5}],
        ],
    )
    def test_what_is_no_such_block_stays(self, system):
        assert without_billing_header({"system": system}) is None

    def test_a_body_without_system_stays(self):
        assert without_billing_header({}) is None
