import pytest

from routing.admission.limits import Limit, LimitTable, Scope
from routing.admission.slots import SlotTable
from routing.errors import QueueFull


def model(name, limit, **fields):
    return Limit(scope=Scope.MODEL, name=name, limit=limit, **fields)


def upstream(name, limit, **fields):
    return Limit(scope=Scope.UPSTREAM, name=name, limit=limit, **fields)


def overall(limit, **fields):
    return Limit(scope=Scope.GLOBAL, limit=limit, **fields)


def table(*limits, gated=()):
    return SlotTable(LimitTable(limits=limits), lambda name: name in gated)


def ask(slots, *requests):
    """Asks for `ticket, model, upstream` after another; returns the tickets that start at once."""
    return [ticket for ticket, name, at in requests if slots.request(ticket, name, at)]


def used(slots):
    return [state.used for state in slots.state().limits]


def queued(slots):
    return [state.queued for state in slots.state().limits]


def test_without_limits_everybody_starts():
    slots = SlotTable()
    assert ask(slots, (1, "glm", "a"), (2, "glm", "a")) == [1, 2]
    assert slots.state().running == 2


def test_a_released_slot_goes_to_the_longest_waiting():
    slots = table(model("glm", 1))
    assert ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a")) == [1]
    assert slots.release(1) == [2]
    assert slots.release(2) == [3]


