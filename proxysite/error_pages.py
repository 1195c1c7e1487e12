"""Django's error reports, without keys: neither one that is in force nor one that was just typed into a form."""

from collections.abc import Iterator
from typing import Any

from django.utils.html import escape
from django.views.debug import ExceptionReporter

from proxysite.redaction import redacted
from routing.secrets import MASK


class ErrorReporter(ExceptionReporter):
    def get_traceback_html(self) -> str:
        return self._without_keys(super().get_traceback_html())

    def get_traceback_text(self) -> str:
        return self._without_keys(super().get_traceback_text())

    def _without_keys(self, text: str) -> str:
        for key in self._typed():
            for spelling in {key, escape(key), escape(repr(key)[1:-1])}:
                text = text.replace(spelling, MASK)
        return redacted(text)

    def _typed(self) -> Iterator[str]:
        posted: Any = getattr(self.request, "POST", {}) if self.request else {}
        for name in posted:
            if name.endswith(("key", "password", "password1", "password2")):
                yield from (value for value in posted.getlist(name) if value)
