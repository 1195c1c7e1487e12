import copy
import dataclasses
import pickle

import pytest

from routing.secrets import LEAST, PLACEHOLDERS, Secret, short_key

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


@pytest.mark.parametrize("key", ["a", "ab", "1234", "x" * (LEAST - 1)])
def test_a_short_key_is_not_masked_and_a_person_is_told(key):
    assert not Secret(key).is_masked
    assert "fewer than 8 characters" in short_key(Secret(key))


@pytest.mark.parametrize("key", sorted(PLACEHOLDERS | {"EMPTY", "None", "LM-Studio"}))
def test_a_placeholder_is_no_secret_however_long_it_is(key):
    assert not Secret(key).is_masked
    assert short_key(Secret(key)) == ""


@pytest.mark.parametrize("key", ["x" * LEAST, "sk-planted"])
def test_any_other_key_is_masked(key):
    assert Secret(key).is_masked
    assert short_key(Secret(key)) == ""


@pytest.mark.parametrize("key", [None, Secret("")])
def test_no_key_is_not_too_short(key):
    assert short_key(key) == ""
