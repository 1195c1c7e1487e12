"""The stream detectors on labelled answers, and the rules one by one."""

import json
import random
from pathlib import Path

import pytest

from benchmarks.good_answers import KINDS
from validation.detectors import DETECTORS, TextDetectors
from validation.detectors.nearly import may_tell_again, repeating, says_little, told_again
from validation.detectors.tail import repeated
from validation.detectors.units import is_dense

ANSWERS = [json.loads(line) for line in (Path(__file__).parent / "answers.jsonl").read_text().splitlines()]
STREAMS = {"text": "text", "reasoning": "reasoning", "tool_args": "arguments"}
PROSE = (
    "The old lighthouse keeper had not spoken to anyone for eleven days when the radio finally crackled. He let it "
    "hiss for a while, the way one lets a kettle complain before lifting it from the stove. Outside, the fog leaned "
    "against the glass, and somewhere below a rope was slapping a mast in no hurry at all.\n\n"
)


def judged(text, stream="text", size=16, enabled=None, least_sure=0.0):
    detectors = TextDetectors(enabled, stream, least_sure=least_sure)
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


JAPANESE = (
    "この問題を解決するためには、まずコードを確認する必要があります。",
    "次に設定ファイルを開いて値を変更します。",
    "最後にテストを実行して結果を見ます。",
)


def test_sentences_in_changing_order_are_a_loop_in_scripts_without_blanks_too():
    orders = ((0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 2, 1), (2, 0, 1))
    verdict = judged(PROSE + "".join(JAPANESE[one] for n in range(40) for one in orders[n * n % 7 % 5]))
    assert name(verdict) == "near_duplicates"
    assert verdict.onset >= len(PROSE)


def vocabulary(end):
    words = ["dealer", "items", "can", "lot", "use", "response", "data", "item", "system", "list", "price", "offer"]
    return "".join(words[n * n * 7 % 11 + n % 2] + end for n in range(400))


def test_a_small_vocabulary_in_any_order_is_a_loop_but_not_as_a_list():
    assert judged(PROSE + vocabulary(" ")) is not None


def test_what_repeats_is_only_a_doubt_where_repeats_are_no_garbage():
    detectors = TextDetectors(frozenset({"empty"}))
    assert detectors.feed(PROSE + "Let me check the file one more time. " * 40) is None
    assert detectors.suspicion is None
    assert detectors.doubt >= len(PROSE)


def test_what_is_not_sure_enough_does_not_hide_what_comes_after_it():
    text = PROSE + " ".join("Say it again" + "!" * n for n in range(1, 80)) + PROSE * 4
    assert name(judged(text)) == "near_duplicates"
    assert name(judged(text, least_sure=0.9)) == "repetition"
    assert judged(text, least_sure=1.0) is None


def test_tables_of_numbers_are_not_sought_for_near_duplicates():
    assert judged("".join(" ".join(str(n * m % 10) for m in range(1, 9)) + "\n" for n in range(300))) is None


def test_a_long_answer_is_read_in_bounded_memory():
    detectors = TextDetectors()
    for number in range(3000):
        assert (
            detectors.feed(f"Line {number * 7919 % 3001} holds {number * number % 9973} of them, or thereabouts.\n")
            is None
        )
    assert len(detectors._tail.text) + len(detectors._tail._bytes) <= 4 * 16384
    prose, chance = TextDetectors(), random.Random(1)
    for number in range(9000):
        prose.feed(("of", "the", "and", "to", "in", "is", "it", "as", "at")[number % 9] + " ")
        prose.feed("".join(chance.choices("aeiourstlnm", k=7)) + " ")
    assert sum(map(len, prose._tail._pieces)) <= 16384


def test_a_string_without_blanks_may_repeat_for_long():
    blob = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODkrLwBBQkNERUZHSElKS0xN"
    assert judged("Here: " + blob + "VVVV" * 100) is None
    assert name(judged("Here: " + blob + "VVVV" * 300)) == "repetition"
    assert name(judged("Here: " + blob + "VVGx" * 300)) == "repetition"


def test_rows_of_a_table_that_count_up_are_a_loop_only_when_they_say_much():
    row = "| {} | the next step is to set up what the service needs in order to start |\n"
    assert name(judged("".join(row.format(n) for n in range(5, 40)))) == "counter"
    assert judged("".join(f"| {n} | open | nobody yet |\n" for n in range(5, 20))) is None


