import pytest

from proxysite.gateway.again import RETRY, Again, CannotContinue
from routing.dialects import Dialect
from routing.dialects.capabilities import of_upstream
from routing.kinds import Kind
from routing.snapshot import Target
from sampling.merge import ABSENT
from tests.snapshots import an_upstream
from validation.snapshot import Rung

VLLM = Target(upstream=an_upstream("vllm", kind=Kind.VLLM))
OTHER = Target(upstream=an_upstream("other"))
BODY = {"messages": [{"role": "user", "content": "Hello"}], "temperature": 0.2}


def changed(*ladder, target=VLLM, body=BODY, dialect=Dialect.CHAT, number=1, **more):
    again = Again(number=number, target=VLLM, ladder=ladder, seed=7, **more)
    return again.changed(body, target, of_upstream(target.upstream, "qwen3", dialect), dialect)


def test_the_next_rung_is_a_change_with_its_origin():
    found = changed(Rung.SAME, Rung.TEMPERATURE, number=2)
    assert (found.rung, found.body) == (Rung.TEMPERATURE, {**BODY, "temperature": 0.7})
    (change,) = found.changes
    assert (change.name, change.before, change.after) == ("temperature", 0.2, 0.7)
    assert change.origin == f"{RETRY}: temperature"


def test_a_parameter_that_was_not_there_says_so():
    (change,) = changed(Rung.PENALTY).changes
    assert change.before is ABSENT


def test_a_body_that_nothing_changes_is_the_very_same():
    assert changed(Rung.SAME).body is BODY
    assert changed(Rung.NEXT_TARGET, others=True).rung is Rung.NEXT_TARGET


def test_another_target_is_a_change_in_itself():
    found = changed(Rung.PENALTY, target=OTHER)
    assert (found.rung, found.body, found.changes) == (None, BODY, ())


def test_parameters_of_generate_are_found_where_they_stand():
    body = {"text": "Hello", "sampling_params": {"temperature": 0.2}}
    found = changed(Rung.TEMPERATURE, body=body, dialect=Dialect.GENERATE)
    assert found.body["sampling_params"] == {"temperature": 0.7}
    assert found.changes[0].before == 0.2


def test_an_answer_goes_on_from_what_was_said_with_the_change():
    found = changed(Rung.PENALTY, said="Good. ")
    assert found.body["messages"][-1] == {"role": "assistant", "content": "Good."}
    assert found.body["repetition_penalty"] == 1.1


def test_an_upstream_that_would_not_go_on_cannot_take_it():
    with pytest.raises(CannotContinue, match="other"):
        changed(Rung.PENALTY, target=OTHER, said="Good. ")
