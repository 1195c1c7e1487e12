"""An answer of plain bytes that breaks off: no event can tell the client, so the view raises and the server cuts."""

import logging

from routing.errors import ProxyError


class AlreadyTold(logging.Filter):
    """Servers log whatever an application raises, with its traceback; that an upstream broke off was said in a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], ProxyError))