def test_dense_text_is_one_string_without_blanks_or_many_signs():
    assert is_dense("abcdefghij" * 5)
    assert is_dense("{[(<>)]} = a;")
    assert not is_dense("The fog leaned against the glass, and somewhere below a rope was slapping.")


def test_a_small_vocabulary_in_any_order_says_little():
    chance = random.Random(3)
    words = ["lot", "use", "can", "dealer", "items", "pet", "the", "data", "stack", "queue", "open", "lock"]
    small = chance.choices(words, k=180)
    assert says_little(small)
    assert told_again(" ".join(small)) > 0
    assert not told_again("\n".join(small))  # a list of them
    assert not says_little([f"word{n}" for n in range(200)])


def test_verses_that_differ_in_a_word_may_be_many():
    verse = (
        '"Stop!" said the {}. "I want to eat you!" But the gingerbread man ran and ran. "Run, run, as fast as you can! '
        'You cannot catch me, I am the gingerbread man!"\n\n'
    )
    who = ("cow", "horse", "pig", "fox", "man", "woman", "dog")
    assert judged("".join(map(verse.format, who))) is None
    words = " ".join(verse.format("cow") for _ in range(6)).lower().split()
    assert not says_little(words)


def test_the_same_words_in_the_same_order_are_told_again_whatever_signs_stand_between():
    for said in ("more and more", "please", "no, no"):
        assert name(judged(PROSE + " ".join(said + "!" * n for n in range(1, 80)))) == "near_duplicates"
    coins = random.Random(4).choices(("heads", "tails"), k=300)
    assert not told_again(" ".join(coins))


def test_windows_that_share_words_but_no_order_are_not_the_same():
    words = [f"w{n * step % 70}" for step in (1, 3, 11) for n in range(70)]
    assert repeating(words) == 0


def test_a_short_text_repeats_nothing_yet():
    assert judged("until 1234 " * 2) is None
    assert judged("12 " * 4) is None


def test_lines_of_a_stack_may_repeat_outside_a_fence():
    assert judged(PROSE + "   obj:/home/kevin/.nvm/versions/node/v12.14.1/bin/node\n" * 20) is None


def test_a_loop_is_seen_where_the_last_number_has_only_come_in_part():
    for unit in ("Step {} of the plan is done, and the next one begins at once.\n", "{}. Wait, I should look again.\n"):
        for start in range(0, 40, 7):
            text = "x" * start + "\n" + "".join(unit.format(100 + n) for n in range(30))
            assert name(judged(text)) == "counter"
            assert name(judged("x" * start + "\n" + unit.format(1234) * 30)) == "repetition"


@pytest.mark.parametrize(
    "unit",
    [
        "मुझे फ़ाइल को एक बार फिर से जांचना चाहिए। ",
        "ฉันควรตรวจสอบไฟล์อีกครั้งเพื่อความแน่ใจ ",
        "دعنا نتحقق من الملف مرة أخرى. Ας ελέγξουμε ξανά το αρχείο. ",
    ],
)
def test_loops_are_seen_as_soon_in_scripts_whose_characters_take_many_bytes(unit):
    verdict = judged(PROSE + unit * 40)
    assert name(verdict) == "repetition"
    assert verdict.offset - len(PROSE) <= 10 * len(unit)


@pytest.mark.parametrize("text", ["abcabcabc" * 90, "xyz" + "é€😂" * 300, "a" * 1000, "ab" * 100 + "c" + "ab" * 400])
def test_how_much_repeats_is_counted_to_the_character(text):
    for period in (1, 2, 3, 9, 27, len(text)):
        counted = next((n for n in range(len(text) - period) if text[-1 - n] != text[-1 - n - period]), None)
        expected = len(text) - period if counted is None else counted
        assert repeated(text, period) == expected
        assert repeated(bytearray(text.encode("utf-32-le")), 4 * period) // 4 == expected


def test_a_loop_whose_signs_multiply_has_no_new_words():
    assert may_tell_again("".join("again and again" + "!" * n + " " for n in range(60)))
    assert may_tell_again("only a few words")
    assert not may_tell_again(" ".join(f"word{n}" for n in range(200)))


SYLLABLES = ("can", "its", "dealer", "ing", "lot", "use", "the", "ist", "data", "Sh")


def test_a_few_syllables_put_together_at_random_are_nonsense():
    text = "".join(SYLLABLES[n * n * 7 % 211 % 10] + " " * (n % 3 > 0) for n in range(400))
    assert name(judged(PROSE + text)) == "nonsense"
    assert judged(PROSE + text.replace(" ", ". ")[:900]) is None


