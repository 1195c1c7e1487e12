"""The stream detectors on labelled answers, and the rules one by one."""

import json
from pathlib import Path

import pytest

from validation.detectors import DETECTORS, TextDetectors

ANSWERS = [json.loads(line) for line in (Path(__file__).parent / "answers.jsonl").read_text().splitlines()]
STREAMS = {"text": "text", "reasoning": "reasoning", "tool_args": "arguments"}
PROSE = (
    "The old lighthouse keeper had not spoken to anyone for eleven days when the radio finally crackled. He let it "
    "hiss for a while, the way one lets a kettle complain before lifting it from the stove. Outside, the fog leaned "
    "against the glass, and somewhere below a rope was slapping a mast in no hurry at all.\n\n"
)


def judged(text, stream="text", size=16, enabled=None):
    detectors = TextDetectors(enabled, stream)
    for start in range(0, len(text), size):
        detectors.feed(text[start : start + size])
    return detectors.close("stop")


def name(verdict):
    return verdict and verdict.detector


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer['label']}-{answer['kind']}")
def test_labelled_answers_are_judged_rightly_and_never_before_the_onset(answer):
    verdict = judged(answer["text"], STREAMS[answer["channel"]])
    if answer["label"] == "ok":
        assert verdict is None
    else:
        assert verdict is not None
        assert verdict.offset >= answer["onset"]


@pytest.mark.parametrize("answer", ANSWERS[::4], ids=lambda answer: answer["kind"])
def test_the_verdict_is_the_same_however_the_text_was_cut(answer):
    verdicts = {judged(answer["text"], STREAMS[answer["channel"]], size) for size in (1, 7, 33, 1000, 10**6)}
    assert len(verdicts) == 1


@pytest.mark.parametrize(
    ("unit", "copies", "expected"),
    [
        ("until ", 60, "repetition"),
        ("Let me check the file one more time. ", 9, "repetition"),
        ("この問題を解決するためには、まずコードを確認する必要があります。", 9, "repetition"),
        ("не ", 60, "repetition"),
        (PROSE, 4, "repetition"),
        ("!", 400, "repetition"),
        ("😂", 400, "repetition"),
        ("a", 300, "repetition"),
        ("7", 400, "repetition"),
        ("</s>", 30, "repetition"),
        ("<|im_end|>", 30, "repetition"),
        ("<function=ls>\n<parameter=path>.</parameter>\n</function>\n", 5, "repetition"),
        ("\n", 700, "whitespace"),
        (" ", 1200, "whitespace"),
        ("-", 300, None),
        ("0, ", 200, None),
        ("- [ ] \n", 10, None),
        ("never ", 8, None),
    ],
    ids=repr,
)
def test_how_often_a_unit_may_stand_in_a_row(unit, copies, expected):
    assert name(judged(PROSE + unit * copies)) == expected


def test_code_may_repeat_more_often_than_prose():
    loop = "raise the flag now\n" * 25
    assert name(judged(loop)) == "repetition"
    assert judged("```python\n" + loop + "```\n") is None
    assert judged(loop, "arguments") is None


def test_the_first_copy_is_good_and_so_is_what_stands_before_it():
    unit = "And then he went back to the house and looked out of the window. "
    verdict = judged(PROSE + unit * 12)
    assert verdict.onset == len(PROSE + unit)
    assert verdict.period == len(unit)


def test_items_that_count_up_are_a_loop_and_items_with_other_numbers_are_data():
    assert (
        name(judged("".join(f"{n}. The next step is to configure the variables.\n" for n in range(7, 40)))) == "counter"
    )
    assert judged("".join(f"user{n},Passw0rd!,viewer\n" for n in range(60))) is None
    assert judged("".join(f"The request number {n * n} was served in good time.\n" for n in range(60))) is None


def test_sentences_in_changing_order_are_a_loop():
    one, two, three = (
        "The next step is to configure the environment variables. ",
        "And then he went back to the house and looked out. ",
        "The quick deployment is essential for the success of it. ",
    )
    turns = (one + two + three, two + one + three, three + two + one, one + three + two, three + one + two)
    verdict = judged(PROSE + "".join(turns[n * n % 5] + turns[n % 4] for n in range(16)))
    assert name(verdict) in ("near_duplicates", "repetition")
    assert verdict.onset >= len(PROSE)


def test_scripts_that_run_into_each_other_are_nonsense():
    salad = "mesh규模 dilтокprozess قصدnat 위clouds பாwor ldстановuser蛋糕 editar кодset여행 " * 1
    assert name(judged(PROSE + salad * 3)) == "nonsense"


def test_text_that_was_decoded_wrongly_is_seen():
    wrong = "Για να λύσουμε το πρόβλημα πρέπει πρώτα να το καταλάβουμε καλά.".encode().decode("cp1252", "replace")
    assert name(judged(PROSE + wrong * 2)) == "encoding"


def test_a_detector_that_is_not_enabled_says_nothing():
    loop = PROSE + "until " * 200
    assert judged(loop, enabled=frozenset()) is None
    assert name(judged(loop, enabled=frozenset({"repetition"}))) == "repetition"


def released(text, size=16):
    """How much a client would have been sent by the time of the verdict."""
    detectors, sent = TextDetectors(), 0
    for start in range(0, len(text), size):
        if detectors.feed(text[start : start + size]):
            break
        sent = max(sent, detectors.safe)
    return sent


def test_of_an_exact_loop_the_client_sees_the_first_copy_only():
    unit = "And then he went back to the house and looked out of the window. "
    assert released(PROSE + unit * 12) <= len(PROSE + unit)


def test_ordinary_text_arrives_at_most_a_few_hundred_characters_late():
    for answer in ANSWERS:
        if answer["label"] == "ok" and answer["kind"] == "prose":
            assert released(answer["text"]) >= len(answer["text"]) - 300


def test_nothing_is_read_after_the_verdict():
    detectors = TextDetectors()
    verdict = detectors.feed("until " * 500)
    assert verdict is not None
    assert detectors.feed("and more of it") == verdict
    assert detectors.close() == verdict
    assert detectors.safe == verdict.onset


def test_the_position_is_what_was_fed():
    detectors = TextDetectors()
    detectors.feed("a" * 7)
    detectors.feed(PROSE)
    assert detectors.position == len(PROSE) + 7


def test_every_detector_is_named_by_its_own_key_and_explained():
    assert all(key == detector.name and detector.help and detector.issue_type for key, detector in DETECTORS.items())
