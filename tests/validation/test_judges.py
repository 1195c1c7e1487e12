import pytest

from routing.dialects import Dialect
from routing.dialects.events import End, Finish, FinishReason, Reasoning, Start, Text, ToolArguments, ToolEnd, ToolStart
from tests.validation.test_detectors import ANSWERS
from tests.validation.test_gate import GOOD, VALIDATOR, fed, said
from validation.channels import Channel
from validation.detectors import DETECTORS
from validation.gate import Gate
from validation.judges import asks_for_code, judges
from validation.snapshot import Policy
from validation.verdict import Verdict

PROSE = (
    "The harbour was quiet when the first boats came back, and nobody on the pier said a word about the storm. "
    "Martha counted the crates twice, wrote the number on the slate, and went to fetch her brother from the inn. "
    "He had been asleep since noon, so she let him be and walked home along the river on her own. "
)
GARBAGE = [bad for bad in ANSWERS if bad["label"] == "garbage"]
LOOP = "I will now check the file again. "


def gate(**fields):
    policy = Policy(model_pattern="*", **{"detectors": frozenset(DETECTORS), **fields})
    return Gate(policy, judges(policy))


@pytest.mark.parametrize("kind", [Text, Reasoning])
@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_loop_is_found_and_no_more_than_its_first_copy_goes_on(kind, size):
    judge, whole = gate(), PROSE + LOOP * 40
    out = fed(judge, [Start(), *(kind(whole[at : at + size]) for at in range(0, len(whole), size))])
    assert judge.verdict.detector == "repetition"
    assert (PROSE + LOOP).startswith(said(out, kind))


def test_a_good_answer_with_a_call_passes():
    call = [ToolStart(0, "c", "run"), ToolArguments(0, '{"command": "ls"}'), ToolEnd(0)]
    events = [Start(), Reasoning("Let me look."), Text("\n\n"), *call, Finish(FinishReason.TOOL_CALLS), End()]
    assert [type(event) for event in fed(gate(), events)] == [type(event) for event in events]


def test_good_text_passes():
    assert said(fed(gate(), [Start(), Text(PROSE), Finish(FinishReason.STOP), End()])) == PROSE


@pytest.mark.parametrize(
    ("reason", "detectors", "is_bad"),
    [
        (FinishReason.STOP, {"empty"}, True),
        (FinishReason.LENGTH, {"empty"}, False),
        (FinishReason.REFUSAL, {"empty"}, False),
        (FinishReason.STOP, {"repetition"}, False),
    ],
)
def test_an_answer_of_nothing_is_bad_if_it_ended_by_itself(reason, detectors, is_bad):
    judge = gate(detectors=frozenset(detectors))
    fed(judge, [Start(), Reasoning("Hm."), Text(" \n"), Finish(reason), End()])
    assert (judge.verdict is not None) is is_bad


@pytest.mark.parametrize("bad", GARBAGE, ids=lambda bad: bad["kind"])
def test_a_policy_that_nobody_changed_is_sure_enough_of_every_kind_of_garbage(bad):
    judge = judges(Policy(model_pattern="*", detectors=frozenset(DETECTORS)))(Channel.TEXT)
    assert judge.feed(bad["text"]) or judge.close(FinishReason.STOP)


def test_what_is_not_sure_enough_is_not_said():
    judge = gate(confidence_threshold=1.01)
    assert said(fed(judge, [Text(PROSE + LOOP * 40), Finish(FinishReason.STOP), End()])) == PROSE + LOOP * 40


def test_without_detectors_only_the_validator_model_judges():
    judge = gate(detectors=frozenset(), validator=VALIDATOR, mid_stream_validation_enabled=False)
    fed(judge, [Text(GOOD + LOOP * 40), Finish(FinishReason.STOP), End()])
    judge.answer(judge.ask, Verdict("validator", "repetition", 0.9, 5, 10, 0, "it repeats"))
    assert judge.verdict.detector == "validator"
    assert judge.judged.channel is Channel.TEXT


@pytest.mark.parametrize(
    ("body", "is_code"),
    [
        ({"prompt": "Once upon a time"}, False),
        ({"prompt": "def f(x):", "suffix": "    return x"}, True),
        ({"prompt": "<|fim_prefix|>def f(<|fim_suffix|>): pass<|fim_middle|>"}, True),
        ({"prompt": "x" * 9000 + "<|fim_middle|>"}, True),
        ({"prompt": "<PRE> def f( <SUF>): pass <MID>"}, True),
        ({"prompt": "[SUFFIX]): pass[PREFIX]def f("}, True),
        ({"prompt": "<｜fim▁begin｜>def f(<｜fim▁hole｜>): pass<｜fim▁end｜>"}, True),
        ({"prompt": "Here it is:\n```python\n"}, True),
        ({"prompt": "Here it is:\n```python\nf()\n```\n"}, False),
        ({"prompt": "```python\n" + "f()\n" * 4000}, False),  # too long ago to be sure
        ({"prompt": [1, 2]}, False),
    ],
)
def test_a_prompt_of_an_editor_asks_for_code(body, is_code):
    assert asks_for_code(body, Dialect.COMPLETIONS) is is_code


def test_code_may_repeat_itself_more_often_than_prose_and_may_be_empty():
    def judged(*events, code):
        policy = Policy(model_pattern="*", detectors=frozenset(DETECTORS))
        judge = Gate(policy, judges(policy, code=code))
        fed(judge, [Start(), *events, Finish(FinishReason.STOP), End()])
        return judge.verdict and judge.verdict.detector

    assert judged(Text(PROSE + LOOP * 14), code=False) == "repetition"
    assert judged(Text(PROSE + LOOP * 14), code=True) is None
    assert judged(Text(PROSE + LOOP * 200), code=True) == "repetition"
    assert (judged(code=False), judged(code=True)) == ("empty", None)
