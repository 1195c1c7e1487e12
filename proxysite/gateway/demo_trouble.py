"""The demo's models that give trouble, as real servers do, so that one can see what the proxy makes of it.

`demo-flaky` refuses a request the first time, and says when to come again; `demo-dead` breaks the connection instead of
answering; `demo-cut` breaks it in the middle of its answer.
"""

from collections import OrderedDict
from hashlib import blake2b

FLAKY, DEAD, CUT = "demo-flaky", "demo-dead", "demo-cut"

RETRY_AFTER = {"retry-after-ms": "300", "retry-after": "1"}
REFUSAL = {
    "type": "error",
    "error": {"type": "rate_limit_error", "message": "demo-flaky refuses every first try, and no second."},
}

_REMEMBERED = 256  # refused requests that have not come back


class Refusals:
    """Which requests were refused once: the same bytes are answered when they come again."""

    def __init__(self) -> None:
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    def refuses(self, content: bytes) -> bool:
        digest = blake2b(content, digest_size=16).digest()
        if digest in self._refused:
            del self._refused[digest]
            return False
        self._refused[digest] = None
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        return True


def half(words: list[str]) -> list[str]:
    """What is said before the connection breaks."""
    return words[: max(1, len(words) // 2)]
