"""One event, one line: what models and clients say neither begins a line of the log nor steers a terminal."""

import logging
import re
import time

# Control characters, what reverses the direction of writing, and what else ends a line.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_LINE_END = re.compile("[\t\n]")


# What no line shows is not looked for: the place in the code, thread and process (logging's HOWTO, “Optimization”).
# Lines cost a third less so, and requests that wait for slots write several.
logging._srcfile = None  # type: ignore[assignment]
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class LineFormatter(logging.Formatter):
    _second = (-1, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """As the library has it, which works out the same second anew for each line."""
        second, text = self._second
        if second != int(record.created):
            second = int(record.created)
            text = time.strftime(datefmt or self.default_time_format, time.localtime(second))
            self._second = second, text
        return f"{text},{int(record.msecs):03d}"

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return line if line.isprintable() else _LINE_END.sub(_named, line)

    def format(self, record: logging.LogRecord) -> str:
        """Tracebacks have more lines than one, and in them are the words of others too."""
        text = super().format(record)
        return text if text.isprintable() else _UNSAFE.sub(_named, text)


def _named(character: re.Match[str]) -> str:
    return repr(character[0])[1:-1]
