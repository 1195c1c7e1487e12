"""Ids of calls on their way to a Messages client and back."""

import re

import orjson

from routing.dialects.conversion import convert_response
from routing.dialects.streaming import StreamConverter
from tests.routing.dialects.checkers import check_messages
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    a_to_c,
    assistant,
    exchange,
    frames_of,
    tool_result,
    tool_use,
    user,
)


class TestAnIdWithSignsThatMessagesClientsRefuse:
    """Anthropic's SDKs take letters, digits, _ and - alone; Kimi's model wants its own ids back."""

    KIMI = "functions.read_file:3"

    def plain(self, id, name="read_file"):
        made = {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
        body = {"choices": [{"message": {"content": None, "tool_calls": [made]}, "finish_reason": "tool_calls"}]}
        whole = convert_response(orjson.dumps(body), exchange(MESSAGES, CHAT)).body
        streamed = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **made}]}, "finish_reason": None}]}
        stream = StreamConverter(exchange(MESSAGES, CHAT))
        last = {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}
        ((of_stream, _, _),) = check_messages(stream.feed(frames_of(streamed, last)) + stream.close()).tools()
        assert whole["content"][0]["id"] == of_stream
        return of_stream

    def sent_back(self, id, name="read_file"):
        turns = [assistant([tool_use(id, name)]), {"role": "user", "content": [tool_result(id, "ok")]}]
        called, result = a_to_c(messages=[user("hi"), *turns]).body["messages"][1:3]
        assert called["tool_calls"][0]["id"] == result["tool_call_id"]
        return result["tool_call_id"]

    def test_is_made_plain(self):
        assert re.fullmatch("[a-zA-Z0-9_-]+", self.plain(self.KIMI))
        assert self.plain("toolu_1") == "toolu_1"

    def test_comes_to_its_model_as_it_was(self):
        assert self.sent_back(self.plain(self.KIMI)) == self.KIMI

    def test_stays_as_the_client_sent_it_where_nobody_knows_what_it_was(self):
        for id in ("functions_read_file_3_01234567", self.plain("functions.other:3"), "toolu_1"):
            assert self.sent_back(id) == id
