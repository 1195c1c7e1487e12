"""What good answers do that looks like a loop or like no language, and where it ends."""

import json
import random

import pytest

from tests.validation.test_detectors import PROSE, judged, name
from validation.detectors.nonsense import leaves_open
from validation.detectors.units import counts_up

COUNTED = range(3, 45)


def rows(line, numbers=COUNTED):
    return "".join(line.format(n) + "\n" for n in numbers)


@pytest.mark.parametrize(
    "line",
    [
        "64 bytes from localhost (127.0.0.1): icmp_seq={} ttl=64 time=0.03 ms",
        "-A INPUT -s 10.0.{}.0/24 -j ACCEPT",
        "-rw-r--r-- 1 root root     0 Jan  1 00:00 file{}.txt",
        "2026-01-01 00:00:{} kernel: usb 1-1: reset high-speed USB device number 2 using xhci_hcd",
        "246 mod {} is not 0, so it is not a factor.",
        "{}\tTrue\tFalse\tNone",
        "Set {}: 10 reps, rest 60 seconds",
        'Card {}: <p class="text">Lorem ipsum dolor sit amet.</p> <a href="#">Read more</a>',
    ],
)
def test_rows_that_count_are_data_where_they_say_other_numbers_or_code(line):
    assert judged(rows(line)) is None


def test_a_sentence_that_counts_may_name_another_number_for_a_while():
    line = "At half past 12 I tried approach number {} and it did not work for the reason that was given before."
    assert judged(rows(line, range(5, 25))) is None
    assert name(judged(rows(line, range(5, 60)))) == "counter"


CONSTANT = "    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,\n"


@pytest.mark.parametrize(
    "text",
    [
        "[" + "false, " * 60 + "true]",
        CONSTANT * 30,
        "⬛⬜" * 8 + "\n",
        ("⬛⬜" * 8 + "\n" + "⬜⬛" * 8 + "\n") * 6,
        ("X O " * 7 + "\n" + "O X " * 7 + "\n") * 7,
        "- type: text\n  required: false\n  default: null\n" * 12,
        "\tat com.example.Tree.visit(Tree.java:42)\n" * 14,
        "    LB_Alphabetic,\n    LB_Combining_Mark,\n" * 12,
        "MachineState.ITS_ME," * 16,
    ],
)
def test_values_boards_and_lines_of_code_may_repeat_without_a_fence(text):
    assert judged(PROSE + text) is None


def test_what_is_escaped_is_judged_as_what_it_stands_for():
    rule, form = "─" * 300, ("_" * 60 + "\n") * 20
    assert judged(json.dumps({"content": rule}), "arguments") is None
    assert judged(json.dumps({"content": form}), "arguments") is None
    assert name(judged('{"content": "' + "\\n" * 300, "arguments")) == "repetition"
    assert name(judged('{"content": "' + "\\u2500" * 3000, "arguments")) == "repetition"
    assert name(judged('{"content": "' + "\\\\" * 600, "arguments")) == "repetition"


def test_lines_of_many_scripts_do_not_run_into_each_other_where_the_line_ends_are_escaped():
    greetings = ["Привет", "こんにちは", "안녕하세요", "สวัสดี", "नमस्ते", "مرحبا", "שלום", "வணக்கம்", "Hello"] * 6
    assert judged(json.dumps({"content": "\n".join(greetings)}, ensure_ascii=False), "arguments") is None
    assert name(judged(json.dumps({"content": "".join(greetings)}, ensure_ascii=False), "arguments")) == "nonsense"


def test_a_table_of_what_is_decoded_wrongly_is_no_text_that_was():
    table = "".join(
        f"| {chr(n)} | {n:02X} | {chr(n).encode().decode('cp1252', 'replace')} |\n" for n in range(161, 192)
    )
    assert judged(table) is None


HEADER = (
    "constexpr bool\n    operator{}(const optional<_Tp>& __lhs, const optional<_Up>& __rhs) noexcept\n"
    "    {{ return __lhs._M_get() {} __rhs._M_get(); }}\n\n  template<typename _Tp, typename _Up>\n    "
)


def test_code_without_a_fence_is_not_sought_for_near_duplicates():
    signs = random.Random(1).choices(("<", ">", "<=", ">=", "==", "!="), k=40)
    assert judged("".join(HEADER.format(sign, sign) for sign in signs)) is None


