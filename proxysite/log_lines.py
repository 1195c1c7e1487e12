"""One event, one line: what models and clients say neither begins a line of the log nor steers a terminal."""

import logging
import re

# Control characters, what reverses the direction of writing, and what else ends a line.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_LINE_END = re.compile("[\t\n]")


class LineFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return line if line.isprintable() else _LINE_END.sub(_named, line)

    def format(self, record: logging.LogRecord) -> str:
        """Tracebacks have more lines than one, and in them are the words of others too."""
        text = super().format(record)
        return text if text.isprintable() else _UNSAFE.sub(_named, text)


def _named(character: re.Match[str]) -> str:
    return repr(character[0])[1:-1]
