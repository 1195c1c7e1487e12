import pytest

from routing.admission.limits import Pauses, ThrottleRule, ThrottleTable
from routing.admission.throttle import PauseState, Throttle
from routing.matching import MOST_KNOWN

LONG_AGO = float("-inf")


def rule(start=None, end=None, pattern=""):
    return ThrottleRule(pattern=pattern, start_pause_seconds=start, end_pause_seconds=end)


def throttle(*rules):
    return Throttle(ThrottleTable(rules=rules))


def pauses(model, *rules):
    return ThrottleTable(rules=rules).of(model)


def test_without_rules_nothing_pauses():
    free = Throttle()
    free.sent("glm", 10)
    free.ended("glm", 11)
    assert free.due("glm") == LONG_AGO
    assert not free.paces("glm")


def test_the_next_send_waits_for_the_start_pause():
    paced = throttle(rule(start=5))
    paced.sent("glm", 10)
    assert paced.due("glm") == 15


def test_the_next_send_waits_for_the_end_pause():
    paced = throttle(rule(end=5))
    paced.sent("glm", 10)
    assert paced.due("glm") == LONG_AGO
    paced.ended("glm", 20)
    assert paced.due("glm") == 25


def test_the_later_of_both_pauses_counts():
    paced = throttle(rule(start=30, end=5))
    paced.sent("glm", 10)
    paced.ended("glm", 20)
    assert paced.due("glm") == 40
    paced.ended("glm", 38)
    assert paced.due("glm") == 43


def test_a_model_does_not_wait_for_another_even_when_the_pause_is_global():
    paced = throttle(rule(start=5))
    paced.sent("glm", 10)
    assert paced.due("qwen") == LONG_AGO


def test_case_does_not_matter():
    paced = throttle(rule(start=5, pattern="GLM-*"))
    paced.sent("glm-5", 10)
    assert paced.due("Glm-5") == 15


@pytest.mark.parametrize(
    ("own", "result"),
    [
        (rule(pattern="glm"), Pauses(2, 3)),
        (rule(start=7, pattern="glm"), Pauses(7, 3)),
        (rule(start=0, end=0, pattern="glm"), Pauses(0, 0)),
        (rule(end=9, pattern="glm"), Pauses(2, 9)),
    ],
)
def test_a_blank_value_inherits_and_zero_switches_off(own, result):
    assert pauses("glm", own, rule(start=2, end=3)) == result


def test_a_blank_value_without_a_global_rule_is_no_pause():
    assert pauses("glm", rule(start=1, pattern="glm")) == Pauses(1, 0)
    assert not pauses("qwen", rule(start=1, pattern="glm"))


def test_an_exact_name_beats_a_pattern():
    assert pauses("glm", rule(start=1, pattern="*"), rule(start=2, pattern="glm")) == Pauses(2, 0)


def test_changed_rules_hold_for_a_pause_that_runs_already():
    paced = throttle(rule(start=60))
    paced.sent("glm", 10)
    paced.rules = ThrottleTable(rules=(rule(start=5),))
    assert paced.due("glm") == 15


def test_it_tells_which_pauses_run_and_how_long_yet():
    paced = throttle(rule(start=10))
    for model, now in (("a", 0), ("B", 5), ("c", -7)):
        paced.sent(model, now)
    assert paced.pauses(6) == (PauseState("B", 9), PauseState("a", 4))


def test_names_of_many_models_do_not_fill_the_memory():
    paced = throttle(rule(start=1))
    for number in range(5000):
        paced.sent(f"model-{number}", number)
    assert len(paced._times) <= 1024
    assert paced.due("model-4999") == 5000


def test_what_is_asked_often_is_remembered_but_not_without_end():
    table = ThrottleTable(rules=(rule(start=1),))
    for number in range(5000):
        table.of(f"model-{number}")
    assert table.of.cache_info().currsize == MOST_KNOWN
