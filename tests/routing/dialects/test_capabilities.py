"""What an upstream takes: sections 0, 2.7, 2.8 and 7 of the reference."""

import pytest

from routing.dialects import Dialect
from routing.dialects.capabilities import (
    Claude,
    Prefill,
    ThinkingForm,
    accepts,
    capabilities,
    claude,
    of_upstream,
)
from routing.dialects.conversion import convert_request
from routing.kinds import Kind
from routing.snapshot import Upstream
from tests.routing.dialects.support import CHAT, COMPLETIONS, GENERATE, MESSAGES, RESPONSES, a_to_c, c_to_a, converted

NEWEST = "2026-10-21"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-4-5-20251101", Claude("opus", (4, 5))),
        ("claude-sonnet-4-20250514", Claude("sonnet", (4, 0))),
        ("anthropic/claude-haiku-4.5", Claude("haiku", (4, 5))),
        ("Claude-Opus-5", Claude("opus", (5, 0))),
        ("claude-3-7-sonnet-latest", Claude("sonnet", (3, 7))),
        ("claude-3-opus-20240229", Claude("opus", (3, 0))),
        ("glm-5", None),
    ],
)
def test_family_and_version_are_in_the_name(model, expected):
    assert claude(model) == expected


@pytest.mark.parametrize(
    ("model", "version", "takes", "thinking", "prefill"),
    [
        ("claude-sonnet-4-5", "", True, ThinkingForm.BUDGET, Prefill.CONTINUED),
        ("claude-sonnet-4-6", "", True, ThinkingForm.ADAPTIVE, Prefill.REFUSED),
        ("claude-opus-4-7", "", False, ThinkingForm.ADAPTIVE, Prefill.REFUSED),
        ("claude-sonnet-5", "", False, ThinkingForm.ADAPTIVE, Prefill.REFUSED),
        ("claude-sonnet-4-5", NEWEST, False, ThinkingForm.BUDGET, Prefill.CONTINUED),
        ("something-new", "", False, ThinkingForm.ADAPTIVE, Prefill.REFUSED),
    ],
)
def test_0_claude_by_model_and_version(model, version, takes, thinking, prefill):
    found = capabilities(Kind.ANTHROPIC, model, MESSAGES, version)
    assert accepts("temperature", found) is takes
    assert (found.thinking, found.prefill) == (thinking, prefill)


def test_0_all_sampling_is_left_out_of_the_newest_version_even_at_its_defaults():
    conversion = c_to_a("claude-sonnet-4-5", version=NEWEST, temperature=1, top_p=1, top_k=5)
    assert not {"temperature", "top_p", "top_k"} & set(conversion.body)
    assert len(conversion.warnings) == 3


def test_2_8_opus_5_keeps_thinking_at_the_highest_efforts_and_fable_always():
    def thought(model: str, effort: str):
        body = {
            "model": "m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
            "thinking": {"type": "disabled"},
            "output_config": {"effort": effort},
        }
        return convert_request(body, MESSAGES, MESSAGES, capabilities(Kind.ANTHROPIC, model, MESSAGES))

    assert thought("claude-opus-5", "low").body["thinking"] == {"type": "disabled"}
    for model, effort in (("claude-opus-5", "max"), ("claude-fable-5", "low")):
        conversion = thought(model, effort)
        assert "thinking" not in conversion.body
        assert "stays on" in conversion.warnings[0]


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (9000, "medium"), (20000, "high")])
def test_2_8_a_budget_for_an_adaptive_model_is_an_effort(budget, effort):
    body = {
        "model": "m",
        "max_tokens": 30000,
        "messages": [{"role": "user", "content": "hi"}],
        "thinking": {"type": "enabled", "budget_tokens": budget, "display": "summarized"},
    }
    sent = converted(body, MESSAGES, MESSAGES, Kind.ANTHROPIC, "claude-opus-4-8").body
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert sent["output_config"] == {"effort": effort}


def test_7_2_5_openais_reasoning_models_take_no_sampling():
    conversion = a_to_c(Kind.OPENAI, "gpt-5", temperature=0.5, top_p=0.5, seed=1, stop_sequences=["x"])
    assert not {"temperature", "top_p", "stop"} & set(conversion.body)
    assert conversion.body["seed"] == 1
    assert len(conversion.warnings) == 3
    assert a_to_c(Kind.OPENAI, "gpt-4o", temperature=0.5).body["temperature"] == 0.5


