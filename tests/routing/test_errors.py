import pytest

from routing import errors
from routing.errors import ModelNotBound, ProxyError

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ProxyError)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_says_what_the_client_is_answered(error):
    assert 400 <= error.status <= 599
    assert error.code


@pytest.mark.parametrize("error", ALL)
def test_only_what_an_upstream_did_is_retryable(error):
    assert not error.retryable or error.outcome == "upstream_error"


def test_an_error_carries_its_sentence_and_headers():
    error = ModelNotBound("No binding matches.", headers=(("allow", "POST"),))
    assert (str(error), error.message, error.headers) == (
        "No binding matches.",
        "No binding matches.",
        (("allow", "POST"),),
    )
