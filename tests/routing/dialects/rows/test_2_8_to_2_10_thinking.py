"""Tables 2.8 to 2.10 of the reference, row by row: effort and thinking, structured output, and prefill."""

import pytest

from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.rows.checking import ABSENT, GPT, O3, a_to_r, c_to_r, holds, r_to_a
from tests.routing.dialects.support import OPUS_48, SONNET_45, a_to_c, assistant, c_to_a, r_to_c, user

OPENAI, VLLM, SGLANG, OLLAMA, LLAMACPP = Kind.OPENAI, Kind.VLLM, Kind.SGLANG, Kind.OLLAMA, Kind.LLAMACPP
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": False}
FABLE = "claude-fable-5"


def effort(row: str, word: str, adaptive: str, budget: int, local: str, most: str) -> list:
    """What a word becomes everywhere: an effort, a budget, the word itself, and what local servers know."""

    def param(build, expected, warned="", *, where: str):
        return pytest.param(build, expected, warned, id=f"{row} {word} {where}")

    thinking = {"type": "enabled", "budget_tokens": budget}
    return [
        param(
            lambda: c_to_a(OPUS_48, reasoning_effort=word, max_tokens=99_999),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": adaptive}},
            where="newer Claude",
        ),
        param(
            lambda: r_to_a(reasoning={"effort": word}, max_output_tokens=99_999),
            {"thinking": thinking, "output_config": ABSENT},
            where="older Claude",
        ),
        param(
            lambda: r_to_c(OPENAI, O3, reasoning={"effort": word}), {"reasoning_effort": word}, where="OpenAI's chat"
        ),
        param(lambda: c_to_r(model=O3, reasoning_effort=word), {"reasoning.effort": word}, where="responses"),
        param(
            lambda: r_to_c(VLLM, reasoning={"effort": word}),
            {"reasoning_effort": local},
            "nearest" if local != word else "",
            where="locally",
        ),
        param(
            lambda: r_to_c(OLLAMA, reasoning={"effort": word}),
            {"reasoning_effort": most},
            "nearest" if most != word else "",
            where="Ollama",
        ),
    ]


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(
            lambda: c_to_a(OPUS_48, reasoning_effort="none"), {"thinking": {"type": "disabled"}}, "", id="2.8.1"
        ),
        pytest.param(
            lambda: c_to_a(FABLE, reasoning_effort="none"),
            {"thinking": ABSENT},
            "stays on",
            id="2.8.1 models that must",
        ),
        pytest.param(lambda: c_to_a(reasoning_effort="none"), {"thinking": {"type": "disabled"}}, "", id="2.8.1 older"),
        pytest.param(
            lambda: r_to_c(OPENAI, O3, reasoning={"effort": "none"}), {"reasoning_effort": "none"}, "", id="2.8.1"
        ),
        pytest.param(lambda: c_to_r(model=O3, reasoning_effort="none"), {"reasoning.effort": "none"}, "", id="2.8.1"),
        *(
            pytest.param(
                lambda model=model: r_to_c(SGLANG, model, reasoning={"effort": "none"}),
                {"chat_template_kwargs": {switch: False}},
                "",
                id=f"2.8.1 {model}",
            )
            for model, switch in (
                ("qwen3-8b", "enable_thinking"),
                ("glm-4.6", "enable_thinking"),
                ("deepseek-v3.1", "thinking"),
                ("kimi-k2", "thinking"),
            )
        ),
        *(
            pytest.param(
                lambda kind=kind: r_to_c(kind, reasoning={"effort": "none"}),
                {"reasoning_effort": "none"},
                "",
                id=f"2.8.1 {kind}",
            )
            for kind in (LLAMACPP, OLLAMA)
        ),
        *effort("2.8.2", "minimal", "low", 1024, "low", "low"),
        *effort("2.8.3", "low", "low", 2048, "low", "low"),
        *effort("2.8.4", "medium", "medium", 4096, "medium", "medium"),
        *effort("2.8.5", "high", "high", 16000, "high", "high"),
        *effort("2.8.6", "xhigh", "xhigh", 32000, "high", "max"),
        *effort("2.8.7", "max", "max", 64000, "high", "max"),
        *(
            pytest.param(
                lambda budget=budget: a_to_c(OPENAI, O3, thinking={"type": "enabled", "budget_tokens": budget}),
                {"reasoning_effort": word},
                "",
                id="2.8.8 a budget",
            )
            for budget, word in (
                (1024, "minimal"),
                (2000, "low"),
                (4999, "low"),
                (5000, "medium"),
                (10000, "high"),
                (60000, "high"),
            )
        ),
        pytest.param(
            lambda: a_to_r(model=O3, thinking={"type": "enabled", "budget_tokens": 2000}),
            {"reasoning": {"effort": "low", "summary": "auto"}},
            "",
            id="2.8.8 responses",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, O3, thinking={"type": "adaptive"}, output_config={"effort": "medium"}),
            {"reasoning_effort": "medium"},
            "",
            id="2.8.9 with an effort",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, O3, thinking={"type": "adaptive"}),
            {"reasoning_effort": ABSENT},
            "",
            id="2.8.9 without",
        ),
        pytest.param(
            lambda: a_to_c(VLLM, "qwen3", thinking={"type": "adaptive"}),
            {"chat_template_kwargs": {"enable_thinking": True}},
            "",
            id="2.8.9 locally",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, O3, thinking={"type": "disabled"}),
            {"reasoning_effort": ABSENT},
            "",
            id="2.8.10 chat",
        ),
        pytest.param(
            lambda: a_to_r(model=O3, thinking={"type": "disabled"}), {"reasoning": ABSENT}, "", id="2.8.10 responses"
        ),
        pytest.param(
            lambda: a_to_c(VLLM, "qwen3", thinking={"type": "disabled"}),
            {"chat_template_kwargs": ABSENT, "reasoning_effort": ABSENT},
            "",
            id="2.8.10 locally",
        ),
        pytest.param(
            lambda: a_to_r(model=O3, output_config={"effort": "max"}), {"reasoning.effort": "max"}, "", id="2.8.11"
        ),
        pytest.param(
            lambda: a_to_c(VLLM, output_config={"effort": "xhigh"}),
            {"reasoning_effort": "high"},
            "nearest",
            id="2.8.11",
        ),
        pytest.param(
            lambda: c_to_a(reasoning_effort="high", max_tokens=1000),
            {"thinking.budget_tokens": 1024, "max_tokens": 2024},
            "raised",
            id="2.8.8 the pair is never invalid",
        ),
        pytest.param(
            lambda: c_to_a(reasoning_effort="high", max_tokens=8000, temperature=0.5),
            {"thinking.budget_tokens": 6000, "max_tokens": 8000, "temperature": ABSENT},
            "while the model thinks",
            id="2.8.8 no temperature beside it",
        ),
        pytest.param(
            lambda: r_to_a(OPUS_48, reasoning={"effort": "low", "summary": "auto"}),
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            "",
            id="2.8.9 a summary",
        ),
    ],
)
def test_thinking(build, expected, warned):
    holds(build(), expected, warned)


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, output_config={"format": {"type": "json_schema", "schema": SCHEMA}}),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "structured_output", "schema": SCHEMA},
                }
            },
            "",
            id="2.9.1 messages to chat",
        ),
        pytest.param(
            lambda: a_to_r(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}),
            {"text.format": {"type": "json_schema", "name": "structured_output", "schema": SCHEMA}},
            "",
            id="2.9.1 messages to responses",
        ),
        pytest.param(
            lambda: c_to_r(
                response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
            ),
            {"text.format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
            "",
            id="2.9.1 chat to responses",
        ),
        pytest.param(
            lambda: r_to_c(text={"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "description": "d"}}),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": SCHEMA, "description": "d"},
                }
            },
            "",
            id="2.9.1 responses to chat",
        ),
        pytest.param(
            lambda: r_to_a(
                text={
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {"type": "object", "properties": {"x": {"type": "integer", "minimum": 0}}},
                    }
                }
            ),
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "minimum in the schema",
            id="2.9.1 closed, and without limits, for messages",
        ),
        pytest.param(
            lambda: c_to_a(response_format={"type": "json_object"}),
            {"output_config": ABSENT},
            "json_object",
            id="2.9.2",
        ),
        pytest.param(
            lambda: c_to_r(response_format={"type": "json_object"}), {"text.format.type": "json_object"}, "", id="2.9.2"
        ),
        pytest.param(lambda: c_to_a(response_format={"type": "text"}), {"output_config": ABSENT}, "", id="2.9.3"),
        pytest.param(
            lambda: c_to_r(response_format={"type": "text"}), {"text.format": {"type": "text"}}, "", id="2.9.3"
        ),
    ],
)
def test_structured_output(build, expected, warned):
    holds(build(), expected, warned)


