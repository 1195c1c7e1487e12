"""Table 7.1 of the reference, row by row: what a parameter is called, by kind of server, and where it is left out."""

from collections.abc import Mapping
from typing import Any

import pytest

from routing.dialects.conversion import Conversion
from routing.kinds import Kind
from tests.routing.dialects.rows.checking import ABSENT, GPT, O3, c_to_r, holds
from tests.routing.dialects.support import (
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    SONNET_45,
    a_to_c,
    c_to_a,
    converted,
    r_to_c,
)


def to_generate(**fields: Any) -> Conversion:
    return converted({"prompt": "hi", **fields}, COMPLETIONS, GENERATE, Kind.SGLANG)


CHAT, RESPONSES, ANTHROPIC, SGLANGS_OWN = "chat", "responses", "messages", "generate"
BUILD: Mapping[str, Any] = {
    CHAT: lambda **fields: r_to_c(Kind.OPENAI, GPT, **fields),
    RESPONSES: c_to_r,
    ANTHROPIC: c_to_a,
    SGLANGS_OWN: to_generate,
    "vllm": lambda **fields: r_to_c(Kind.VLLM, **fields),
    "sglang": lambda **fields: r_to_c(Kind.SGLANG, **fields),
    "llamacpp": lambda **fields: r_to_c(Kind.LLAMACPP, **fields),
    "lmstudio": lambda **fields: r_to_c(Kind.LMSTUDIO, **fields),
    "ollama": lambda **fields: r_to_c(Kind.OLLAMA, **fields),
}
OFFICIAL = (CHAT, RESPONSES, ANTHROPIC)


def row(label: str, name: str, value: Any, *, refused: tuple[str, ...] = (), **names: str) -> list:
    """`refused`: left out there with a warning; else the name there, or a dotted path to it."""
    cases = [pytest.param(name, value, where, None, id=f"{label} {name} not at {where}") for where in refused]
    return cases + [
        pytest.param(name, value, where, sent, id=f"{label} {name} at {where}") for where, sent in names.items()
    ]


def everywhere(name: str, *but: str) -> dict[str, str]:
    places = {where: name for where in BUILD if where not in but}
    return places | ({SGLANGS_OWN: f"sampling_params.{name}"} if SGLANGS_OWN in places else {})