def test_songs_that_count_in_words_may_have_many_verses():
    verse = (
        "{} little monkeys jumping on the bed,\nOne fell off and bumped his head.\nMama called the doctor and the "
        'doctor said,\n"No more monkeys jumping on the bed!"\n\n'
    )
    count = ("Ten", "Nine", "Eight", "Seven", "Six", "Five", "Four", "Three", "Two", "One")
    assert judged("".join(map(verse.format, count))) is None
    assert name(judged("".join(verse.format(word) for word in ("Fat", "Wet", "Fat", "Sad") * 5))) == "near_duplicates"


def test_a_truth_table_in_sentences_is_data():
    said = ["true", "false"]
    cases = [(a, b, c, d) for a in said for b in said for c in said for d in said]
    line = "If the door is {} and the lamp is {} and the key is {} and the box is {}, then the result is accepted.\n"
    assert judged("".join(line.format(*case) for case in cases)) is None


def test_moves_between_named_places_are_data():
    chance = random.Random(2)
    moves = (chance.sample("ABC", 2) for _ in range(120))
    assert judged("".join(f"Move the top disk from peg {a} to peg {b}.\n" for a, b in moves)) is None


def test_a_list_of_tasks_is_told_again_when_one_is_done():
    tasks = ("read the configuration file", "check the syntax of it", "write the new parser", "run all the tests")
    states = (
        "".join(f"- [{'x' if at < done else ' '}] {task}\n" for at, task in enumerate(tasks)) for done in range(5)
    )
    assert judged("\n".join(["Progress so far:\n" + state for state in states] * 3)) is None


def test_sentences_of_a_language_that_is_not_known_have_stops():
    chance = random.Random(5)
    words = ["".join(chance.choices("aeioukhwnlbsmy", k=7)) for _ in range(400)]
    sentences = (" ".join(words[at : at + 8]).capitalize() + ". " for at in range(0, 400, 8))
    assert judged("".join(sentences)) is None
    assert name(judged(" ".join(words))) == "nonsense"
    assert judged(" ".join(sorted(words))) is None
    assert judged("\n".join(" ".join(words[at : at + 5]).title() for at in range(0, 400, 5))) is None


def test_names_of_programs_that_run_into_each_other_are_nonsense_although_they_have_signs():
    chance = random.Random(8)
    names = ("setContent", "Debugger", "gettextOf", "VectorClass", "mxArray", "Church", "raspberry", "purified")
    ends = (" ", " ", "", ".", "(", " ", "[", " ", "/", "'")
    words = ("".join(chance.choices("aeiorstlnmbd", k=3)) + chance.choice(names) for _ in range(400))
    text = "".join(word + chance.choice(ends) for word in words)
    assert name(judged(text)) == "nonsense"
    assert judged("".join(f"{one}Of({one}), " for one in text.split())[:3000]) is None


def test_punctuation_without_a_word_is_nonsense_but_morse_code_is_not():
    chance = random.Random(9)
    assert name(judged(PROSE + "".join(chance.choices(",.;:!?-'\" ", k=1500)))) == "nonsense"
    assert name(judged(PROSE + "".join(chance.choices("，。、；：？！…—", k=1500)))) == "nonsense"
    assert name(judged(PROSE + "".join(chance.choices("\u200b\u200c\u200d\u2060", k=1500)))) == "nonsense"
    assert judged(PROSE + " ".join(chance.choices((".-", "-...", "-.-.", "-..", ".", "/"), k=600))) is None


def test_a_fraction_that_repeats_is_garbage_only_after_hundreds_of_digits():
    assert judged("1/7 = 0." + "142857" * 60) is None
    assert name(judged("1/7 = 0." + "142857" * 300)) == "repetition"
    assert judged("pi = 3." + "".join(random.Random(1).choices("0123456789", k=2000))) is None


def test_long_texts_that_stand_twice_are_good_and_more_are_not():
    chance = random.Random(11)
    little = ("of", "the", "and", "to", "in", "is", "it", "as", "at")
    text = " ".join(chance.choice(little) + " " + "".join(chance.choices("aeiourstlnm", k=7)) for _ in range(220))
    assert judged(f"{text}\n\n" * 2) is None
    assert name(judged(f"{text}\n\n" * 3)) == "repetition"


def test_only_brackets_without_a_partner_are_left_open():
    assert leaves_open("Rental(Resources gram [G.Debugger kit') instance{")
    assert not leaves_open("(define (square x) [* x {x}])")


def test_what_has_no_number_or_a_very_long_one_does_not_count():
    assert not counts_up("This is what I need to know. " * 12, 12, code=False)
    serial = "The serial number {} was read from the label. "
    assert not counts_up("".join(serial.format(10**12 + n) for n in range(12)), 12, code=False)
