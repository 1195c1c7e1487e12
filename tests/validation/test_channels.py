"""What of one channel may go on, above all while its window is small and the detectors have not looked."""

import pytest

from validation.channels import FIRST_WINDOW, FULL_WINDOW, LONGEST_WINDOW, Channel, Stream, repeating

PROSE = "The harbour of the old town lies behind a long wall of grey stone, and in winter nobody comes but fishermen. "
LINE = "Then he looked at the lamp once more. "
UNITS = ["!", "The ", "until ", "</think>\n", "哈哈", "😀🎉 okay! ", LINE, PROSE]
every_unit = pytest.mark.parametrize("unit", UNITS)


class Blind:
    """Detectors that have not looked yet."""

    suspicion = doubt = None
    seeks_repeats = True

    def feed(self, text):
        return None

    def close(self, finish_reason=""):
        return None


def most_safe(text, size=3):
    """How far it may have gone at any time."""
    stream, most = Stream(Channel.TEXT, Blind()), 0
    for at in range(0, len(text), size):
        stream.feed(text[at : at + size])
        most = max(most, stream.safe)
    return most


def behind(size):
    return size - min(LONGEST_WINDOW, FIRST_WINDOW + size // 4)


@every_unit
@pytest.mark.parametrize("before", [30, 60, 100, 108])
def test_no_repeat_goes_on_before_the_detectors_have_looked(unit, before):
    text = (PROSE[:before] + unit * FULL_WINDOW)[:FULL_WINDOW]
    assert most_safe(text) <= before + len(unit)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if len(unit) < FIRST_WINDOW // 2])
def test_nothing_goes_on_of_a_loop_from_the_first_word_on(unit):
    assert most_safe((unit * FULL_WINDOW)[:FULL_WINDOW]) == 0


def test_nor_does_it_where_the_detectors_suspect_that():
    stream = Stream(Channel.TEXT, Blind())
    stream.feed("The " * FULL_WINDOW)
    stream.detectors.suspicion = 4
    assert stream.safe == 0
    stream.detectors.suspicion = 400
    assert stream.safe == 400


def test_repeats_go_on_where_nobody_seeks_them():
    stream = Stream(Channel.TEXT, Blind())
    stream.detectors.seeks_repeats = False
    stream.feed(LINE * 3)
    assert stream.safe == behind(stream.size)


def test_a_repeat_that_has_come_to_its_end_goes_on():
    stream = Stream(Channel.TEXT, Blind())
    stream.feed(LINE * 3)
    assert stream.safe == len(LINE)
    stream.feed("But it was dark.")
    assert stream.safe == behind(stream.size)


def test_what_is_shorter_than_the_window_does_not_hold_more_than_that():
    stream = Stream(Channel.TEXT, Blind())
    stream.feed(PROSE + "A wall of grey stone, and in")
    assert stream.safe == behind(stream.size)


def test_when_the_window_has_its_size_the_detectors_have_looked():
    stream = Stream(Channel.TEXT, Blind())
    stream.feed("x" * (FULL_WINDOW + 1))
    assert stream.safe == behind(stream.size)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("short", 5),
        ("nothing of this is said again", 29),
        ("." * 40, 1),
        ("One day\n" + LINE * 2, 8 + len(LINE)),
        ("One day\n" + LINE * 4, 8 + len(LINE)),
        (LINE + "And so on: " + LINE, len(LINE) + 11),
        # The nearest place where the last words stand is not always where the longest repeat begins.
        (PROSE + "Somebody comes but fishermen. " + PROSE, len(PROSE) + 30),
    ],
)
def test_where_a_text_begins_to_be_said_again(text, again):
    assert repeating(text) == again