def test_8_108_two_names_of_one_parameter_are_never_both_sent():
    conversion = a_to_c(Kind.LLAMACPP, repetition_penalty=1.1, repeat_penalty=1.05)
    assert conversion.body["repeat_penalty"] == 1.1
    assert "repetition_penalty" not in conversion.body
    assert "another name" in conversion.warnings[0]


@pytest.mark.parametrize(
    ("kind", "given", "sent"),
    [(Kind.SGLANG, 0, -1), (Kind.LLAMACPP, -1, 0), (Kind.VLLM, 0, 0), (Kind.SGLANG, 20, 20)],
)
def test_8_110_top_k_that_is_off_is_off_everywhere(kind, given, sent):
    assert a_to_c(kind, top_k=given).body["top_k"] == sent


def test_7_1_generate_has_its_own_names():
    body = {
        "model": "m",
        "prompt": "hi",
        "min_tokens": 2,
        "seed": 3,
        "repeat_penalty": 1.1,
        "stop": "x",
        "stream": True,
    }
    sent = converted(body, COMPLETIONS, GENERATE, Kind.SGLANG).body
    expected = {"min_new_tokens": 2, "sampling_seed": 3, "repetition_penalty": 1.1, "max_new_tokens": 16}
    assert expected.items() <= sent["sampling_params"].items()
    assert sent["text"] == "hi"
    assert sent["stream"] is True


def test_2_8_an_effort_of_none_switches_templates_off():
    turns = [{"role": "user", "content": "hi"}]
    body = {"model": "m", "input": turns, "reasoning": {"effort": "none"}}
    sent = converted(body, RESPONSES, CHAT, Kind.VLLM, "deepseek-v3.2").body
    assert sent["chat_template_kwargs"] == {"thinking": False}
    assert sent["reasoning_effort"] == "none"
    body = {**body, "chat_template_kwargs": {"thinking": True, "x": 1}}
    sent = converted(body, RESPONSES, CHAT, Kind.VLLM, "deepseek-v3.2").body
    assert sent["chat_template_kwargs"] == {"thinking": True, "x": 1}


def test_2_6_mistral_wants_ids_of_nine_letters():
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]}
        for id in ("toolu_1", "abcdefgh9")
    ]
    results = [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id}]} for id in ("toolu_1", "abcdefgh9")
    ]
    sent = a_to_c(model="Mistral-Small", messages=[turns[0], results[0], turns[1], results[1]]).body["messages"]
    ids = [message["tool_calls"][0]["id"] for message in sent if message["role"] == "assistant"]
    assert [len(id) for id in ids] == [9, 9]
    assert ids[1] == "abcdefgh9"
    assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == ids


def test_2_6_long_ids_fit_openai():
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "x" * 80, "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x" * 80}]},
    ]
    sent = a_to_c(Kind.OPENAI, "gpt-4o", messages=turns).body["messages"]
    assert len(sent[0]["tool_calls"][0]["id"]) <= 40
    assert sent[1]["tool_call_id"] == sent[0]["tool_calls"][0]["id"]


def upstream(kind: Kind = Kind.VLLM, **more) -> Upstream:
    return Upstream(name="u", base_url="http://u", kind=kind, dialects=frozenset(Dialect), **more)


def test_an_upstreams_own_settings_win():
    found = of_upstream(upstream(reasoning_field="reasoning_content", strip_billing_header=False), "m", CHAT)
    assert found.reasoning_field == "reasoning_content"
    assert found.strip_billing_header is False
    assert of_upstream(upstream(), "m", CHAT).reasoning_field == "reasoning"
    assert of_upstream(upstream(reasoning_field="reasoning"), "m", MESSAGES).reasoning_field == "reasoning_content"
    assert of_upstream(upstream(Kind.ANTHROPIC), "m", MESSAGES).strip_billing_header is False
    assert of_upstream(upstream(anthropic_version=NEWEST), "m", MESSAGES, "2023-06-01").anthropic_version == NEWEST
