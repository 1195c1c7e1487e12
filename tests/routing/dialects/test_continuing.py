import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects import Dialect, tokens
from routing.dialects.capabilities import capabilities
from routing.dialects.continuing import SHORTEST_OVERLAP, Continuation, beginning, continued
from routing.dialects.events import (
    End,
    Finish,
    FinishReason,
    Reasoning,
    ReasoningEnd,
    Redacted,
    Start,
    Text,
    ToolStart,
    Usage,
    UsageSeen,
)
from routing.kinds import Kind
from tests.routing.dialects.support import OPUS_48, SONNET_45, assistant, user

SAID = "The keeper wrote to the harbour. "
TRIMMED = SAID.rstrip()
HI = [user("hi")]


def asked(body, dialect=Dialect.CHAT, kind=Kind.VLLM, model="qwen3"):
    return continued(body, dialect, capabilities(kind, model, dialect), SAID)


class TestTheRequest:
    @pytest.mark.parametrize("kind", [Kind.VLLM, Kind.SGLANG])
    def test_says_so_where_a_server_must_be_told(self, kind):
        body = {"messages": HI, "temperature": 0.5}
        assert asked(body, kind=kind, model="llama") == {
            "messages": [*HI, assistant(TRIMMED)],
            "temperature": 0.5,
            "continue_final_message": True,
            "add_generation_prompt": False,
        }
        assert body == {"messages": HI, "temperature": 0.5}

    def test_only_ends_with_the_text_where_a_server_goes_on_by_itself(self):
        assert asked({"messages": HI}, kind=Kind.LLAMACPP, model="llama") == {"messages": [*HI, assistant(TRIMMED)]}

    def test_switches_thinking_off_because_that_is_done(self):
        found = asked({"messages": HI, "chat_template_kwargs": {"a": 1}})
        assert found["chat_template_kwargs"] == {"a": 1, "enable_thinking": False}
        assert asked({"messages": HI, "chat_template_kwargs": 7})["chat_template_kwargs"] == {"enable_thinking": False}
        thinks = {"messages": HI, "thinking": {"type": "enabled", "budget_tokens": 2000}}
        found = asked(thinks, Dialect.MESSAGES, Kind.ANTHROPIC, SONNET_45)
        assert found == {"messages": [*HI, assistant(TRIMMED)], "thinking": {"type": "disabled"}}

    def test_of_generate_is_a_longer_prompt(self):
        found = asked({"text": "Once. ", "sampling_params": {"max_new_tokens": 50}}, Dialect.GENERATE)
        spent = tokens.of_text(TRIMMED)
        assert found == {"text": f"Once. {TRIMMED}", "sampling_params": {"max_new_tokens": 50 - spent}}

    def test_of_generate_may_have_no_parameters(self):
        assert asked({"text": "Once. "}, Dialect.GENERATE) == {"text": f"Once. {TRIMMED}", "sampling_params": {}}

    @pytest.mark.parametrize("prompt", ["Once. ", ["Once. "]])
    def test_of_completions_is_a_longer_prompt_which_is_not_repeated(self, prompt):
        body = {"prompt": prompt, "max_tokens": 50, "suffix": "The end."}
        found = asked(body, Dialect.COMPLETIONS)
        longer = {"prompt": f"Once. {TRIMMED}", "max_tokens": 50 - tokens.of_text(TRIMMED)}
        assert found == {**body, **longer}
        assert asked({**body, "echo": True}, Dialect.COMPLETIONS) == {**body, **longer, "echo": False}

    @pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
    def test_asks_for_less_by_what_was_said(self, field):
        assert asked({"messages": HI, field: 50})[field] == 50 - tokens.of_text(TRIMMED)
        assert asked({"messages": HI, field: 2})[field] == 1
        assert asked({"messages": HI, field: None})[field] is None

    def test_goes_on_from_what_the_client_has_begun_itself(self):
        begun = [*HI, assistant("Well: ")]
        assert asked({"messages": begun})["messages"] == [*HI, assistant("Well: " + TRIMMED)]
        begun = [*HI, assistant([{"type": "text", "text": "Well: "}])]
        parts = [{"type": "text", "text": "Well: "}, {"type": "text", "text": TRIMMED}]
        assert asked({"messages": begun})["messages"] == [*HI, assistant(parts)]

    @pytest.mark.parametrize(
        ("body", "dialect", "kind", "model"),
        [
            ({"messages": HI}, Dialect.CHAT, Kind.OPENAI, "gpt-4o"),
            ({"messages": HI}, Dialect.CHAT, Kind.OTHER, ""),
            ({"messages": HI}, Dialect.CHAT, Kind.OLLAMA, ""),
            ({"messages": HI}, Dialect.CHAT, Kind.ZAI, "glm-5"),
            ({"messages": HI}, Dialect.MESSAGES, Kind.VLLM, ""),
            ({"messages": HI}, Dialect.MESSAGES, Kind.ANTHROPIC, OPUS_48),
            ({"input": "hi"}, Dialect.RESPONSES, Kind.VLLM, ""),
            ({"messages": []}, Dialect.CHAT, Kind.VLLM, ""),
            ({"messages": "hi"}, Dialect.CHAT, Kind.VLLM, ""),
            ({"messages": [assistant(None)]}, Dialect.CHAT, Kind.VLLM, ""),
            ({"messages": [assistant("a", tool_calls=[{}])]}, Dialect.CHAT, Kind.VLLM, ""),
            ({"messages": HI, "response_format": {"type": "json_object"}}, Dialect.CHAT, Kind.VLLM, ""),
            ({"messages": HI, "guided_json": {}, "grammar": "root ::= x"}, Dialect.CHAT, Kind.LLAMACPP, ""),
            ({"messages": HI, "output_config": {"format": {}, "effort": "low"}}, Dialect.MESSAGES, Kind.OPENAI, ""),
            (
                {"messages": HI, "output_config": {"format": {"type": "json_schema"}}},
                Dialect.MESSAGES,
                Kind.ANTHROPIC,
                SONNET_45,
            ),
            ({"prompt": [1, 2]}, Dialect.COMPLETIONS, Kind.VLLM, ""),
            ({"prompt": "a", "guided_regex": "x"}, Dialect.COMPLETIONS, Kind.VLLM, ""),
            ({"text": ["a", "b"], "sampling_params": {}}, Dialect.GENERATE, Kind.SGLANG, ""),
            ({"text": "a", "sampling_params": [{}]}, Dialect.GENERATE, Kind.SGLANG, ""),
        ],
    )
    def test_is_not_made_where_nobody_would_go_on(self, body, dialect, kind, model):
        assert asked(body, dialect, kind, model) is None

    def test_may_have_a_form_of_plain_text(self):
        assert asked({"messages": HI, "response_format": {"type": "text"}})
        assert asked({"messages": HI, "output_config": {"effort": "low"}}, Dialect.MESSAGES, Kind.LLAMACPP)


