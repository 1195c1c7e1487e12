"""The table says what was measured, against what, and what could not be measured."""

from benchmarks.comparison import Plan, Row, Series, Window
from benchmarks.profiling import summary
from benchmarks.report import as_json, table


def window(rate: float, *, busy: float = 1.0, others: float = 0.0) -> Window:
    return Window(rate=rate, p50_ms=1.0, p99_ms=2.0, busy=busy, cpu_us=busy / rate * 1e6, others=others)


def series(*rates: float, busy: float = 1.0) -> Series:
    return Series([window(rate, busy=busy) for rate in rates])


def row(name: str, requests: float, streams: float) -> Row:
    return Row(name, series(requests), series(streams))


def cells(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_ratios_are_of_requests_and_of_streams():
    text = table([row("nginx", 10000, 1000), row("floor", 5000, 500), row("this proxy", 2500, 400)])
    assert cells(text, "this proxy")[-2:] == ["0.50 / 0.80", "0.25 / 0.40"]


def test_a_median_is_shown_not_the_best():
    text = table([Row("floor", series(1000, 3000, 2000), series(1))])
    assert cells(text, "floor")[1] == "2 000"


def test_windows_that_other_programs_disturbed_are_left_out_when_enough_remain():
    disturbed = [window(10, others=0.8) for _ in range(4)]
    measured = Series([*disturbed, *series(1000, 3000, 2000).windows])
    text = table([Row("floor", measured, series(1))])
    assert cells(text, "floor")[1] == "2 000"
    assert "4 windows" in text


def test_disturbed_windows_are_all_there_is_on_a_busy_machine():
    assert Series([window(10, others=0.8), window(1000)]).rate == 505


def test_a_server_that_was_not_the_limit_is_marked():
    text = table([Row("nginx", series(9000, busy=0.4), series(100))])
    assert cells(text, "nginx")[1] == "≥ 9 000"
    assert "did not use up its core" in text


def test_what_was_not_measured_is_named_with_its_reason():
    text = table([row("floor", 5000, 500), Row("nginx", reason="nginx is not installed")])
    assert "nginx was not measured: nginx is not installed" in text
    assert cells(text, "floor")[-1] == "-"


def test_wrong_answers_are_shown():
    broken = Row("peer", series(10), Series(problem="3 answers were wrong"))
    text = table([broken])
    assert "peer, streams: 3 answers were wrong" in text
    assert cells(text, "peer")[5] == "-"


def test_the_json_has_every_window():
    result = as_json([row("floor", 5000, 500), Row("nginx", reason="gone")], Plan(), {"cores": 2}, "pinned")
    floor, nginx = result["rows"]
    assert floor["requests"]["windows"][0]["rate"] == 5000
    assert nginx == {"name": "nginx", "not_measured": "gone"}


def test_a_profile_tells_own_time_from_time_with_callees():
    text = summary(["main (a.py:1);work (a.py:9) 3", "main (a.py:2);work (a.py:8) 1", "main (a.py:1) 4"], top=2)
    own, inclusive = text.split("\n\n")
    assert own.splitlines()[1:] == ["  50.0 %  work (a.py)", "  50.0 %  main (a.py)"]
    assert inclusive.splitlines()[1:] == [" 100.0 %  main (a.py)", "  50.0 %  work (a.py)"]


def test_a_thread_that_waits_for_work_is_not_in_the_profile():
    text = summary(["main (a.py:1) 1", "run (t.py:1);_worker (concurrent/futures/thread.py:81) 9"], top=5)
    assert text.splitlines()[1] == " 100.0 %  main (a.py)"
    assert "_worker" not in text
