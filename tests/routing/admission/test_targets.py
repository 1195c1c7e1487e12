from collections import Counter
from dataclasses import replace

import pytest

from routing.admission.targets import COOLDOWN, FAILURES, LOADING, LONGEST_COOLDOWN, Health, Targets, TargetState
from routing.kinds import Kind
from routing.snapshot import Binding, Target, Upstream


def target(name, *, priority=0, weight=1, model=""):
    upstream = Upstream(name=name, base_url=f"http://{name}", kind=Kind.OTHER, dialects=frozenset())
    return Target(upstream=upstream, model=model, priority=priority, weight=weight)


def binding(*targets):
    return Binding(pattern="*", targets=targets)


A, B, C = target("a"), target("b"), target("c")
LATER = target("later", priority=1)


def of(targets):
    return targets.asked_for("")


def fail(targets, which, *, times=FAILURES, now=0.0, **more):
    for number in range(times):
        of(targets).failed(which, f"request {number}", now, **more)


def shares(among, *, targets=None, now=0.0, **more):
    """How often each is chosen in a thousand draws spread evenly."""
    targets = targets or Targets()
    return Counter(of(targets).choose(among, now, n / 1000, **more).upstream.name for n in range(1000))


def chosen(targets, among, now=0.0, draw=0.0, **more):
    found = of(targets).choose(among, now, draw, **more)
    return found and found.upstream.name


def test_the_best_priority_is_chosen_in_whatever_order_the_targets_stand():
    assert shares(binding(LATER, A)) == {"a": 1000}


def test_equals_share_by_weight():
    assert shares(binding(target("a", weight=3), target("b", weight=1))) == {"a": 750, "b": 250}


def test_the_last_one_takes_what_rounding_leaves():
    assert chosen(Targets(), binding(A, B), draw=1.0) == "b"


def test_the_least_busy_of_equals_is_chosen():
    assert shares(binding(A, B), busy={"a": 2, "b": 1}.__getitem__) == {"b": 1000}


def test_a_heavier_target_may_be_busier():
    among = binding(target("a", weight=3), B)
    assert shares(among, busy={"a": 2, "b": 1}.__getitem__) == {"a": 1000}
    assert set(shares(among, busy={"a": 3, "b": 1}.__getitem__)) == {"a", "b"}


def test_what_was_tried_is_not_tried_again():
    targets, among = Targets(), binding(A, LATER)
    assert chosen(targets, among, tried=[A]) == "later"
    assert chosen(targets, among, tried=[A, LATER]) is None


def test_a_target_that_fails_again_and_again_cools_down():
    targets = Targets()
    fail(targets, A, times=FAILURES - 1)
    assert chosen(targets, binding(A, LATER)) == "a"
    fail(targets, A, times=1)
    assert targets.health("A", 0.0) is Health.COOLING
    assert chosen(targets, binding(A, LATER)) == "later"


def test_a_success_in_between_starts_the_count_anew():
    targets = Targets()
    fail(targets, A, times=FAILURES - 1)
    of(targets).succeeded(A)
    fail(targets, A, times=FAILURES - 1)
    assert targets.health("a", 0.0) is Health.WELL


def break_off(targets, target, now=0.0, times=1):
    for _ in range(times):
        of(targets).answers(target)
        of(targets).broke_off(target, object(), now)


def test_a_target_that_begins_and_breaks_off_again_and_again_cools_down():
    targets = Targets()
    break_off(targets, A, times=FAILURES - 1)
    assert targets.health("a", 0.0) is Health.WELL
    break_off(targets, A)
    assert targets.health("a", 0.0) is Health.COOLING
    assert chosen(targets, binding(A, LATER)) == "later"


def test_a_whole_answer_in_between_starts_the_count_of_breaks_anew():
    targets = Targets()
    break_off(targets, A, times=FAILURES - 1)
    of(targets).succeeded(A)
    break_off(targets, A, times=FAILURES - 1)
    assert targets.health("a", 0.0) is Health.WELL


def test_the_first_word_of_a_probe_ends_the_cooldown_and_its_break_begins_a_longer_one():
    targets = Targets()
    break_off(targets, A, times=FAILURES)
    of(targets).begins(A, "probe", COOLDOWN)
    of(targets).answers(A)
    assert targets.health("a", COOLDOWN) is Health.WELL
    of(targets).broke_off(A, "probe", COOLDOWN)
    assert targets.state(COOLDOWN)[0].seconds_left == 2 * COOLDOWN


def test_the_first_word_of_an_answer_starts_the_count_of_failures_anew():
    targets = Targets()
    fail(targets, A, times=FAILURES - 1)
    of(targets).answers(A)
    fail(targets, A, times=FAILURES - 1)
    assert targets.health("a", 0.0) is Health.WELL


