"""When a provider says that a refused request may come again, in every form they say it in.  Pure.

Headers come first (`retry-after-ms`, `retry-after`, then the reset times of the limits), the text of the answer last.
All times are seconds from `now`, which is a unix time; never negative.
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from email.utils import mktime_tz, parsedate_tz
from math import ceil

Pairs = Iterable[tuple[bytes, bytes]]

_UNITS: Mapping[str, float] = {
    "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9,
}  # fmt: skip
MOST_FOR_CLIENTS = 60.0  # SDKs give up, or ignore the hint, when it is much longer

_PART = r"\d+(?:\.\d+)?(?:ms|us|µs|μs|ns|d|h|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+", re.IGNORECASE | re.ASCII)
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|μs|ns|d|h|m|s)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_SPOKEN = _PART.replace("(?:ms", r"\s?(?:ms", 1)
_WORDS = re.compile(
    rf"(?:try again|retry|wait)(?:\s+\w+)?\s+(?:in|after|for)\s+(?:about\s+)?(?:({_SPOKEN}(?:\s*{_SPOKEN})*)\b"
    r"|(\d+(?:\.\d+)?)\s*(seconds?|secs?|minutes?|mins?|hours?|milliseconds?)\b)",
    re.IGNORECASE | re.ASCII,
)
_IN_BODY = re.compile(r'"(?:retry_after|retryDelay|retry_after_seconds)"\s*:\s*"?(\d+(?:\.\d+)?)s?\b', re.ASCII)

_RESET = re.compile(r"(?:(?:x|anthropic)-)?ratelimit-(?:(.+)-)?reset(?:-(.+))?")
_LONGEST_BODY = 16384  # characters in which a text is looked for


def wait_hint(headers: Pairs, body: bytes, now: float) -> float | None:
    """What the answer to a rate limit says about when to come again; None if it says nothing."""
    fields = _fields(headers)
    for hint in (_retry_after(fields, now), _reset(fields, now)):
        if hint is not None:
            return hint
    return in_text(body)


def retry_after(headers: Pairs, now: float) -> float | None:
    """What `retry-after-ms` or `retry-after` say.  The only hint to trust in an answer that is no rate limit."""
    return _retry_after(_fields(headers), now)


def in_text(body: bytes) -> float | None:
    """“Please try again in 11.054s”, and its relatives."""
    text = body[:_LONGEST_BODY].decode(errors="replace")
    if found := _WORDS.search(text):
        if found[1]:
            return _duration(re.sub(r"\s+", "", found[1]))
        return float(found[2]) * _word_unit(found[3].lower())
    if found := _IN_BODY.search(text):
        return float(found[1])
    return None


def for_client(seconds: float) -> str:
    """The `retry-after` to send on: whole seconds, not more than SDKs will wait for."""
    return str(ceil(min(seconds, MOST_FOR_CLIENTS)))


def seconds_until(text: str, now: float) -> float | None:
    """Reads a reset: `6m0s`, `12ms`, seconds, unix seconds or milliseconds, RFC 3339, HTTP-date; None for the rest."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _number(float(text), now)
    if _DURATION.fullmatch(text):
        return _duration(text)
    moment = _timestamp(text)
    return None if moment is None else max(0.0, moment - now)


def _retry_after(fields: Mapping[str, str], now: float) -> float | None:
    milliseconds = fields.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds) and float(milliseconds) >= 0:
        return float(milliseconds) / 1000
    return seconds_until(fields.get("retry-after", ""), now)


def _reset(fields: Mapping[str, str], now: float) -> float | None:
    """The longest reset of the limits that are used up; if none says so, the shortest of those that are not full."""
    used_up: list[float] = []
    others: list[float] = []
    for name, text in fields.items():
        seconds = seconds_until(text, now) if _RESET.fullmatch(name) else None
        if seconds is not None:
            remaining = fields.get(name.replace("reset", "remaining"), "").strip()
            nothing_left = _NUMBER.fullmatch(remaining) and float(remaining) <= 0
            (used_up if nothing_left else others).append(seconds)
    return max(used_up) if used_up else min(others, default=None)


def _fields(headers: Pairs) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _number(value: float, now: float) -> float | None:
    """A number may be a duration, a unix time in seconds or one in milliseconds; -1 means that nobody knows."""
    if value == -1:
        return None
    if value < 1e9:
        return max(0.0, value)
    return max(0.0, (value / 1000 if value >= 1e11 else value) - now)


def _duration(text: str) -> float:
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in _PARTS.findall(text))


def _word_unit(word: str) -> float:
    if word.startswith("milli"):
        return 1e-3
    return {"s": 1.0, "m": 60.0, "h": 3600.0}[word[0]]


def _timestamp(text: str) -> float | None:
    """The unix time of an RFC 3339 timestamp (of UTC if it names no zone) or an HTTP-date."""
    if found := _TIMESTAMP.fullmatch(text):
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        try:
            moment = calendar.timegm((year, month, day, hour, minute, second)) + float(found[7] or 0)
        except ValueError:
            return None
        if found[8]:
            offset = int(found[9]) * 3600 + int(found[10]) * 60
            moment -= offset if found[8] == "+" else -offset
        return moment
    try:
        parts = parsedate_tz(text)
        return None if parts is None else float(mktime_tz(parts))
    except (ValueError, OverflowError):
        return None
