import copy
import dataclasses
import pickle

import pytest

from routing.secrets import Secret

KEY = "sk-planted"


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, lambda secret: f"{[secret]}"])
def test_no_text_made_of_a_secret_shows_it(shown):
    assert KEY not in shown(Secret(KEY))


def test_a_secret_shows_itself_only_when_asked():
    assert Secret(KEY).reveal() == KEY


def test_secrets_are_equal_when_their_values_are():
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret("other")
    assert Secret(KEY) != KEY
    assert len({Secret(KEY), Secret(KEY)}) == 1


def test_an_empty_secret_is_false():
    assert Secret(KEY)
    assert not Secret("")


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY))


def test_a_secret_is_copied_as_itself():
    secret = Secret(KEY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_a_snapshot_that_holds_a_secret_can_be_taken_apart():
    @dataclasses.dataclass
    class Holder:
        key: Secret

    assert dataclasses.asdict(Holder(Secret(KEY))) == {"key": Secret(KEY)}
