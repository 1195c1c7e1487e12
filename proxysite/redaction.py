"""The last line of defence for keys: what looks like one, or is one of ours, never reaches a log or a client."""

import logging
import re
from collections.abc import Iterable

from routing.secrets import MASK, Secret
from routing.snapshot import Upstream

_LOOKS_LIKE_A_KEY = re.compile(
    r"""(?ix) (
        \b bearer \s+
      | \b (?: x-api-key | api[-_]?key ) ["']? \s* [:=] \s* b?["']?
      | \b (?= sk-[\w-]{16} )
    ) [\w.~+/=-]{6,}"""
)
_MARKS = ("bearer", "key", "sk-")  # one of them is in all that the expression finds


LONGEST_KEY = 1024  # characters; what is cut is looked at so far beyond the cut, which may go through a key

_hidden: tuple[Secret, ...] = ()


def hide(keys: Iterable[Secret]) -> None:
    """The keys of the configuration in force, told by `proxysite.live`.  Before the first load none is in memory."""
    global _hidden
    secret = (key for key in keys if key.is_masked)
    _hidden = tuple(sorted(secret, key=lambda key: len(key.reveal()), reverse=True))  # one may be part of another


def redacted(text: str) -> str:
    """`text` without bearer tokens and without any key of the configuration in force."""
    for key in _hidden:
        text = text.replace(key.reveal(), MASK)
    folded = text.casefold()
    if not any(mark in folded for mark in _MARKS):  # nearly every line of a log: a sixth of the expression's cost
        return text
    return _LOOKS_LIKE_A_KEY.sub(rf"\1{MASK}", text)


class RedactSecrets(logging.Filter):
    """Rewrites a log record whose message or traceback holds a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception:  # arguments that do not fit the message: the handler reports that
            return True
        clean = redacted(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redacted(record.exc_text)
        return True


def without_keys(body: bytes, upstream: Upstream) -> bytes:
    """An upstream's refusal without the key we sent it: some quote what they were sent."""
    if upstream.key and upstream.key.is_masked and (key := upstream.key.reveal().encode()) in body:
        return body.replace(key, MASK.encode())
    return body