PREFILL = [user("q"), assistant("Once ")]


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(lambda: c_to_a(messages=PREFILL), {"messages.1": assistant("Once")}, "", id="2.10.1"),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, messages=PREFILL),
            {"messages.1": assistant("Once ")},
            "assistant turn",
            id="2.10.3",
        ),
        pytest.param(lambda: a_to_r(messages=PREFILL), {"input.1.role": "assistant"}, "assistant turn", id="2.10.3"),
        *(
            pytest.param(
                lambda kind=kind: a_to_c(kind, messages=PREFILL),
                {"continue_final_message": True, "add_generation_prompt": False},
                "",
                id=f"2.10.4 {kind}",
            )
            for kind in (VLLM, SGLANG)
        ),
        pytest.param(
            lambda: a_to_c(LLAMACPP, messages=PREFILL),
            {"messages.1": assistant("Once "), "continue_final_message": ABSENT},
            "",
            id="2.10.5",
        ),
    ],
)
def test_prefill(build, expected, warned):
    holds(build(), expected, warned)


@pytest.mark.parametrize(("model", "fields"), [(OPUS_48, {}), (SONNET_45, {"reasoning_effort": "high"})])
def test_2_10_2_prefill_is_refused_where_it_is_not_continued(model, fields):
    with pytest.raises(BadRequest, match="does not continue"):
        c_to_a(model, messages=PREFILL, **fields)
