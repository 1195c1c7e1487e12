"""Requests of very many small things: while one is read nobody else is served, so their number has a bound."""

import orjson
import pytest

from proxysite.gateway.asking import MOST_TOOLS, MOST_VALUES, Asked, find_route, parsed
from proxysite.gateway.endpoints import ENDPOINTS
from routing.dialects import Dialect
from routing.errors import BodyTooLarge
from tests.snapshots import bound, routing_of


def route(**fields):
    body = orjson.dumps({"model": "m", "messages": [], **fields})
    asked = Asked(method="POST", path="chat/completions", query=b"", headers=[], body=body, request_id="r")
    return find_route(asked, ENDPOINTS["chat/completions"], Dialect.CHAT, routing_of(bound("*")))


def test_ten_thousand_tools_are_taken_and_one_more_is_not():
    assert route(tools=[{}] * MOST_TOOLS).model == "m"
    with pytest.raises(BodyTooLarge, match="“tools” has 10,001 entries; at most 10,000 are taken"):
        route(tools=[{}] * (MOST_TOOLS + 1))


LARGE = {"image": "A" * 5 * 2**20}


def test_a_million_values_are_taken():
    assert parsed(orjson.dumps({**LARGE, "x": [0] * (MOST_VALUES - 9)}))


@pytest.mark.parametrize("value", [0, [], {}])
def test_more_than_a_million_values_are_not(value):
    with pytest.raises(BodyTooLarge, match="more than 1,000,000 values"):
        parsed(orjson.dumps({**LARGE, "x": [value] * (MOST_VALUES + 2)}))


def test_a_large_text_is_not_taken_for_many_values():
    prose = "Words, and more of them. " * 400_000
    assert parsed(orjson.dumps({"x": prose})) == {"x": prose}
