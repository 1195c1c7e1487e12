import pytest

from proxysite.gateway.endpoints import ENDPOINTS, dialect_of
from routing.dialects import Dialect


def test_every_dialect_has_an_endpoint_that_generates():
    assert {endpoint.speaks for endpoint in ENDPOINTS.values() if endpoint.generates} == set(Dialect)


def test_sampling_rules_apply_only_where_something_is_generated():
    assert {path for path, endpoint in ENDPOINTS.items() if not endpoint.generates} == {
        "embeddings",
        "messages/count_tokens",
        "responses/input_tokens",
    }


def test_what_only_counts_generates_nothing():
    assert not any(endpoint.generates for endpoint in ENDPOINTS.values() if endpoint.counts)


@pytest.mark.parametrize("anthropic", [False, True])
@pytest.mark.parametrize("path", list(ENDPOINTS))
def test_a_known_endpoint_answers_in_its_dialect(path, anthropic):
    assert dialect_of(path, anthropic=anthropic) is ENDPOINTS[path].speaks


@pytest.mark.parametrize("path", ["messages/batches", "messages/batches/b1/results"])
def test_what_lies_below_messages_answers_as_messages(path):
    assert dialect_of(path, anthropic=False) is Dialect.MESSAGES


@pytest.mark.parametrize("path", ["models", "files/1", ""])
def test_anywhere_else_the_clients_version_header_decides(path):
    assert dialect_of(path, anthropic=False) is Dialect.CHAT
    assert dialect_of(path, anthropic=True) is Dialect.MESSAGES
