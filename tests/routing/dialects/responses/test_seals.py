"""Reasoning of other makers survives the way through a Responses client: section 2.7 of the reference."""

import pytest

from routing.dialects import Dialect
from routing.dialects.events import End, Finish, FinishReason, ReasoningEnd, Redacted, Start, Text
from routing.dialects.events import Reasoning as ReasoningSaid
from routing.dialects.request import Reasoning
from tests.routing.dialects.responses.checking import check
from tests.routing.dialects.responses.making import read, streamed, to_messages, whole

STOP = [Finish(FinishReason.STOP), End()]


@pytest.mark.parametrize(
    ("said", "returned"),
    [
        ([ReasoningSaid("hm"), ReasoningEnd("sig")], Reasoning("hm", "sig")),
        ([ReasoningEnd("sig")], Reasoning("", "sig")),
        ([Redacted("xyz")], Reasoning(redacted="xyz")),
        ([ReasoningEnd(encrypted="opaque", id="rs_9")], Reasoning(encrypted="opaque", id="rs_9")),
        ([ReasoningEnd(encrypted="opaque")], Reasoning(encrypted="opaque", id="rs_r1_0")),
        ([ReasoningSaid("hm")], Reasoning("hm", id="rs_r1_0")),
    ],
)
def test_what_the_client_sends_back_is_what_the_upstream_said(said, returned):
    items = whole([Start(), *said, Text("a"), *STOP])["output"]
    assert read(*items).turns[0].parts[0] == returned


def test_an_upstream_of_the_same_dialect_gets_its_seal_untouched():
    new = [Start(), ReasoningSaid("hm"), ReasoningEnd(encrypted="opaque", id="rs_9"), Text("a"), *STOP]
    (item, _) = whole(new, upstream=Dialect.RESPONSES)["output"]
    assert item["encrypted_content"] == "opaque"
    assert check(streamed(new, upstream=Dialect.RESPONSES)).items[0] == item


def test_anthropic_gets_its_own_thinking_back():
    items = whole([Start(), ReasoningSaid("hm"), ReasoningEnd("sig"), Redacted("xyz"), Text("a"), *STOP])["output"]
    sent = to_messages(input=[{"role": "user", "content": "hi"}, *items, {"role": "user", "content": "go"}])
    assert sent["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "a"},
    ]
