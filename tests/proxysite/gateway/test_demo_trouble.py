"""What the demo's troublesome models remember."""

from proxysite.gateway.demo_trouble import Refusals, half


def test_a_request_is_refused_the_first_time_only():
    refusals = Refusals()
    assert [refusals.refuses(b"hello") for _ in range(4)] == [True, False, True, False]


def test_requests_do_not_disturb_each_other():
    refusals = Refusals()
    assert [refusals.refuses(content) for content in (b"a", b"b", b"a", b"b")] == [True, True, False, False]


def test_what_never_comes_again_is_forgotten():
    refusals = Refusals()
    for number in range(10_000):
        refusals.refuses(b"%d" % number)
    assert len(refusals._refused) < 1000


def test_half_of_an_answer_is_at_least_a_word():
    assert half(["a "]) == ["a "]
    assert half(["a ", "b ", "c ", "d "]) == ["a ", "b "]
