from routing.dialects.events import End, Finish, FinishReason, Text, ToolArguments, ToolStart
from tests.validation.test_gate import LOOP, Loops, bad, gate
from validation.ahead import Ahead
from validation.channels import Channel, Condemned, Stream

START = ToolStart(0, "c", "run")


def test_what_is_condemned_is_told_behind_the_piece_that_makes_it_garbage():
    ahead = Ahead(lambda channel: Loops())
    for event in (Text("Hello"), START, ToolArguments(7, LOOP * 5), ToolArguments(0, LOOP)):
        assert ahead.feed(event) == [event]
    piece, told = ahead.feed(ToolArguments(0, LOOP * 2))
    assert piece == ToolArguments(0, LOOP * 2)
    assert isinstance(told, Condemned)
    assert told.verdict == bad(len(LOOP))
    assert (told.stream.name, told.stream.text) == ("run", LOOP * 3)
    assert ahead.close() == []


def condemned():
    call = Stream(Channel.ARGUMENTS, Loops(), "run")
    return Condemned(call.feed(LOOP * 3), call)


def test_it_shuts_a_gate_where_nothing_of_the_call_has_come_yet():
    judge = gate()
    judge.feed(Text("Hello"))
    assert judge.feed(condemned()) == []
    assert judge.verdict == bad(len(LOOP))
    assert [(call.name, call.text) for call in judge.calls] == [("run", LOOP * 3)]


def test_a_gate_that_has_judged_the_whole_stays_open():
    judge = gate()
    for event in (Text("Hello"), Finish(FinishReason.STOP), End()):
        judge.feed(event)
    judge.feed(condemned())
    assert judge.verdict is None