def test_the_first_word_of_an_answer_shows_that_the_upstream_can_be_reached():
    targets = Targets()
    break_off(targets, A)
    for _ in range(FAILURES):
        of(targets).failed(A, object(), 0.0, unreachable=True)
    assert targets.health("a", 0.0) is Health.COOLING
    of(targets).answers(A)
    assert targets.health("a", 0.0) is Health.WELL


def test_after_the_cooldown_one_request_probes_it_and_the_others_stay_away():
    targets, among = Targets(), binding(A, LATER)
    fail(targets, A)
    assert chosen(targets, among, now=COOLDOWN) == "a"
    of(targets).begins(A, "probe", COOLDOWN)
    assert targets.health("a", COOLDOWN) is Health.PROBED
    assert chosen(targets, among, now=COOLDOWN) == "later"
    of(targets).succeeded(A)
    assert targets.health("a", COOLDOWN) is Health.WELL


def test_between_its_cooldown_and_the_probe_it_is_half_open():
    targets = Targets()
    fail(targets, A)
    assert targets.health("a", COOLDOWN) is Health.HALF_OPEN
    assert targets.state(COOLDOWN)[0].seconds_left == 0.0


def test_a_probe_that_fails_doubles_the_cooldown_up_to_a_bound():
    targets, now, cooldowns = Targets(), 0.0, []
    fail(targets, A)
    for _ in range(6):
        cooldowns.append(targets.state(now)[0].seconds_left)
        now += cooldowns[-1]
        of(targets).begins(A, "probe", now)
        of(targets).failed(A, "probe", now)
    assert cooldowns == [10, 20, 40, 80, 160, LONGEST_COOLDOWN]


def test_many_that_fail_at_once_make_no_longer_cooldown():
    """Requests that were on their way when it went down say nothing new."""
    targets = Targets()
    fail(targets, A, times=200)
    assert targets.state(0.0)[0].seconds_left == COOLDOWN
    targets = Targets()
    break_off(targets, A, times=FAILURES)
    for _ in range(200):
        of(targets).broke_off(A, object(), 0.0)
    assert targets.state(0.0)[0].seconds_left == COOLDOWN


def test_beside_a_probe_a_failure_says_nothing_new():
    targets = Targets()
    fail(targets, A)
    of(targets).begins(A, "probe", COOLDOWN)
    of(targets).failed(A, "another", COOLDOWN)
    assert targets.health("a", COOLDOWN) is Health.PROBED


def test_a_probe_whose_client_leaves_makes_way_for_another():
    targets, among = Targets(), binding(A, LATER)
    fail(targets, A)
    of(targets).begins(A, "probe", COOLDOWN)
    of(targets).abandoned(A, "somebody else")
    assert chosen(targets, among, now=COOLDOWN) == "later"
    of(targets).abandoned(A, "probe")
    assert chosen(targets, among, now=COOLDOWN) == "a"


def test_a_request_that_began_before_the_cooldown_ended_is_no_probe():
    targets = Targets()
    fail(targets, A)
    of(targets).begins(A, "early", COOLDOWN - 1)
    assert targets.health("a", COOLDOWN - 1) is Health.COOLING


def test_a_target_that_is_well_has_nothing_to_begin():
    targets = Targets()
    of(targets).begins(A, "request", 0.0)
    of(targets).failed(B, "request", 0.0)
    of(targets).begins(B, "request", 0.0)
    assert targets.health("b", 0.0) is Health.WELL


def test_when_none_is_well_the_best_of_the_others_is_tried():
    targets = Targets()
    fail(targets, A)
    fail(targets, LATER)
    assert chosen(targets, binding(LATER, A)) == "a"
    assert chosen(targets, binding(A)) == "a"


def test_a_server_that_cannot_be_reached_is_left_alone_for_all_its_models():
    targets = Targets()
    first, second = target("a", model="x"), target("a", model="y")
    fail(targets, first, unreachable=True)
    assert chosen(targets, binding(second, LATER)) == "later"


def test_one_broken_model_does_not_speak_for_the_others_of_its_server():
    targets = Targets()
    first, second = target("a", model="x"), target("a", model="y")
    fail(targets, first)
    assert chosen(targets, binding(second, LATER)) == "a"
    assert chosen(targets, binding(first, LATER)) == "later"


def test_a_model_that_loads_gives_way_to_its_equals_but_not_to_a_later_priority():
    targets = Targets()
    of(targets).is_loading(A, "request", 0.0)
    assert targets.health("a", 0.0) is Health.LOADING
    assert shares(binding(A, B), targets=targets) == {"b": 1000}
    assert chosen(targets, binding(A, LATER)) == "a"
    assert targets.health("a", LOADING) is Health.WELL


def test_loading_is_no_failure():
    targets = Targets()
    for number in range(10):
        of(targets).is_loading(A, f"request {number}", 0.0)
    assert targets.state(0.0)[0].failures == 0


