import logging
import sys

import pytest
from django.conf import settings

from proxysite.log_lines import LineFormatter


def line(message, *arguments, exc_info=None):
    record = logging.LogRecord("proxysite", logging.INFO, "file", 1, message, arguments, exc_info)
    return LineFormatter("{levelname} {message}", style="{").format(record)


def test_a_line_of_words_is_left_as_it_is():
    assert line("The upstream “%s” said: größer → 你好", "a\\b") == "INFO The upstream “a\\b” said: größer → 你好"


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("m\n2026-01-01 ERROR all is lost", "m\\n2026-01-01 ERROR all is lost"),
        ("m\r\nx", "m\\r\\nx"),
        ("a\tb", "a\\tb"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
    ],
)
def test_words_of_others_neither_begin_a_line_nor_steer_a_terminal(said, logged):
    assert line("%s", said) == f"INFO {logged}"


def test_a_traceback_keeps_its_lines_and_loses_its_control_characters():
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        text = line("Failed.", exc_info=sys.exc_info())
    first, *more = text.split("\n")
    assert first == "INFO Failed."
    assert more[0].startswith("Traceback")
    assert more[-1] == "ValueError: \\x1b[2J"


def test_the_log_is_written_so():
    assert settings.LOGGING["formatters"]["line"]["()"] == "proxysite.log_lines.LineFormatter"


@pytest.mark.parametrize(
    "moments", [(0.0,), (1.25, 1.5, 2.75), (1_764_000_000.123, 1_764_000_059.999, 1_764_000_000.5)]
)
def test_the_time_is_that_of_the_record(moments):
    ours, theirs = LineFormatter("{asctime} {message}", style="{"), logging.Formatter("{asctime} {message}", style="{")
    for moment in moments:
        record = logging.LogRecord("a", logging.INFO, "", 0, "Hello", None, None)
        record.created, record.msecs = moment, round(moment % 1 * 1000, 3)
        assert ours.format(record) == theirs.format(record)