SEEN = "Once upon a time there was a keeper. He lived by the sea, alone. He wrote to the harbour every day. "


def parts(text, size=3):
    return [Text(text[at : at + size]) for at in range(0, len(text), size)]


def through(events, seen=SEEN):
    rest = Continuation(seen)
    return [passed for event in events for passed in rest.feed(event)] + rest.close()


def said(events):
    return "".join(event.text for event in events if type(event) is Text)


STOP = [Finish(FinishReason.STOP), End()]


class TestTheRest:
    @pytest.mark.parametrize("size", [1, 7, 400])
    @pytest.mark.parametrize(
        ("rest", "new"),
        [
            ("And then he slept.", "And then he slept."),
            (" And then he slept.", "And then he slept."),
            ("\nAnd then he slept.", "\nAnd then he slept."),
            (SEEN + "And then he slept.", "And then he slept."),
            (SEEN.rstrip() + " And then he slept.", "And then he slept."),
            ("He wrote to the harbour every day. And then he slept.", "And then he slept."),
            ("He wrote to the harbour every night.", "He wrote to the harbour every night."),
            ("every day.", "every day."),  # too short to be called the same
            (SEEN.rstrip(), ""),
            ("Once upon another time.", "Once upon another time."),
            ("", ""),
        ],
    )
    def test_is_what_is_new(self, rest, new, size):
        assert said(through(parts(rest, size))) == new
        assert said(through([Start(), *parts(rest, size), *STOP])) == new

    def test_goes_on_at_once_when_it_is_new(self):
        rest = Continuation(SEEN)
        assert rest.feed(Text("Zebras")) == [Text("Zebras")]
        assert rest.feed(Text(" sleep.")) == [Text(" sleep.")]

    def test_comes_before_what_follows_it(self):
        call = ToolStart(0, "c", "run")
        assert through([Text("He "), call, *STOP]) == [Text("He "), call, *STOP]

    def test_may_think_first(self):
        assert through([Reasoning("Hm. "), Text("He "), *STOP]) == [Reasoning("Hm. "), Text("He "), *STOP]

    def test_is_text_where_the_server_takes_it_all_for_thoughts(self):
        rest = [Reasoning(" And then "), Reasoning("he slept.")]
        assert through([*rest, *STOP]) == [*rest, Text("And then he slept."), *STOP]
        call = ToolStart(0, "c", "run")
        assert through([*rest, call, *STOP]) == [*rest, call, *STOP]

    @pytest.mark.parametrize("seal", [ReasoningEnd("c2ln"), Redacted("c2ln")], ids=["signature", "redacted"])
    def test_is_what_is_new_behind_thoughts_that_are_sealed(self, seal):
        thought = Reasoning("Hm. ")
        assert through([thought, seal, Text(SEEN + "Then"), *STOP]) == [thought, seal, Text("Then"), *STOP]
        assert through([thought, seal, *STOP]) == [thought, seal, Text("Hm. "), *STOP]
        assert through([Text("every "), seal, *STOP]) == [Text("every "), seal, *STOP]

    def test_is_counted_with_what_was_before_it(self):
        spent = tokens.of_text(SEEN.rstrip())
        told = Usage(prompt=100 + spent, output=7, cache_read=100 + spent, reasoning=0)
        whole = Usage(prompt=100, output=7 + spent, cache_read=100, reasoning=0)
        assert through([UsageSeen(told)]) == [UsageSeen(whole)]
        assert through([Start("id", "m", told)]) == [Start("id", "m", whole)]
        assert through([Start("id", "m")]) == [Start("id", "m")]
        assert through([UsageSeen(Usage(output=7))]) == [UsageSeen(Usage(output=7 + spent))]
        assert through([UsageSeen(Usage(prompt=1, cache_read=None))]) == [UsageSeen(Usage(prompt=0))]
        assert through([UsageSeen(Usage(cache_read=9))]) == [UsageSeen(Usage(cache_read=9))]

    @settings(max_examples=60)
    @given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 9))
    def test_never_loses_more_than_the_client_has(self, rest, size):
        new = said(through(parts(rest, size), "abba ab \n"))
        assert rest.endswith(new)
        lost = rest[: len(rest) - len(new)]
        assert len(lost) <= len("abba ab \n")

    def test_of_a_short_text_may_repeat_it_whole(self):
        assert len("Yes.") < SHORTEST_OVERLAP
        assert said(through(parts("Yes. And no."), "Yes. ")) == "And no."


