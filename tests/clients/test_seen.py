"""Requests as coding agents sent them are ones that a strict server takes, after every conversion.

`seen/` holds the last request of a session each, with other ids and without the agents' own texts.  No agent is needed
here, so these tests run with all others.
"""

from pathlib import Path

import orjson
import pytest

from routing.dialects import Dialect
from routing.dialects.capabilities import capabilities
from routing.dialects.conversion import convert_request
from routing.kinds import Kind
from tests.clients.wire import WIRES

SEEN = {
    "claude_code": Dialect.MESSAGES,
    "codex_functions": Dialect.RESPONSES,
    "codex_free_form": Dialect.RESPONSES,
    "codex_groups": Dialect.RESPONSES,
}
LOCAL = (Kind.LLAMACPP, Kind.VLLM, Kind.SGLANG, Kind.LMSTUDIO, Kind.OLLAMA, Kind.OTHER)
UPSTREAMS = (
    *((kind, Dialect.CHAT, "a-model") for kind in LOCAL),
    *((Kind.ANTHROPIC, Dialect.MESSAGES, model) for model in ("claude-sonnet-4-5", "claude-opus-4-8")),
    *((kind, Dialect.RESPONSES, "a-model") for kind in (Kind.OPENAI, Kind.VLLM)),
)


def body_of(name):
    return orjson.loads((Path(__file__).parent / "seen" / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", SEEN)
def test_what_was_seen_is_right_as_it_is(name):
    assert WIRES[SEEN[name]].heard(body_of(name)).faults == []


@pytest.mark.parametrize(("kind", "upstream", "model"), UPSTREAMS, ids=str)
@pytest.mark.parametrize("name", SEEN)
def test_what_was_seen_is_right_when_it_is_converted(name, kind, upstream, model):
    body, client = body_of(name), SEEN[name]
    conversion = convert_request(body, client, upstream, capabilities(kind, model, upstream))
    before, after = WIRES[client].heard(body), WIRES[upstream].heard(conversion.body)
    assert after.faults == []
    assert after.asked == before.asked
    assert list(after.results) == list(after.called) == list(before.results)
    assert [result.text.strip() for result in after.results.values()] == [
        result.text.strip() for result in before.results.values()
    ]