def test_what_was_learned_can_be_forgotten():
    targets = Targets()
    fail(targets, A)
    fail(targets, B)
    targets.reset("A")
    assert (targets.health("a", 0.0), targets.health("b", 0.0)) == (Health.WELL, Health.COOLING)
    targets.reset()
    assert targets.state(0.0) == ()


GLM, QWEN = target("zai", model="glm"), target("zai", model="qwen")


def test_what_was_learned_of_one_target_can_be_forgotten():
    targets = Targets()
    fail(targets, GLM)
    fail(targets, QWEN)
    targets.reset_model("ZAI", "GLM")
    assert targets.state_of("zai", "glm", 0.0).health is Health.WELL
    assert targets.state_of("zai", "qwen", 0.0).health is Health.COOLING


def test_a_target_is_as_ill_as_its_upstream():
    targets = Targets()
    of(targets).is_loading(GLM, "request", 0.0)
    assert targets.state_of("zai", "glm", 1.0) == TargetState("zai", "glm", Health.LOADING, 0, LOADING - 1)
    fail(targets, QWEN, unreachable=True)
    assert targets.state_of("zai", "glm", 1.0) == TargetState("zai", "glm", Health.COOLING, FAILURES, COOLDOWN - 1)
    targets.reset_model("zai", "glm")
    assert targets.health("zai", 0.0) is Health.WELL


def test_its_state_tells_what_is_known_of_each_target():
    targets = Targets()
    fail(targets, target("Zai", model="glm"))
    fail(targets, A, times=1, unreachable=True)
    shown = [(one.upstream, one.model, one.health, one.failures, one.seconds_left) for one in targets.state(4.0)]
    assert shown == [("Zai", "glm", Health.COOLING, FAILURES, 6.0), ("a", "", Health.WELL, 1, 0.0)]


def fail_model(targets, model, *, times=FAILURES, **more):
    for number in range(times):
        targets.asked_for(model).failed(A, number, 0.0, **more)


def test_of_a_target_that_names_no_model_each_model_has_its_own_health():
    targets = Targets()
    fail_model(targets, "dead")
    assert targets.asked_for("DEAD[1m]").choose(binding(A, LATER), 0.0, 0.0) is LATER
    assert targets.asked_for("alive").choose(binding(A, LATER), 0.0, 0.0) is A
    targets.asked_for("alive").succeeded(A)
    assert targets.state_of("a", "dead", 0.0).health is Health.COOLING
    targets.asked_for("dead").succeeded(A)
    assert targets.state(0.0) == ()


def test_of_a_target_that_picks_a_model_health_is_that_of_the_picked_one():
    targets = Targets()
    picked = replace(A, model="*", picks=True, picked="qwen")
    for number in range(FAILURES):
        targets.asked_for("claude").failed(picked, number, 0.0)
    assert targets.state_of("a", "qwen", 0.0).health is Health.COOLING


def test_an_upstream_that_cannot_be_reached_is_learned_for_all_models_at_once():
    targets = Targets()
    fail_model(targets, "one", unreachable=True)
    assert targets.asked_for("another").choose(binding(A, LATER), 0.0, 0.0) is LATER
    targets.asked_for("a third").begins(A, "probe", COOLDOWN)
    targets.asked_for("a third").answers(A)
    assert targets.asked_for("another").choose(binding(A, LATER), COOLDOWN, 0.0) is A


def test_names_that_clients_make_up_do_not_push_out_what_is_ill():
    targets = Targets()
    fail_model(targets, "dead")
    for number in range(3000):
        fail_model(targets, f"made up {number}", times=1)
    assert targets.state_of("a", "dead", 0.0).health is Health.COOLING
    for number in range(3000):
        fail_model(targets, f"made up {number}")
    assert len(targets.state(0.0)) <= 1024


def test_targets_of_many_names_do_not_fill_the_memory():
    targets = Targets()
    for number in range(3000):
        of(targets).failed(target("a", model=str(number)), "request", 0.0)
    assert len(targets.state(0.0)) <= 1024


SESSIONS = [f"session {number}".encode() for number in range(1000)]


def where(targets, among, **more):
    return {session: chosen(targets, among, session=session, **more) for session in SESSIONS}


def test_a_conversation_stays_where_it_is_however_busy_that_target():
    first = where(Targets(), binding(A, B, C))
    assert where(Targets(), binding(C, A, B), draw=0.9, busy={"a": 9, "b": 1, "c": 5}.__getitem__) == first


def test_conversations_are_shared_out_by_weight():
    counts = Counter(where(Targets(), binding(target("a", weight=3), B)).values())
    assert counts["a"] == pytest.approx(750, abs=60)


def test_only_the_conversations_of_a_target_that_fails_move():
    targets, among = Targets(), binding(A, B, C)
    before = where(targets, among)
    fail(targets, B)
    after = where(targets, among)
    assert {session for session in SESSIONS if before[session] != after[session]} == {
        session for session in SESSIONS if before[session] == "b"
    }
    of(targets).succeeded(B)
    assert where(targets, among) == before
