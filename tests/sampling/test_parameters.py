import pytest

from routing.dialects import Dialect
from routing.kinds import Kind
from sampling.parameters import (
    PARAMETERS,
    canonical,
    find,
    fitted,
    is_carried,
    problems,
    spelled,
    spellings,
    unknown,
)

LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict")


def test_no_name_stands_for_two_parameters():
    names = [name for parameter in PARAMETERS for name in (parameter.name, *parameter.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_spelling_in_the_table_finds_its_parameter(parameter):
    for name in (*parameter.names.values(), *parameter.also.values(), *parameter.aliases, parameter.name):
        assert find(name) is parameter
        assert canonical(name) == parameter.name


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_parameter_has_help_and_a_range_that_makes_sense(parameter):
    assert parameter.help.endswith(".")
    if parameter.minimum is not None and parameter.maximum is not None:
        assert parameter.minimum < parameter.maximum


@pytest.mark.parametrize("name", LENGTHS)
def test_all_names_of_a_parameter_are_known_the_given_one_first(name):
    assert spellings(name)[0] == name
    assert set(spellings(name)) == set(LENGTHS)


def test_a_name_that_is_not_in_the_table_has_only_itself():
    assert spellings("chat_template_kwargs") == ("chat_template_kwargs",)
    assert canonical("chat_template_kwargs") == "chat_template_kwargs"
    assert spelled("chat_template_kwargs", Dialect.GENERATE) == "chat_template_kwargs"
    assert find("chat_template_kwargs") is None


@pytest.mark.parametrize("name", LENGTHS)
@pytest.mark.parametrize(
    ("dialect", "kind", "expected"),
    [
        (Dialect.COMPLETIONS, Kind.AUTO, "max_tokens"),
        (Dialect.MESSAGES, Kind.ANTHROPIC, "max_tokens"),
        (Dialect.RESPONSES, Kind.OPENAI, "max_output_tokens"),
        (Dialect.GENERATE, Kind.SGLANG, "max_new_tokens"),
        (Dialect.CHAT, Kind.OPENAI, "max_completion_tokens"),
        (Dialect.COMPLETIONS, Kind.OPENAI, "max_tokens"),
    ],
)
def test_the_length_is_sent_under_the_name_that_the_server_knows(name, dialect, kind, expected):
    assert spelled(name, dialect, kind) == expected


def test_chat_takes_both_of_its_names_for_the_length_and_no_other():
    assert [spelled(name, Dialect.CHAT) for name in LENGTHS] == [
        "max_tokens",
        "max_completion_tokens",
        "max_tokens",
        "max_tokens",
        "max_tokens",
    ]


@pytest.mark.parametrize("name", ["repetition_penalty", "repeat_penalty"])
@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.COMPLETIONS, Dialect.MESSAGES])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.LLAMACPP, "repeat_penalty"),
        (Kind.LMSTUDIO, "repeat_penalty"),
        (Kind.VLLM, "repetition_penalty"),
        (Kind.SGLANG, "repetition_penalty"),
    ],
)
def test_the_repetition_penalty_has_the_name_of_the_kind_of_server(name, dialect, kind, expected):
    assert spelled(name, dialect, kind) == expected


@pytest.mark.parametrize("name", ["repetition_penalty", "repeat_penalty"])
def test_a_server_of_unknown_kind_gets_the_name_that_was_given(name):
    assert spelled(name, Dialect.CHAT) == name
    assert spelled(name, Dialect.GENERATE) == "repetition_penalty"


@pytest.mark.parametrize(
    ("name", "dialect", "expected"),
    [
        ("min_tokens", Dialect.GENERATE, "min_new_tokens"),
        ("min_new_tokens", Dialect.CHAT, "min_tokens"),
        ("seed", Dialect.GENERATE, "sampling_seed"),
        ("sampling_seed", Dialect.CHAT, "seed"),
        ("stop", Dialect.MESSAGES, "stop_sequences"),
        ("stop_sequences", Dialect.CHAT, "stop"),
        ("temperature", Dialect.GENERATE, "temperature"),
    ],
)
def test_other_names_follow_the_dialect_too(name, dialect, expected):
    assert spelled(name, dialect) == expected


