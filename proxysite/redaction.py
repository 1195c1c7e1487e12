"""The last line of defence for keys: what looks like one, or is one of ours, never reaches a log or a client."""

import logging
import re

from routing.secrets import MASK

_BEARER = re.compile(r"(?i)\b(bearer\s+|x-api-key['\"]?\s*[:=]\s*['\"]?)[\w.~+/=-]{6,}")


def redacted(text: str) -> str:
    """`text` without bearer tokens and without any key of the configuration in force."""
    from proxysite import live

    config = live.current()
    for upstream in config.routing.upstreams if config else ():
        if upstream.key and upstream.key.reveal() in text:
            text = text.replace(upstream.key.reveal(), MASK)
    return _BEARER.sub(rf"\1{MASK}", text)


class RedactSecrets(logging.Filter):
    """Rewrites a log record whose message or traceback holds a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = redacted(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        return True