def test_a_slot_is_given_back_once():
    slots = table(model("glm", 1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"))
    assert slots.release(1) == [2]
    assert slots.release(1) == []
    assert used(slots) == [1]


def test_names_and_patterns_compare_whatever_their_case():
    slots = table(model("GLM-*", 1), upstream("Zai", 9))
    assert ask(slots, (1, "glm-5", "ZAI"), (2, "Glm-4", "zai")) == [1]
    assert used(slots) == [1, 1]


def test_an_exact_name_has_its_own_limit_beside_the_pattern_that_matches_it_too():
    slots = table(model("glm-*", 1), model("glm-5", 1))
    assert ask(slots, (1, "glm-4", "a"), (2, "glm-5", "a"), (3, "glm-3", "a")) == [1, 2]


def test_all_models_of_a_pattern_share_its_limit_and_its_line():
    slots = table(model("glm-*", 1))
    ask(slots, (1, "glm-4", "a"), (2, "glm-5", "a"), (3, "glm-4", "a"))
    assert slots.release(1) == [2]


def test_the_line_for_one_model_keeps_no_other_model_from_running():
    slots = table(model("glm", 1), overall(2))
    assert ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"), (4, "qwen", "a")) == [1, 4]
    assert used(slots) == [1, 2]
    assert queued(slots) == [2, 0]


def test_whoever_came_first_gets_the_global_slot_first_whatever_its_model():
    slots = table(model("glm", 1), overall(1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "qwen", "a"))
    assert slots.release(1) == [2]
    assert slots.release(2) == [3]


def test_waiting_for_the_global_slot_occupies_none_of_the_model():
    slots = table(model("glm", 2), overall(1))
    ask(slots, (1, "qwen", "a"), (2, "glm", "a"))
    assert used(slots) == [0, 1]
    assert queued(slots) == [0, 1]


def test_a_request_that_passed_one_limit_does_not_lose_its_place_there():
    slots = table(model("glm", 1), upstream("a", 1))
    assert ask(slots, (1, "qwen", "a"), (2, "glm", "a"), (3, "glm", "b")) == [1]
    assert slots.release(1) == [2]
    assert slots.release(2) == [3]


def test_only_the_head_of_a_line_keeps_a_place_free():
    slots = table(model("glm", 2), upstream("a", 1))
    assert ask(slots, (1, "x", "a"), (2, "glm", "a"), (3, "glm", "a"), (4, "glm", "b")) == [1, 4]


def test_a_place_is_kept_free_from_the_moment_the_line_forms():
    slots = table(model("glm", 1), upstream("a", 1))
    assert ask(slots, (1, "x", "a"), (2, "glm", "a")) == [1]
    assert ask(slots, (3, "glm", "b")) == []
    assert slots.release(1) == [2]


def test_a_waiting_request_can_leave():
    slots = table(model("glm", 1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"))
    assert slots.release(2) == []
    assert slots.release(1) == [3]


def test_whoever_leaves_frees_the_place_that_was_kept_for_it():
    slots = table(model("glm", 1), upstream("a", 1))
    assert ask(slots, (1, "x", "a"), (2, "glm", "a"), (3, "glm", "b")) == [1]
    assert slots.release(2) == [3]


def test_a_queue_takes_as_many_as_it_may():
    slots = table(model("glm", 1, queue_size=1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"))
    with pytest.raises(QueueFull, match=r"1 requests wait for glm already, and no more may \(limit: 1\)"):
        slots.request(3, "glm", "a")
    assert slots.state().queued == 1
    assert slots.release(1) == [2]
    assert slots.request(4, "glm", "a") is False


def test_a_queue_of_size_zero_refuses_whoever_cannot_start():
    slots = table(overall(1, queue_size=0))
    assert slots.request(1, "glm", "a")
    with pytest.raises(QueueFull, match="wait for global limit already"):
        slots.request(2, "glm", "a")


def test_a_refused_request_leaves_nothing_behind():
    slots = table(upstream("zai", 1, queue_size=0))
    slots.request(1, "glm", "zai")
    with pytest.raises(QueueFull, match="wait for upstream zai"):
        slots.request(2, "glm", "zai")
    assert slots.release(2) == []
    assert slots.busy("zai") == 1
    assert slots.release(1) == []
    assert (slots.state().running, slots.state().queued, slots.busy("zai")) == (0, 0, 0)


def test_a_higher_limit_lets_the_waiting_start_at_once():
    slots = table(model("glm", 1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"), (4, "glm", "a"))
    assert slots.configure(LimitTable(limits=(model("GLM", 3),))) == [2, 3]


def test_a_lower_limit_drops_nobody_and_starts_nobody_until_enough_have_ended():
    slots = table(model("glm", 3))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"), (4, "glm", "a"))
    assert slots.configure(LimitTable(limits=(model("glm", 1),))) == []
    assert used(slots) == [3]
    assert slots.release(1) == slots.release(2) == []
    assert slots.release(3) == [4]


def test_a_limit_that_is_removed_lets_everybody_start():
    slots = table(model("glm", 1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"))
    assert slots.configure(LimitTable()) == [2]
    assert slots.release(1) == slots.release(2) == []


def test_a_new_limit_counts_those_who_run_already():
    slots = SlotTable()
    ask(slots, (1, "glm", "a"), (2, "glm", "a"))
    slots.configure(LimitTable(limits=(upstream("a", 2),)))
    assert slots.request(3, "glm", "a") is False
    assert slots.release(1) == [3]


def test_the_order_outlives_a_change_of_limits():
    slots = table(model("glm", 1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "b"))
    slots.configure(LimitTable(limits=(overall(1),)))
    assert slots.release(1) == [2]
    assert slots.release(2) == [3]


def test_a_gate_falls_shut_behind_whoever_passes():
    slots = table(gated={"glm"})
    assert ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"), (4, "qwen", "a")) == [1, 4]
    assert slots.open("GLM") == [2]
    assert slots.open("GLM") == [3]


def test_a_pause_holds_no_slot():
    slots = table(overall(2), gated={"glm"})
    assert ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "qwen", "a")) == [1, 3]


def test_a_pause_that_begins_keeps_the_next_request_waiting():
    slots = table(gated={"glm"})
    ask(slots, (1, "glm", "a"))
    assert slots.open("glm") == []
    assert slots.shut("glm") == []
    assert slots.request(2, "glm", "a") is False
    assert slots.obstacle(2) is None
    assert slots.open("glm") == [2]


def test_a_pause_that_begins_frees_the_places_that_were_kept():
    slots = table(model("g*", 1), upstream("a", 1), gated={"glm"})
    assert ask(slots, (1, "x", "a"), (2, "glm", "a"), (3, "gpt", "b")) == [1]
    assert slots.shut("glm") == [3]


def test_nobody_slips_through_the_gate_ahead_of_a_request_that_waits_for_its_upstream():
    slots = table(upstream("a", 1), gated={"glm"})
    assert ask(slots, (1, "x", "a"), (2, "glm", "a"), (3, "glm", "b")) == [1]
    assert slots.release(1) == [2]
    assert slots.open("glm") == [3]


def test_a_request_that_is_sent_again_keeps_its_slots():
    slots = table(model("glm", 1), overall(1))
    ask(slots, (1, "glm", "a"), (2, "glm", "a"))
    assert slots.move(1, "b") == [1]
    assert used(slots) == [1, 1]


def test_a_request_that_moves_gives_the_slot_of_its_old_upstream_back_and_waits_for_the_new():
    slots = table(upstream("a", 1), upstream("b", 1))
    ask(slots, (1, "m", "a"), (2, "m", "b"), (3, "m", "a"))
    assert slots.move(1, "b") == [3]
    assert slots.obstacle(1) == upstream("b", 1)
    assert slots.release(2) == [1]
    assert (slots.busy("a"), slots.busy("b")) == (1, 1)


def test_a_request_that_moves_keeps_its_place_in_the_order():
    slots = table(upstream("a", 2), upstream("b", 1))
    ask(slots, (1, "m", "a"), (2, "m", "a"), (3, "m", "b"), (4, "m", "b"))
    assert slots.move(2, "b") == []
    assert slots.move(1, "b") == []
    assert slots.release(3) == [1]
    assert slots.release(1) == [2]
    assert slots.release(2) == [4]


def test_two_that_move_to_each_others_upstream_do_not_lock_up():
    slots = table(upstream("a", 1), upstream("b", 1), overall(2))
    ask(slots, (1, "m", "a"), (2, "m", "b"))
    assert slots.move(1, "b") == []
    assert slots.move(2, "a") == [1, 2]


def test_a_request_that_leaves_while_it_moves_gives_everything_back():
    slots = table(model("m", 1), upstream("b", 1), overall(2))
    ask(slots, (1, "m", "a"), (2, "x", "b"), (3, "m", "a"))
    assert slots.move(1, "b") == []
    assert used(slots) == [1, 1, 2]
    assert slots.release(1) == [3]


def test_a_request_that_is_sent_again_waits_for_the_gate_like_everybody():
    slots = table(gated={"glm"})
    ask(slots, (1, "glm", "a"), (2, "glm", "a"))
    assert slots.move(1, "a") == []
    assert slots.open("glm") == [1]
    assert slots.open("glm") == [2]


def test_a_pause_between_two_tries_and_a_wait_for_the_same_upstream_do_not_lock_up():
    slots = table(upstream("a", 1), upstream("b", 1), gated={"glm"})
    assert slots.request(1, "glm", "a")
    slots.open("glm")
    assert slots.request(2, "glm", "b")
    assert slots.move(1, "b") == []
    assert slots.move(2, "b") == []
    assert slots.open("glm") == [2]
    assert slots.release(2) == []
    assert slots.open("glm") == [1]


def test_a_request_that_is_sent_again_comes_before_older_ones_that_never_started():
    slots = table(upstream("a", 1), upstream("b", 1))
    ask(slots, (1, "m", "b"), (2, "m", "b"), (3, "m", "a"))
    assert slots.move(3, "b") == []
    assert slots.release(1) == [3]
    assert slots.release(3) == [2]


def test_new_rules_shut_and_open_gates():
    slots = table(gated={"glm"})
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "glm", "a"))
    assert slots.configure(LimitTable(), {"glm"}.__contains__, ["glm"]) == []
    assert slots.configure(LimitTable(), {"glm"}.__contains__) == [2]
    assert slots.configure(LimitTable()) == [3]


def test_a_moving_request_lives_through_a_change_of_limits():
    slots = table(upstream("b", 1), overall(2))
    ask(slots, (1, "m", "a"), (2, "m", "b"))
    slots.move(1, "b")
    slots.configure(LimitTable(limits=(model("m", 2), upstream("b", 1), overall(2))))
    assert used(slots) == [2, 1, 2]
    assert slots.release(2) == [1]


def test_it_says_what_a_request_holds_and_what_it_waits_for():
    limits = [model("glm", 1), upstream("a", 5), overall(5)]
    slots = table(*limits)
    ask(slots, (1, "glm", "a"), (2, "glm", "a"))
    assert slots.held(1) == tuple(limits)
    assert slots.held(2) == slots.held("unknown") == ()
    assert slots.obstacle(2) == limits[0]
    assert slots.obstacle(1) is slots.obstacle("unknown") is None
    assert (slots.used(limits[0]), slots.queued(limits[0])) == (1, 1)


def test_its_state_is_one_value():
    slots = table(model("glm", 1), overall(5))
    before = slots.state()
    ask(slots, (1, "glm", "a"), (2, "glm", "a"), (3, "x", "b"))
    state = slots.state()
    assert (before.running, state.running, state.queued) == (0, 2, 1)
    assert [(one.limit.label, one.used, one.queued) for one in state.limits] == [("glm", 1, 1), ("global limit", 2, 0)]
