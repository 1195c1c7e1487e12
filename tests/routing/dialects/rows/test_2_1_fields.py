"""Table 2.1 of the reference, row by row: the fields of a request."""

import pytest

from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.rows.checking import ABSENT, GPT, O3, a_to_r, c_to_r, holds, r_to_a
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    OPUS_48,
    RESPONSES,
    a_to_c,
    a_tool,
    c_to_a,
    c_tool,
    call,
    converted,
    r_to_c,
    text,
    user,
    whole,
)

OPENAI, VLLM, OLLAMA, ANTHROPIC = Kind.OPENAI, Kind.VLLM, Kind.OLLAMA, Kind.ANTHROPIC
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
LOGPROBS = ["message.output_text.logprobs"]
SEARCH = {"user_location": {"type": "approximate", "approximate": {"city": "Rom"}}, "search_context_size": "low"}
CACHED = {"cache_control": {"type": "ephemeral"}}
COMPACT = {"edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 60000}}]}


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(lambda: a_to_c(), {"messages": [user("hi")]}, "", id="2.1.2 messages at chat"),
        pytest.param(
            lambda: a_to_r(), {"input.0.content": [{"type": "input_text", "text": "hi"}]}, "", id="2.1.2 at responses"
        ),
        pytest.param(lambda: r_to_c(), {"messages": [user("hi")]}, "", id="2.1.2 a text is a user message"),
        pytest.param(lambda: c_to_a(max_tokens=5, max_completion_tokens=6), {"max_tokens": 6}, "", id="2.1.3 newer"),
        pytest.param(
            lambda: a_to_c(OPENAI, O3),
            {"max_completion_tokens": 100, "max_tokens": ABSENT},
            "",
            id="2.1.3 at models that think",
        ),
        pytest.param(lambda: a_to_c(OLLAMA), {"max_tokens": 100}, "", id="2.1.3 at Ollama"),
        pytest.param(lambda: a_to_c(max_tokens=0), {"max_tokens": 1}, "", id="2.1.3 none is one"),
        pytest.param(lambda: c_to_r(max_tokens=7), {"max_output_tokens": 7}, "", id="2.1.3 at responses"),
        pytest.param(lambda: c_to_a(temperature=1.5), {"temperature": 1}, "lowered", id="2.1.4 temperature"),
        pytest.param(
            lambda: a_to_c(OPENAI, O3, temperature=0.5),
            {"temperature": ABSENT},
            "temperature",
            id="2.1.4 when thinking",
        ),
        pytest.param(lambda: a_to_c(top_p=0.9), {"top_p": 0.9}, "", id="2.1.5 top_p"),
        pytest.param(lambda: c_to_a(OPUS_48, top_p=0.9), {"top_p": ABSENT}, "top_p", id="2.1.5 newest models"),
        pytest.param(lambda: a_to_c(OPENAI, GPT, top_k=40), {"top_k": ABSENT}, "top_k", id="2.1.6 top_k at OpenAI"),
        pytest.param(lambda: a_to_c(top_k=40), {"top_k": 40}, "", id="2.1.6 at a local server"),
        pytest.param(lambda: c_to_a(stop="END"), {"stop_sequences": ["END"]}, "", id="2.1.7 a text"),
        pytest.param(lambda: c_to_a(stop=["", "x"]), {"stop_sequences": ["x"]}, "left out", id="2.1.7 blank ones"),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, stop_sequences=list("abcde")),
            {"stop": list("abcd")},
            "first 4",
            id="2.1.7 four",
        ),
        pytest.param(lambda: a_to_c(stop_sequences=list("abcde")), {"stop": list("abcde")}, "", id="2.1.7 locally all"),
        pytest.param(lambda: c_to_r(stop="END"), {"stop": ABSENT}, "stop sequences", id="2.1.7 none at responses"),
        pytest.param(lambda: a_to_r(stream=True), {"stream": True}, "", id="2.1.8 stream"),
        pytest.param(lambda: c_to_a(stream=False), {"stream": ABSENT}, "", id="2.1.8 no stream"),
        pytest.param(
            lambda: r_to_c(stream=True), {"stream_options": {"include_usage": True}}, "", id="2.1.9 usage is asked for"
        ),
        pytest.param(lambda: r_to_c(), {"stream_options": ABSENT}, "", id="2.1.9 in streams alone"),
        pytest.param(lambda: c_to_r(n=1), {"n": ABSENT}, "", id="2.1.10 one answer"),
        pytest.param(
            lambda: a_to_c(tools=[], tool_choice={"type": "any", "disable_parallel_tool_use": True}),
            {"tools": ABSENT, "tool_choice": ABSENT, "parallel_tool_calls": ABSENT},
            "",
            id="2.1.11 no tools",
        ),
        pytest.param(lambda: c_to_a(functions=[{"name": "f"}]), {"tools.0.name": "f"}, "", id="2.1.11 legacy"),
        pytest.param(
            lambda: a_to_c(tools=[a_tool()], tool_choice={"type": "any"}),
            {"tool_choice": "required"},
            "",
            id="2.1.12 choice",
        ),
        pytest.param(
            lambda: c_to_a(functions=[{"name": "f"}], function_call={"name": "f"}),
            {"tool_choice": {"type": "tool", "name": "f"}},
            "",
            id="2.1.12 function_call",
        ),
        pytest.param(
            lambda: c_to_r(tools=[c_tool()], parallel_tool_calls=False), {"parallel_tool_calls": False}, "", id="2.1.13"
        ),
        pytest.param(
            lambda: a_to_c(
                tools=[a_tool()],
                output_format={"type": "json_schema", "schema": SCHEMA},
                output_config={"format": {"type": "json_schema", "schema": {}}},
            ),
            {"response_format.json_schema.schema": SCHEMA},
            "",
            id="2.1.14 the older field wins",
        ),
        pytest.param(lambda: c_to_r(reasoning_effort="low"), {"reasoning": {"effort": "low"}}, "", id="2.1.15 effort"),
        pytest.param(
            lambda: c_to_r(verbosity="low"), {"text": {"verbosity": "low"}}, "", id="2.1.16 chat to responses"
        ),
        pytest.param(
            lambda: r_to_c(OPENAI, GPT, text={"verbosity": "low"}), {"verbosity": "low"}, "", id="2.1.16 and back"
        ),
        pytest.param(
            lambda: r_to_c(text={"verbosity": "low"}), {"verbosity": ABSENT}, "verbosity", id="2.1.16 locally"
        ),
        pytest.param(lambda: r_to_a(text={"verbosity": "low"}), {"text": ABSENT}, "verbosity", id="2.1.16 messages"),
        pytest.param(lambda: c_to_a(user="u"), {"metadata": {"user_id": "u"}}, "", id="2.1.17 user"),
        pytest.param(lambda: a_to_c(metadata={"user_id": "u" * 99}), {"user": "u" * 99}, "", id="2.1.17 locally"),
        pytest.param(lambda: c_to_r(user="u"), {"safety_identifier": "u"}, "", id="2.1.17 at OpenAI"),
        pytest.param(lambda: c_to_r(metadata={"a": "b"}), {"metadata": {"a": "b"}}, "", id="2.1.18 metadata"),
        pytest.param(lambda: c_to_a(metadata={"a": "b"}), {"metadata": ABSENT}, "", id="2.1.18 messages"),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, metadata={"user_id": "u", "x": "y"}),
            {"metadata": ABSENT},
            "",
            id="2.1.18 a's own",
        ),
        *(
            pytest.param(
                lambda build=build, name=name, value=value: build(**{name: value}),
                {name: ABSENT},
                name,
                id=f"{row} {name}",
            )
            for row, build in (("2.1.19", c_to_a), ("2.1.19", c_to_r))
            for name, value in {
                "seed": 1,
                "logit_bias": {"1": 1},
                "presence_penalty": 1,
                "frequency_penalty": 1,
            }.items()
        ),
        pytest.param(lambda: r_to_c(seed=1), {"seed": 1}, "", id="2.1.19 local servers take them"),
        pytest.param(
            lambda: c_to_a(logprobs=True, top_logprobs=2), {"logprobs": ABSENT}, "logprobs", id="2.1.20 messages"
        ),
        pytest.param(
            lambda: c_to_a(kind=VLLM, model="m", logprobs=True), {"logprobs": ABSENT}, "logprobs", id="2.1.20 locally"
        ),
        pytest.param(
            lambda: c_to_r(logprobs=True, top_logprobs=2), {"include": LOGPROBS, "top_logprobs": 2}, "", id="2.1.20"
        ),
        pytest.param(
            lambda: c_to_r(model=O3, logprobs=True),
            {"include": ["reasoning.encrypted_content"]},
            "logprobs",
            id="2.1.20 models that think",
        ),
        pytest.param(
            lambda: r_to_c(include=LOGPROBS, top_logprobs=2),
            {"logprobs": True, "top_logprobs": 2},
            "",
            id="2.1.20 back",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, service_tier="standard_only"), {"service_tier": "default"}, "", id="2.1.21 tier"
        ),
        pytest.param(
            lambda: c_to_a(service_tier="default"), {"service_tier": "standard_only"}, "", id="2.1.21 and back"
        ),
        pytest.param(lambda: c_to_a(service_tier="flex"), {"service_tier": ABSENT}, "", id="2.1.21 others"),
        pytest.param(lambda: a_to_c(service_tier="auto"), {"service_tier": ABSENT}, "", id="2.1.21 locally"),
        pytest.param(lambda: c_to_r(prompt_cache_key="k"), {"prompt_cache_key": "k"}, "", id="2.1.22 responses"),
        pytest.param(
            lambda: c_to_a(prompt_cache_key="k", store=True, moderation={}),
            {"prompt_cache_key": ABSENT, "store": ABSENT, "moderation": ABSENT},
            "",
            id="2.1.22 messages",
        ),
        pytest.param(lambda: r_to_c(prompt_cache_key="k"), {"prompt_cache_key": ABSENT}, "", id="2.1.22 locally"),
        pytest.param(lambda: c_to_a(modalities=["text"]), {"modalities": ABSENT}, "", id="2.1.23 text alone"),
        pytest.param(
            lambda: c_to_a(web_search_options=SEARCH),
            {"tools.0.name": "web_search", "tools.0.user_location": {"type": "approximate", "city": "Rom"}},
            "",
            id="2.1.24 messages",
        ),
        pytest.param(
            lambda: c_to_r(web_search_options=SEARCH),
            {
                "tools.0": {
                    "type": "web_search",
                    "user_location": {"type": "approximate", "city": "Rom"},
                    "search_context_size": "low",
                }
            },
            "",
            id="2.1.24 responses",
        ),
        pytest.param(
            lambda: a_to_c(
                **CACHED,
                system=[{**text("s"), **CACHED}],
                tools=[a_tool(**CACHED)],
                messages=[user([{**text("hi"), **CACHED}])],
            ),
            {
                "cache_control": ABSENT,
                "messages": [{"role": "system", "content": "s"}, user("hi")],
                "tools": [c_tool()],
            },
            "",
            id="2.1.25 cache_control",
        ),
        *(
            pytest.param(lambda name=name: a_to_c(**{name: {}}), {name: ABSENT}, name, id=f"2.1.26 {name}")
            for name in ("container", "mcp_servers", "speed", "fallbacks", "billing_policy")
        ),
        *(
            pytest.param(lambda name=name: a_to_c(**{name: "x"}), {name: ABSENT}, "", id=f"2.1.26 {name}")
            for name in ("diagnostics", "inference_geo")
        ),
        pytest.param(
            lambda: r_to_c(max_tool_calls=1), {"max_tool_calls": ABSENT}, "max_tool_calls", id="2.1.26 responses' own"
        ),
        pytest.param(lambda: r_to_c(truncation="auto"), {"truncation": ABSENT}, "truncation", id="2.1.26 truncation"),
        pytest.param(
            lambda: a_to_c(context_management={"edits": [{"type": "clear_tool_uses_20250919"}]}),
            {"context_management": ABSENT},
            "clear_tool_uses_20250919",
            id="2.1.26 edits that only Anthropic makes",
        ),
        pytest.param(
            lambda: a_to_c(context_management=COMPACT),
            {"context_management": ABSENT},
            "context_management",
            id="2.1.26 chat cannot compact",
        ),
        pytest.param(
            lambda: a_to_r(context_management=COMPACT),
            {"context_management": [{"type": "compaction", "compact_threshold": 60000}]},
            "",
            id="2.1.26 compaction at responses",
        ),
        pytest.param(
            lambda: a_to_r(VLLM, context_management=COMPACT),
            {"context_management": ABSENT},
            "context_management",
            id="2.1.26 at a local server of responses",
        ),
        pytest.param(
            lambda: r_to_a(context_management=[{"type": "compaction", "compact_threshold": 60000}]),
            {"context_management": COMPACT},
            "",
            id="2.1.26 compaction at Anthropic's",
        ),
        pytest.param(
            lambda: r_to_a(context_management=[{"type": "compaction", "compact_threshold": 1000}]),
            {"context_management.edits.0.trigger.value": 50000},
            "",
            id="2.1.26 Anthropic compacts no short conversation",
        ),
        pytest.param(
            lambda: r_to_a("m", VLLM, context_management=[{"type": "compaction"}]),
            {"context_management": ABSENT},
            "context_management",
            id="2.1.26 at a local server of messages",
        ),
        pytest.param(
            lambda: r_to_c(previous_response_id=None, conversation=None, background=False),
            {"previous_response_id": ABSENT, "conversation": ABSENT, "background": ABSENT},
            "",
            id="2.1.27 nothing is kept",
        ),
        pytest.param(
            lambda: r_to_c(include=["reasoning.encrypted_content"]), {"include": ABSENT}, "", id="2.1.29 at others"
        ),
        pytest.param(
            lambda: a_to_r(model=O3), {"include": ["reasoning.encrypted_content"]}, "", id="2.1.29 at responses"
        ),
    ],
)
def test_a_field_is_converted(build, expected, warned):
    holds(build(), expected, warned)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        pytest.param(lambda: c_to_a(n=2), "n must be 1", id="2.1.10 several answers"),
        pytest.param(lambda: c_to_r(n=2), "n must be 1", id="2.1.10 at responses"),
        pytest.param(lambda: c_to_a(modalities=["text", "audio"]), "audio", id="2.1.23 spoken answers"),
        pytest.param(lambda: c_to_a(audio={"voice": "x"}), "audio", id="2.1.23 a voice"),
        *(
            pytest.param(lambda name=name: r_to_c(**{name: "x"}), name, id=f"2.1.27 {name}")
            for name in ("previous_response_id", "conversation", "prompt", "background")
        ),
        pytest.param(
            lambda: r_to_c(input=[{"type": "item_reference", "id": "x"}]), "item_reference", id="2.1.27 a reference"
        ),
    ],
)
def test_a_field_that_cannot_be_left_out_is_refused(build, said):
    with pytest.raises(BadRequest, match=said):
        build()


