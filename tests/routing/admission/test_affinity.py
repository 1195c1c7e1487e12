import pytest

from routing.admission.affinity import session_of


def turn(role, text, **more):
    return {"role": role, "content": [{"type": "text", "text": text, **more}]}


START = [turn("system", "Be brief."), turn("user", "Hello")]


@pytest.mark.parametrize("name", ["messages", "input"], ids=["chat and messages", "responses"])
def test_a_conversation_that_goes_on_is_the_same(name):
    later = [*START, turn("assistant", "Hi"), turn("user", "And now?")]
    assert session_of({"model": "m", name: START}) == session_of({"model": "m", name: later})


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n", "messages": START},
        {"model": "m", "messages": [START[0], turn("user", "Goodbye")]},
        {"model": "m", "messages": [turn("system", "Be long."), START[1]]},
        {"model": "m", "messages": START, "system": "x"},
        {"model": "m", "messages": START, "instructions": "x"},
        {"model": "m", "messages": START, "prompt_cache_key": "x"},
    ],
)
def test_another_beginning_is_another_conversation(other):
    assert session_of(other) != session_of({"model": "m", "messages": START})


def test_marks_of_the_prompt_cache_move_without_making_it_another():
    marked = [START[0], turn("user", "Hello", cache_control={"type": "ephemeral"})]
    assert session_of({"messages": marked}) == session_of({"messages": START})


@pytest.mark.parametrize("name", ["prompt_cache_key", "session_id"])
def test_what_the_client_says_of_its_session_counts(name):
    body = {"model": "m", name: "mine"}
    assert session_of({**body, "messages": START}) == session_of({**body, "messages": []})


@pytest.mark.parametrize("name", ["prompt", "text", "input"])
def test_a_plain_prompt_is_known_by_how_it_begins(name):
    long = "word " * 1000
    assert session_of({name: long}) == session_of({name: long + "more"})
    assert session_of({name: long}) != session_of({name: "other"})


@pytest.mark.parametrize(
    "body",
    [{}, {"messages": []}, {"messages": ["text", 5]}, {"messages": 5}, {"prompt": [1, 2]}, {"prompt": 5, "model": 7}],
)
def test_it_takes_whatever_comes(body):
    assert session_of(body) == session_of(dict(body))
