"""What people see where something is refused or fails.  No report holds a key, stored or just typed."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.views.debug import ExceptionReporter

from proxysite.redaction import redacted
from routing.secrets import MASK, Secret


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
                is_key = name.endswith("key")  # which may be too short to be a secret, or stand for none
                yield from (
                    value for value in posted.getlist(name) if value and (not is_key or Secret(value).is_masked)
                )


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What is shown where Django's guard against forged forms refuses one.

    An origin is only proposed to be trusted if it is this host by another scheme or port: never somebody else's.
    """
    origin, own = request.headers.get("origin", ""), f"{request.scheme}://{request.get_host()}"
    is_ours = origin != own and _host(origin) == _host(own)
    context = {"origin": origin if is_ours else "", "own": own}
    return render(request, "proxysite/form_refused.html", context, status=403)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None
