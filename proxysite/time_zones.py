"""In which zone times are told: the log's in the machine's, a page's in that of whoever looks at it.

`admin.js` leaves the name of the browser's zone in a cookie.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

COOKIE = "time_zone"


def known(name: str) -> ZoneInfo | None:
    """The zone of that name, None where there is none: a cookie may say anything."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, KeyError, OSError):
        return None


def of_the_machine() -> str:
    """The name of its zone; UTC where that cannot be told."""
    names = (os.environ.get("TZ", ""), str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2])
    return next((name for name in names if known(name)), "UTC")


@sync_and_async_middleware
def viewers_time(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    def zone(request: HttpRequest) -> ZoneInfo | None:
        return known(request.COOKIES.get(COOKIE, ""))

    async def answer_later(request: HttpRequest) -> Any:
        with timezone.override(zone(request)):
            return await get_response(request)

    def answer(request: HttpRequest) -> Any:
        with timezone.override(zone(request)):
            return get_response(request)

    return answer_later if iscoroutinefunction(get_response) else answer
