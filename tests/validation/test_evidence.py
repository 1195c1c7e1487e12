"""Whether a text bears out what a validator model says of it."""

import pytest

from validation.evidence import reads_as_language, repeats

PROSE = (
    "The tide comes in twice a day along this coast, and the fishermen know its hours better than the clock in the "
    "church. Early in the morning they push the boats over the wet sand, talk little, and look at the sky. Whoever "
    "sleeps late finds the harbour empty. In winter the wind turns north and nobody goes out for weeks; then nets are "
    "mended, stories are told, and the price of bread is discussed as if it were the fate of nations. When spring is "
    "near, the first warm evening brings everybody to the quay, where an old man plays the same three songs as ever."
)
CHINESE = (
    "他们每天早上在河边散步，然后去市场买新鲜的蔬菜和水果。老人说，这条河以前更宽，水也更清，孩子们夏天都在里面游泳。"
)
CODE = "```python\nfor row in rows:\n    total += row.price * row.count\n```\n"
LIST = "\n".join(f"sweet {fruit}" for fruit in ("apples", "pears", "plums", "cherries", "quinces", "figs", "medlars"))
LOOP = "I will check the file again. "


@pytest.mark.parametrize(
    ("text", "quote", "first_repeat"),
    [
        (PROSE + LOOP * 4, "I will check the file again.", len(PROSE + LOOP)),
        (PROSE + LOOP * 4, "I will check\n the  file again.", len(PROSE + LOOP)),
        (PROSE + "ha " * 40, "ha", len(PROSE) + 3),
        ("Item 1: done and sent. Item 2: done and sent. Item 3: done and sent.", "done and sent.", 31),
    ],
)
def test_what_is_quoted_stands_there_three_times_in_a_row(text, quote, first_repeat):
    assert repeats(text, quote) == first_repeat


@pytest.mark.parametrize(
    "quote",
    ["", "the", "this is not in it", "the fishermen know its hours", "in", "  ", "(", "The tide comes in twice a day"],
)
def test_good_text_does_not_repeat_whatever_is_quoted(quote):
    assert repeats(PROSE, quote) is None


@pytest.mark.parametrize("unit", ["garbage ", "a", "loop the loop. ", LOOP, "一遍又一遍地说。", PROSE + "\n\n"])
def test_copies_in_a_row_are_seen_without_a_quote(unit):
    text = "Something else before it, of some length. " + unit * (30 if len(unit) < 12 else 4)
    found = repeats(text)
    assert found is not None
    assert 42 <= found <= 42 + 2 * max(len(unit), 16)


def test_a_quote_that_is_longer_than_any_loop_is_not_looked_for():
    assert repeats(LOOP * 5, "word " * 50_000) == len(LOOP)


def test_a_wrong_quote_does_not_hide_what_repeats():
    assert repeats(LOOP * 5, "something that is not there") == len(LOOP)


DATA = "".join(f"On day {day} the keeper of lamp {day * 7} wrote to harbour {day * 3}. " for day in range(1, 60))


def test_text_in_which_several_numbers_change_is_data():
    assert repeats(DATA) is None
    assert repeats(DATA, "let me check") is None


def test_numbers_that_come_and_go_are_no_copies():
    assert repeats("row1 is complete. row is complete. row is complete2. row is complete. ") is None


def test_copies_may_count_up():
    assert repeats("".join(f"Step {n}: looked at the file, found nothing.\n" for n in range(8, 14))) is not None


def test_few_phrases_used_over_and_over_repeat():
    phrases = ["the cat sat", "on the mat", "and it slept"]
    order = "0"
    while len(order) < 50:  # a word in which nothing stands even twice in a row
        order = "".join({"0": "012", "1": "02", "2": "1"}[letter] for letter in order)
    assert repeats(" ".join(phrases[int(number)] for number in order)) == 0


@pytest.mark.parametrize(
    "text", ["", "a b", "No. No. Yes.", PROSE, CHINESE, CODE, "Title\n" + "-" * 80 + "\n" + PROSE, " " * 100 + PROSE]
)
def test_ordinary_text_does_not_repeat(text):
    assert repeats(text) is None


@pytest.mark.parametrize("unit", ["| yes | no | – |\n", "```text\nthe same line\nthe same line\nthe same line\n"])
@pytest.mark.parametrize("quote", ["", "| yes | no | – |", "the same line"])
def test_equal_lines_of_tables_and_code_are_nothing_unusual(unit, quote):
    assert repeats(unit * 4 if unit.startswith("|") else unit, quote) is None
    assert repeats(unit * 9 if unit.startswith("|") else unit + "the same line\n" * 6, quote) is not None


def test_a_flood_of_signs_repeats():
    assert repeats("!" * 300) == 1


@pytest.mark.parametrize(
    "text", [PROSE, CHINESE, CODE, "```\nhalf of a block", "| a | b |\n|---|---|\n| 1 | 2 |", LIST]
)
def test_language_code_and_tables_are_no_gibberish(text):
    assert reads_as_language(text)


@pytest.mark.parametrize(
    "text", ["asdf qwer zxcv uiop hjkl vbnm", "lamp fjord quickly seven banana velvet nine tractor", "", "龘靐齉爩龖麤"]
)
def test_words_thrown_together_are_no_language(text):
    assert not reads_as_language(text)
