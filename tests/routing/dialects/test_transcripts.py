"""One answer, as each family of upstreams streams it, to every client: the same whatever the bytes' split."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects import Dialect, names
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import (
    Read,
    check_chat,
    check_completions,
    check_messages,
    check_responses,
)
from tests.routing.dialects.support import (
    CHAT,
    COMPLETIONS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    exchange,
    streamed,
    transcript,
)

CHAT_FAMILIES = (
    "openai",
    "vllm_old",
    "vllm_new",
    "sglang",
    "llamacpp",
    "ollama",
    "lmstudio",
    "zai",
    "kimi",
    "deepseek",
    "openrouter",
)
UPSTREAMS = dict.fromkeys(CHAT_FAMILIES, CHAT) | {
    "anthropic": MESSAGES,
    "anthropic_interleaved": MESSAGES,
    "responses": RESPONSES,
}
CLIENTS = (CHAT, MESSAGES, RESPONSES, COMPLETIONS)
WITHOUT_THINKING = ("openai", "lmstudio")
WITHOUT_USAGE = ("lmstudio", "zai")
COMPARABLE = (*CHAT_FAMILIES, "anthropic", "responses")

every_pair = pytest.mark.parametrize(
    ("name", "client"), [(name, client) for name in UPSTREAMS for client in CLIENTS], ids=str
)


def exchange_of(name: str, client: Dialect):
    return exchange(
        client, UPSTREAMS.get(name, GENERATE), include_usage=True, known_tools=frozenset({"weather", "clock"})
    )


@cache
def answer(name: str, client: Dialect) -> bytes:
    return streamed(transcript(name), exchange_of(name, client))


def read(name: str, client: Dialect) -> Read:
    stream = answer(name, client)
    if client is CHAT:
        return check_chat(stream, include_usage=True)
    if client is COMPLETIONS:
        return check_completions(stream, include_usage=True)
    return check_messages(stream) if client is MESSAGES else check_responses(stream)


@every_pair
def test_any_answer_is_valid_in_any_dialect(name, client):
    assert read(name, client).error is None


@every_pair
def test_8_84_single_bytes_and_odd_pieces_give_the_same_answer(name, client):
    for size in (1, 7):
        assert streamed(transcript(name), exchange_of(name, client), size) == answer(name, client)


@every_pair
@settings(max_examples=20)  # of each of many pairs
@given(data=st.data())
def test_any_split_of_the_bytes_gives_the_same_answer(name, client, data):
    whole = transcript(name)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=12)))
    converter = StreamConverter(exchange_of(name, client))
    ends = [*cuts, len(whole)]
    out = b"".join(converter.feed(whole[start:end]) for start, end in zip([0, *cuts], ends, strict=True))
    assert out + converter.close() == answer(name, client)


@every_pair
def test_8_84_other_line_ends_give_the_same_answer(name, client):
    for ending in (b"\r\n", b"\r"):
        other = transcript(name).replace(b"\n", ending)
        assert streamed(other, exchange_of(name, client), 5) == answer(name, client)
    assert streamed(b"\xef\xbb\xbf" + transcript(name).rstrip(), exchange_of(name, client)) == answer(name, client)


@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("name", COMPARABLE)
def test_every_family_says_the_same(name, client):
    """4.4: thinking, text and two whole calls, whatever the server does with ids, indexes and names."""
    found = read(name, client)
    if name not in WITHOUT_THINKING:
        assert found.texts("thinking") == "Let me look. 🌦"
    assert found.texts("text") == "Ich schaue nach …"
    said = [(called, arguments.replace(" ", "")) for _, called, arguments in found.tools()]
    assert said == [("weather", '{"city":"Zürich"}'), ("clock", '{"zone":"UTC"}')]
    assert found.finish == {CHAT: "tool_calls", MESSAGES: "tool_use", RESPONSES: "completed"}[client]
    assert len({id for id, _, _ in found.tools()}) == 2


@pytest.mark.parametrize("name", [name for name in COMPARABLE if name not in WITHOUT_USAGE])
def test_3_4_every_family_counts_the_same(name):
    usage = read(name, CHAT).usage
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (100, 20, 120)
    anthropic = read(name, MESSAGES).usage
    assert (
        anthropic["input_tokens"] + anthropic["cache_read_input_tokens"] + anthropic["cache_creation_input_tokens"]
        == 100
    )
    assert anthropic["output_tokens"] == 20
    cached = 60 if name in ("openai", "llamacpp", "kimi", "deepseek", "anthropic", "responses") else 0
    assert usage["prompt_tokens_details"]["cached_tokens"] == cached
    assert read(name, RESPONSES).usage["input_tokens_details"]["cached_tokens"] == cached


@pytest.mark.parametrize("name", WITHOUT_USAGE)
def test_8_69_without_usage_numbers_are_estimated(name):
    usage = read(name, MESSAGES).usage
    assert usage["input_tokens"] == 9
    assert usage["output_tokens"] > 0


def test_kimis_own_ids_reach_the_client_in_signs_that_it_takes():
    own = ["functions.weather:0", "functions.clock:1"]
    assert [id for id, _, _ in read("kimi", CHAT).tools()] == own
    assert [id for id, _, _ in read("kimi", MESSAGES).tools()] == [names.plain_id(id) for id in own]


def test_interleaved_thinking_keeps_its_order_and_seals():
    found = read("anthropic_interleaved", MESSAGES)
    assert [kind for kind, _ in found.parts] == ["thinking", "tool", "redacted_thinking", "thinking", "text", "tool"]
    assert b"b25l" in answer("anthropic_interleaved", MESSAGES)
    chat = answer("anthropic_interleaved", CHAT)
    assert all(seal in chat for seal in (b"b25l", b"dHdv", b"hidden"))


def test_what_only_anthropic_has_is_left_out_with_a_warning():
    converter = StreamConverter(exchange_of("anthropic_interleaved", CHAT))
    converter.feed(transcript("anthropic_interleaved"))
    assert any("server_tool_use" in warning for warning in converter.warnings)


def test_7_3_the_cumulative_text_of_generate_becomes_pieces():
    found = read("generate", COMPLETIONS)
    assert found.texts("text") == "Ich schaue nach …"
    assert found.finish == "stop"
    assert found.usage["prompt_tokens_details"]["cached_tokens"] == 60
    assert streamed(transcript("generate"), exchange_of("generate", COMPLETIONS), 1) == answer("generate", COMPLETIONS)