def test_letters_of_a_genome_have_no_grammar():
    chance = random.Random(1)
    assert judged(" ".join("".join(chance.choices("acgt", k=10)) for _ in range(200))) is None


def test_names_in_latin_letters_touch_the_particles_of_many_languages():
    lines = ("Googleで開く\n", "Google에서 열기\n", "在Google中打开\n", "בGoogle\n", "Google\n", "Googleを\n") * 4
    assert judged("".join(lines)) is None
    assert name(judged("".join(lines).replace("\n", ""))) == "nonsense"


def test_a_trace_may_show_the_same_frame_several_times():
    frame = '  File "/srv/app/tree.py", line 41, in visit\n    return self.visit(node.child)\n'
    assert judged("Traceback (most recent call last):\n" + frame * 8) is None
    assert name(judged("Traceback (most recent call last):\n" + frame * 20)) == "repetition"


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_what_repeats_itself_for_a_reason_is_no_loop(make):
    text = make(random.Random(1))
    for answer, stream in ((text, "text"), (f"Here it is:\n\n```\n{text}\n```\n", "text"), (text, "arguments")):
        assert judged(answer, stream) is None


@pytest.mark.parametrize(
    "said",
    [
        "इस नाम के साथ प्रवक्ता अस्तित्व है और यह मूल्य खाली नहीं हो सकता। ",
        "다른 개인 정보와 유사한 비밀번호는 사용할 수 없습니다. ",
        "この値は空にできません。もう一度入力してください。",
        "Ця адреса електронної пошти вже використовується. ",
    ],
)
def test_text_of_every_script_is_seen_when_it_was_decoded_wrongly(said):
    assert name(judged(PROSE + (said * 4).encode().decode("cp1252", "replace"))) == "encoding"


def test_french_quotes_and_blanks_are_not_decoded_wrongly():
    assert (
        judged(
            "« Où est la gare ? » demanda‑t‑elle… « À côté de l’hôtel\u00a0», répondit René\u00a0: « c’est là\u00a0! » "
            * 3
        )
        is None
    )


def test_the_marks_of_a_tokenizer_are_seen():
    assert name(judged(PROSE + PROSE.replace(" ", "Ġ") * 2)) == "encoding"
    assert judged("▁▂▃▅▆▇ " * 12) is None


def test_a_long_paragraph_with_a_word_changed_in_each_copy_is_a_loop():
    words = PROSE.split()
    copies = (
        " ".join("perhaps" if at == 7 * n % len(words) else word for at, word in enumerate(words)) for n in range(9)
    )
    verdict = judged("\n\n".join(copies))
    assert name(verdict) == "near_duplicates"
    assert verdict.offset <= 7 * len(PROSE)


def test_words_and_numbers_without_a_stop_are_data():
    assert judged(" ".join(f"lamp {n * n % 97} boat {n * 7919 % 1009}" for n in range(120))) is None


def test_what_may_be_a_loop_of_changed_sentences_or_no_language_is_doubted_before_it_is_found():
    chance = random.Random(3)
    for text, found in ((changed(chance, 90), "near_duplicates"), (unheard(chance, 200), "nonsense")):
        detectors, doubts = TextDetectors(), []
        for start in range(0, len(text), 16):
            if detectors.feed(text[start : start + 16]):
                break
            doubts.append(detectors.doubt)
        assert name(detectors.verdict) == found
        assert doubts[-1] is not None
    assert TextDetectors().doubt is None


def changed(chance, count):
    verbs, ends = ("check", "read", "verify", "examine", "inspect"), ("once more", "in detail", "quickly", "again")
    return "".join(
        f"I should {chance.choice(verbs)} the code {chance.choice(ends)} to be sure.\n" for _ in range(count)
    )


def unheard(chance, count):
    return " ".join("".join(chance.choices("aeiourstlnmbdk", k=7)) for _ in range(count))


def test_doubt_ends_where_ordinary_text_goes_on():
    detectors, chance = TextDetectors(), random.Random(3)
    detectors.feed(changed(chance, 16))
    doubted = detectors.doubt
    little = ("of", "the", "and", "to", "in", "is", "it", "as", "at")
    detectors.feed(" ".join(unheard(chance, 2) + " " + chance.choice(little) for _ in range(150)))
    assert (doubted is not None, detectors.doubt) == (True, None)
