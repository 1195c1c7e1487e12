"""What goes wrong behind the back of clients: nothing fails for them, and yet a person should know.  Pure.

An alarm stands from the first failure of something until it works again, or until it is old news.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from routing.secrets import Secret

FORGOTTEN_AFTER = timedelta(hours=24)
MOST = 20  # at once


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Of an upstream.  With another key it is another one, of which nothing is known."""

    upstream: str
    key: Secret


What = str | StoredKey  # a validator's name, or a key


@dataclass(frozen=True, slots=True)
class Alarm:
    what: What
    text: str  # of the newest failure
    since: datetime
    last: datetime
    count: int = 1


class Alarms:
    """Whoever reads them, in whatever thread, gets one value of them all."""

    def __init__(self) -> None:
        self._standing: tuple[Alarm, ...] = ()

    def failed(self, what: What, text: str, at: datetime) -> bool:
        """Whether that is news."""
        before = next((alarm for alarm in self._standing if alarm.what == what), None)
        others = tuple(alarm for alarm in self._standing if alarm.what != what)
        if before is None:
            self._standing = (*others, Alarm(what, text, at, at))[-MOST:]
        else:
            self._standing = (*others, replace(before, text=text, last=at, count=before.count + 1))
        return before is None

    def works(self, what: What) -> bool:
        """Whether there was an alarm."""
        if not any(alarm.what == what for alarm in self._standing):
            return False
        self._standing = tuple(alarm for alarm in self._standing if alarm.what != what)
        return True

    def standing(self, now: datetime) -> tuple[Alarm, ...]:
        return tuple(alarm for alarm in self._standing if now - alarm.last < FORGOTTEN_AFTER)