@pytest.mark.parametrize(
    ("good", "seen", "more", "kept"),
    [
        ("One. Two. Thr", 0, "", "One. Two. "),
        ("One. Two. Thr", 9, "", "One. Two. Thr"),
        ("One. Two.\n\tThr", 6, "", "One. Two.\n\t"),
        ("a line\nhalf a li", 2, "", "a line\n"),
        ("他走了。她来", 0, "", "他走了。"),
        ("He said “go.” Then", 0, "", "He said “go.” "),
        ("version 3.11 of it", 0, "", "version 3.11 of it"),
        ("One. Two", 6, ". Two. Two", "One. Two. "),
        ("One. Two", 6, " and. Two", "One. Two"),
        ("", 0, "", ""),
    ],
)
def test_what_is_good_is_kept_up_to_the_end_of_a_sentence_that_the_client_has_not_passed(good, seen, more, kept):
    assert beginning(good + more, len(good), seen) == (kept, kept[seen:])


def test_a_little_garbage_that_the_client_has_is_gone_on_from():
    good, leaked = "One. Two. ", "Two. Tw"
    seen = len(good + leaked)
    assert beginning(good + leaked + "o. Two. Two. ", len(good), seen) == ("One. Two. Two. Tw", "")


def test_much_garbage_that_the_client_has_is_left_behind():
    good, leaked = "One. Two. Thr", "blah " * 40
    assert beginning(good + leaked, len(good), len(good + leaked)) == ("One. Two. ", "\n\n")