@pytest.mark.parametrize(
    ("name", "value", "where", "sent"),
    [
        *row("7.1.2", "min_tokens", 5, refused=(*OFFICIAL, "ollama"), vllm="min_tokens", sglang="min_tokens"),
        *row("7.1.2", "min_tokens", 5, generate="sampling_params.min_new_tokens"),
        *row("7.1.2", "min_new_tokens", 5, vllm="min_tokens", sglang="min_tokens"),
        *row("7.1.3", "temperature", 0.5, **everywhere("temperature")),
        *row("7.1.4", "top_p", 0.5, **everywhere("top_p")),
        *row(
            "7.1.5", "top_k", 7, refused=(CHAT, RESPONSES, "ollama"), **everywhere("top_k", CHAT, RESPONSES, "ollama")
        ),
        *row("7.1.6", "min_p", 0.1, refused=(*OFFICIAL, "ollama"), **everywhere("min_p", *OFFICIAL, "ollama")),
        *row("7.1.7", "typical_p", 0.9, refused=(*OFFICIAL, SGLANGS_OWN, "ollama"), llamacpp="typical_p"),
        *row("7.1.8", "top_n_sigma", 1, refused=(*OFFICIAL, SGLANGS_OWN, "ollama"), llamacpp="top_n_sigma"),
        *(
            case
            for name in ("repetition_penalty", "repeat_penalty")
            for case in row(
                "7.1.9",
                name,
                1.1,
                refused=(*OFFICIAL, "ollama"),
                vllm="repetition_penalty",
                sglang="repetition_penalty",
                generate="sampling_params.repetition_penalty",
                llamacpp="repeat_penalty",
                lmstudio="repeat_penalty",
            )
        ),
        *row("7.1.9", "repeat_last_n", 64, refused=(*OFFICIAL, SGLANGS_OWN, "ollama"), llamacpp="repeat_last_n"),
        *(
            case
            for name in ("presence_penalty", "frequency_penalty")
            for case in row(
                "7.1.10", name, 0.5, refused=(RESPONSES, ANTHROPIC), **everywhere(name, RESPONSES, ANTHROPIC)
            )
        ),
        *row("7.1.11", "length_penalty", 1, refused=(*OFFICIAL, SGLANGS_OWN), vllm="length_penalty"),
        *row("7.1.11", "use_beam_search", True, refused=(*OFFICIAL, SGLANGS_OWN), vllm="use_beam_search"),
        *row(
            "7.1.12", "seed", 7, refused=(RESPONSES, ANTHROPIC), **everywhere("seed", RESPONSES, ANTHROPIC, SGLANGS_OWN)
        ),
        *row("7.1.12", "seed", 7, generate="sampling_params.sampling_seed"),
        *row("7.1.12", "sampling_seed", 7, vllm="seed", llamacpp="seed"),
        *row("7.1.13", "stop", ["x"], messages="stop_sequences", generate="sampling_params.stop"),
        *row("7.1.13", "stop", ["x"], **everywhere("stop", RESPONSES, ANTHROPIC, SGLANGS_OWN)),
        *row("7.1.13", "stop_regex", "x", refused=OFFICIAL, sglang="stop_regex", generate="sampling_params.stop_regex"),
        *row("7.1.14", "stop_token_ids", [1], refused=(*OFFICIAL, "ollama"), vllm="stop_token_ids"),
        *row("7.1.14", "stop_token_ids", [1], sglang="stop_token_ids", generate="sampling_params.stop_token_ids"),
        *row(
            "7.1.15",
            "include_stop_str_in_output",
            True,
            refused=OFFICIAL,
            vllm="include_stop_str_in_output",
            sglang="no_stop_trim",
            generate="sampling_params.no_stop_trim",
        ),
        *row("7.1.15", "no_stop_trim", True, vllm="include_stop_str_in_output", sglang="no_stop_trim"),
        *row(
            "7.1.16", "ignore_eos", True, refused=(*OFFICIAL, "ollama"), **everywhere("ignore_eos", *OFFICIAL, "ollama")
        ),
        *row(
            "7.1.17",
            "skip_special_tokens",
            False,
            refused=OFFICIAL,
            vllm="skip_special_tokens",
            sglang="skip_special_tokens",
            generate="sampling_params.skip_special_tokens",
        ),
        *row("7.1.17", "spaces_between_special_tokens", False, refused=OFFICIAL, vllm="spaces_between_special_tokens"),
        *row(
            "7.1.18",
            "logit_bias",
            {"5": -100},
            refused=(RESPONSES, ANTHROPIC, "ollama"),
            **everywhere("logit_bias", RESPONSES, ANTHROPIC, "ollama"),
        ),
        *row("7.1.19", "bad_words", ["x"], refused=OFFICIAL, vllm="bad_words"),
        *row("7.1.19", "allowed_token_ids", [1], refused=OFFICIAL, vllm="allowed_token_ids"),
        *(
            case
            for name in (
                "dry_multiplier",
                "dry_base",
                "dry_allowed_length",
                "dry_penalty_last_n",
                "dry_sequence_breakers",
            )
            for case in row("7.1.22", name, 1, refused=(*OFFICIAL, SGLANGS_OWN, "ollama"), llamacpp=name)
        ),
        *(
            case
            for label, names in (
                ("7.1.23 XTC", ("xtc_probability", "xtc_threshold")),
                ("7.1.24 dynatemp", ("dynatemp_range", "dynatemp_exponent")),
                ("7.1.25 mirostat", ("mirostat", "mirostat_tau", "mirostat_eta")),
                ("7.1.26 order", ("samplers",)),
                ("7.1.27 grammar", ("grammar",)),
            )
            for name in names
            for case in row(label, name, 1, refused=(*OFFICIAL, SGLANGS_OWN, "ollama"), llamacpp=name)
        ),
        *row("7.1.27 grammar", "structured_outputs", {"regex": "x"}, refused=OFFICIAL, vllm="structured_outputs"),
        *(
            case
            for name in ("regex", "ebnf")
            for case in row(
                "7.1.27 grammar", name, "x", refused=OFFICIAL, sglang=name, generate=f"sampling_params.{name}"
            )
        ),
        *row(
            "7.1.28",
            "chat_template_kwargs",
            {"x": 1},
            refused=(*OFFICIAL, SGLANGS_OWN, "ollama"),
            **everywhere("chat_template_kwargs", *OFFICIAL, SGLANGS_OWN, "ollama"),
        ),
        *row("7.1.30", "include_reasoning", True, refused=OFFICIAL, vllm="include_reasoning"),
        *row("7.1.30", "separate_reasoning", True, refused=OFFICIAL, sglang="separate_reasoning"),
        *row("7.1.30", "reasoning_format", "auto", refused=OFFICIAL, llamacpp="reasoning_format"),
        *(
            case
            for where, names in {
                "vllm": ("priority", "cache_salt", "truncate_prompt_tokens", "vllm_xargs"),
                "sglang": ("lora_path", "rid", "session_params", "custom_params"),
                "llamacpp": ("cache_prompt", "id_slot", "n_keep", "t_max_predict_ms", "timings_per_token", "min_keep"),
                "lmstudio": ("ttl",),
            }.items()
            for name in names
            for case in row("7.1.31", name, 1, refused=OFFICIAL, **{where: name})
        ),
        *row("7.1.31", "custom_params", {}, generate="sampling_params.custom_params"),
        *row("7.1.21", "logprobs", 2, generate="top_logprobs_num"),
        *row("7.1.31", "rid", "r", generate="rid"),
    ],
)
def test_a_parameter_has_the_name_of_the_server(name, value, where, sent):
    conversion = BUILD[where](**{name: value})
    if sent is None:
        holds(conversion, {name: ABSENT, f"sampling_params.{name}": ABSENT}, name)
    else:
        given = {} if name == sent else {name: ABSENT}
        holds(conversion, {sent: value, **given})


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        pytest.param(
            lambda: r_to_c(Kind.OPENAI, O3, max_output_tokens=9), {"max_completion_tokens": 9}, id="7.1.1 OpenAI"
        ),
        pytest.param(lambda: c_to_r(max_tokens=9), {"max_output_tokens": 9}, id="7.1.1 responses"),
        pytest.param(lambda: c_to_a(max_tokens=9), {"max_tokens": 9}, id="7.1.1 messages"),
        pytest.param(lambda: to_generate(max_tokens=9), {"sampling_params.max_new_tokens": 9}, id="7.1.1 generate"),
        *(
            pytest.param(
                lambda name=name: r_to_c(**{name: 9}),
                {"max_tokens": 9, name.replace("max_tokens", "-"): ABSENT},
                id="7.1.1",
            )
            for name in ("max_completion_tokens", "max_new_tokens", "n_predict")
        ),
        pytest.param(lambda: c_to_a(n=1), {"n": ABSENT}, id="7.1.20 one answer"),
        pytest.param(lambda: r_to_c(top_logprobs=2), {"logprobs": True, "top_logprobs": 2}, id="7.1.21 chat"),
        pytest.param(lambda: a_to_c(output_config={"effort": "low"}), {"reasoning_effort": "low"}, id="7.1.29 chat"),
        pytest.param(lambda: c_to_r(reasoning_effort="low"), {"reasoning.effort": "low"}, id="7.1.29 responses"),
        pytest.param(
            lambda: c_to_a("claude-opus-4-8", reasoning_effort="low"),
            {"output_config.effort": "low"},
            id="7.1.29 messages",
        ),
        pytest.param(
            lambda: converted(
                {"input": "hi", "reasoning": {"effort": "low", "summary": "auto"}},
                "responses",
                MESSAGES,
                Kind.ANTHROPIC,
                "claude-opus-4-8",
            ),
            {"thinking.display": "summarized"},
            id="7.1.30 messages",
        ),
    ],
)
def test_what_the_dialects_say_themselves(build, expected):
    holds(build(), expected)


def test_7_1_1_and_7_2_2_two_limits_are_one_and_that_is_said():
    holds(r_to_c(max_output_tokens=5, n_predict=9), {"max_tokens": 5, "n_predict": ABSENT}, "n_predict")
    assert c_to_a(SONNET_45, max_new_tokens=7).body["max_tokens"] == 7