@pytest.mark.parametrize(
    ("name", "dialect", "kind", "answer"),
    [
        ("temperature", Dialect.MESSAGES, Kind.ANTHROPIC, True),
        ("min_p", Dialect.MESSAGES, Kind.ANTHROPIC, False),
        ("min_p", Dialect.MESSAGES, Kind.AUTO, False),
        ("min_p", Dialect.MESSAGES, Kind.LLAMACPP, True),
        ("min_p", Dialect.CHAT, Kind.OPENAI, False),
        ("min_p", Dialect.CHAT, Kind.AUTO, True),
        ("repeat_penalty", Dialect.CHAT, Kind.OPENAI, False),
        ("repeat_penalty", Dialect.CHAT, Kind.OLLAMA, False),
        ("seed", Dialect.CHAT, Kind.OLLAMA, True),
        ("n_predict", Dialect.CHAT, Kind.OPENAI, True),
        ("stop", Dialect.RESPONSES, Kind.OPENAI, False),
        ("dry_base", Dialect.CHAT, Kind.SGLANG, True),
        ("dry_base", Dialect.GENERATE, Kind.SGLANG, False),
        ("min_p", Dialect.GENERATE, Kind.SGLANG, True),
        ("chat_template_kwargs", Dialect.MESSAGES, Kind.ANTHROPIC, True),
    ],
)
def test_whether_a_server_takes_a_parameter_depends_on_dialect_and_kind(name, dialect, kind, answer):
    assert is_carried(name, dialect, kind) is answer


@pytest.mark.parametrize(
    ("name", "value", "dialect", "kind", "expected"),
    [
        ("stop", "x", Dialect.MESSAGES, Kind.AUTO, ["x"]),
        ("stop", ["x"], Dialect.MESSAGES, Kind.AUTO, ["x"]),
        ("stop_sequences", "x", Dialect.MESSAGES, Kind.AUTO, ["x"]),
        ("stop", "x", Dialect.CHAT, Kind.AUTO, "x"),
        ("temperature", 1.4, Dialect.MESSAGES, Kind.ANTHROPIC, 1),
        ("temperature", 0.4, Dialect.MESSAGES, Kind.ANTHROPIC, 0.4),
        ("temperature", 1.4, Dialect.MESSAGES, Kind.LLAMACPP, 1.4),
        ("temperature", "hot", Dialect.MESSAGES, Kind.ANTHROPIC, "hot"),
        ("top_k", 0, Dialect.GENERATE, Kind.SGLANG, -1),
        ("top_k", 20, Dialect.GENERATE, Kind.SGLANG, 20),
        ("top_k", 0, Dialect.CHAT, Kind.LLAMACPP, 0),
    ],
)
def test_a_value_is_sent_as_the_server_takes_it(name, value, dialect, kind, expected):
    assert fitted(name, value, dialect, kind) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": 0, "top_p": 1, "top_k": -1, "max_tokens": 4096},
        {"temperature": None, "min_p": None},
        {"ignore_eos": True, "grammar": "root ::= x", "stop": "x", "stop_token_ids": [1]},
        {"stop": ["a", "b"], "logit_bias": {"5": -100}, "samplers": "kmt"},
        {"thinking": {"budget": [1, None, {"x": 0.5}]}, "anything": None},
    ],
)
def test_sensible_values_have_no_problems(parameters):
    assert list(problems(parameters)) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("temperature", "0.7", "must be a number"),
        ("temperature", True, "must be a number"),
        ("temperature", -0.1, "must be at least 0"),
        ("top_p", 1.5, "must be at most 1"),
        ("repeat_penalty", "x", "must be a number"),
        ("top_k", 1.0, "must be a whole number"),
        ("top_k", False, "must be a whole number"),
        ("ignore_eos", 1, "must be true or false"),
        ("grammar", 1, "must be a text"),
        ("stop_token_ids", 1, "must be a list"),
        ("stop", [1], "must be a text or a list of texts"),
        ("stop", 1, "must be a text or a list of texts"),
        ("temperature", float("nan"), "must be a finite number"),
        ("seed", 10**400, "holds a number that is too big or a text that is not Unicode"),
        ("thinking", {"budget": [float("inf")]}, "must be a finite number"),
    ],
)
def test_7_2_8_a_value_that_its_parameter_cannot_have_is_told_in_a_sentence(name, value, sentence):
    assert list(problems({"top_p": 0.5, name: value})) == [(name, sentence)]


def test_names_that_are_not_in_the_table_are_told():
    assert unknown({"temperature": 1, "temprature": 1, "n_predict": 1}) == ["temprature"]


@pytest.mark.parametrize("value", [0, 1, 0.0, 0.7])
def test_7_2_8_whole_numbers_stay_whole(value):
    sent = fitted("temperature", value, Dialect.MESSAGES, Kind.ANTHROPIC)
    assert (sent, type(sent)) == (value, type(value))
