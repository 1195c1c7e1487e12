"""A pair tells what remains of the answers with a feature, round by round."""

from benchmarks.comparison import Series, Window
from benchmarks.pairs import PAIRS, Cost, Measured, Pair, as_json, cost, reaches, report
from benchmarks.servers import Setup, plain

PAIR = Pair(name="feature", without=Setup("off", plain), having=Setup("on", plain), goal=0.9)


def series(*windows: tuple[float, float]) -> Series:
    return Series([Window(rate=rate, p50_ms=1, p99_ms=2, busy=1, cpu_us=cpu) for rate, cpu in windows])


def test_the_ratio_is_the_median_of_the_rounds():
    without, having = series((100, 10), (200, 5), (100, 10)), series((90, 10), (100, 10), (80, 20))
    found = cost([(without, having)])
    assert found is not None
    assert (round(found.rate, 9), round(found.processor, 9)) == (0.8, 0.5)


def test_what_was_not_measured_has_no_ratio():
    assert cost([(series(), series())]) is None
    assert cost([(series((1, 1)), Series(series((1, 1)).windows, problem="2 answers were wrong"))]) is None
    assert cost([(series((1, 1)), series((1, 1))), (series(), series())]) is None


def test_every_start_counts_as_much_as_the_others():
    starts = [(series((100, 1)), series((50, 1))), (series((100, 1), (100, 1)), series((200, 1), (200, 1)))]
    found = cost(starts)
    assert found is not None
    assert round(found.rate, 9) == 1
    assert not reaches(None, 0.5)


def test_a_goal_that_is_missed_is_marked():
    text = report([Measured(PAIR, Cost(0.95, 0.92), Cost(0.95, 0.7)), Measured(PAIR, None, None, "on: nothing came")])
    assert "requests 0.95 / 0.92 ✓  streams 0.95 / 0.70 ✗  goal 0.90" in text
    assert "requests not measured" in text
    assert "on: nothing came" in text


def test_programs_get_the_same():
    (told,) = as_json([Measured(PAIR, Cost(0.95, 0.92), None)])
    assert told["requests"] == {"rate": 0.95, "processor": 0.92}
    assert told["streams"] is None


def test_pairs_and_their_servers_have_names_of_their_own():
    titles = [setup.title for pair in PAIRS for setup in (pair.without, pair.having)]
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
    assert len(set(titles)) == len(titles)
