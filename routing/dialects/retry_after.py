"""When an upstream says that the same request may come again, in every form that is seen in the wild."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_FOR_CLIENTS = 60.0  # SDKs give up, or ignore the hint, when it is much longer

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_UNIT = r"(?:ms|us|µs|μs|ns|d|h|m|s)"  # ms before m
_DURATION = re.compile(rf"(?:\d+(?:\.\d+)?{_UNIT})+")
_PIECE = re.compile(rf"(\d+(?:\.\d+)?)({_UNIT})")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_IN_MESSAGE = re.compile(rf"(?:try|retry) again (?:in|after) ((?:\d+(?:\.\d+)?\s?{_UNIT}\s?)+)", re.IGNORECASE)

# Above these a bare number is a moment, not a stretch of time.
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e11


def retry_after_seconds(headers: Mapping[str, str], now: float, message: str = "") -> float | None:
    """Seconds to wait, None when nothing says so.  `headers` have lower-case names; `now` is in epoch seconds.

    The order is that of the SDKs: retry-after-ms, retry-after; then the resets of limits that are used up, else the
    reset that comes last; then the sentence of the error.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds):
        return max(0.0, float(milliseconds) / 1000)
    wait = moment_or_duration(headers.get("retry-after", ""), now)
    if wait is not None:
        return wait
    resets = list(_resets(headers, now))
    used_up = [wait for is_used_up, wait in resets if is_used_up]
    if used_up or resets:
        return max(used_up or [wait for _, wait in resets])
    found = _IN_MESSAGE.search(message)
    return duration("".join(found.group(1).split())) if found else None


def for_client(seconds: float) -> str:
    """The header to send on: whole seconds, not more than SDKs will wait for."""
    return str(int(-(-min(seconds, MOST_FOR_CLIENTS) // 1)))


def moment_or_duration(value: str, now: float) -> float | None:
    """Seconds from now, of a duration, a bare number, an RFC 3339 time or an HTTP date; None of anything else."""
    value = value.strip()
    if not value or value == "-1":
        return None
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH_MILLISECONDS:
            return max(0.0, number / 1000 - now)
        return max(0.0, number - now if number >= _EPOCH_SECONDS else number)
    if (seconds := duration(value)) is not None:
        return seconds
    moment = _moment(value)
    return None if moment is None else max(0.0, moment - now)


def duration(value: str) -> float | None:
    """Go's form: 6m0s, 1m30.951s, 12ms."""
    if not _DURATION.fullmatch(value):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(value))


def _moment(value: str) -> float | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _resets(headers: Mapping[str, str], now: float) -> Iterable[tuple[bool, float]]:
    """(is this limit used up, seconds until it is reset) of every limit that the headers tell of."""
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        wait = moment_or_duration(value, now)
        if wait is not None:
            yield headers.get(name.replace("reset", "remaining"), "").strip() == "0", wait