def test_2_1_1_answers_have_the_name_that_was_asked_for():
    answers = {
        MESSAGES: {"type": "message", "model": "real", "content": [text("a")], "stop_reason": "end_turn"},
        CHAT: {"model": "real", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]},
        RESPONSES: {"object": "response", "model": "real", "status": "completed", "output": []},
    }
    for upstream, answer in answers.items():
        for client in (MESSAGES, CHAT, COMPLETIONS, RESPONSES):
            assert whole(answer, client, upstream)["model"] == "asked"
    assert converted({"input": "hi"}, RESPONSES, CHAT, model="served").body["model"] == "served"


def test_2_1_10_of_several_answers_the_first_counts():
    choices = [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a", "tool_calls": []}}]
    answer = {"choices": [{**choice, "finish_reason": "stop"} for choice in choices]}
    assert whole(answer, MESSAGES, CHAT)["content"] == [text("a")]


def test_2_1_26_compaction_needs_its_beta():
    conversion = r_to_a(context_management=[{"type": "compaction"}])
    assert conversion.betas == ("compact-2026-01-12",)
    assert r_to_a().betas == ()


def test_2_1_28_nothing_is_stored():
    answer = {"choices": [{"message": {"tool_calls": [call("c")]}, "finish_reason": "stop"}]}
    assert whole(answer, RESPONSES, CHAT)["store"] is False
    assert r_to_c(store=True).body.get("store") is None
    assert c_to_r().body["store"] is False
