from routing.dialects.events import End, Finish, FinishReason, Text, ToolArguments, ToolStart
from tests.validation.test_gate import LOOP, Loops, bad, gate
from validation.ahead import Ahead

START = ToolStart(0, "c", "run")


def test_a_loop_shuts_the_gate_before_anything_of_it_has_come_there():
    judge = gate()
    ahead = Ahead(judge, lambda channel: Loops())
    for event in (Text("Hello"), START, ToolArguments(7, LOOP * 5), ToolArguments(0, LOOP)):
        assert ahead.feed(event) == [event]
    assert judge.verdict is None
    assert ahead.feed(ToolArguments(0, LOOP * 2)) == [ToolArguments(0, LOOP * 2)]
    assert judge.verdict == bad(len(LOOP))
    assert [(call.name, call.text) for call in judge.calls] == [("run", LOOP * 3)]
    assert ahead.close() == []


def test_a_gate_that_has_judged_the_whole_stays_open():
    judge = gate()
    ahead = Ahead(judge, lambda channel: Loops())
    for event in (Text("Hello"), Finish(FinishReason.STOP), End()):
        judge.feed(event)
    ahead.feed(START)
    ahead.feed(ToolArguments(0, LOOP * 3))
    assert judge.verdict is None
