"""Who may use the proxy.  With `LOCAL_API_KEY` only a request that brings one of its keys is answered.

The key is for us alone: what follows never sees it, so it goes to no upstream, whosever key those are sent.
"""

import hmac
from collections.abc import Sequence

from routing.errors import Unauthorized
from routing.headers import CREDENTIALS, Headers
from routing.secrets import Secret

OPEN = frozenset({("GET", "health"), ("HEAD", "health"), ("HEAD", "")})  # probes of those who have no key


def admitted(headers: Headers, keys: Sequence[Secret]) -> Headers:
    """The headers without ours of the keys in them.  Raises Unauthorized when there is none."""
    left = [header for header in headers if not (header[0] in CREDENTIALS and _is_ours(header[1], keys))]
    if len(left) == len(headers):
        brought = any(name in CREDENTIALS for name, _ in headers)
        what = "The key that was sent is none of the proxy's own" if brought else "The proxy wants a key of its own"
        raise Unauthorized(
            f"{what}: send one of LOCAL_API_KEY as “Authorization: Bearer …” or as “x-api-key”.",
            headers=(("www-authenticate", "Bearer"),),
        )
    return left


def _is_ours(value: bytes, keys: Sequence[Secret]) -> bool:
    """Compared in the same time whether much or little of it is right."""
    scheme, _, token = value.partition(b" ")
    brought = token.strip() if scheme.lower() == b"bearer" else value.strip()
    return any(hmac.compare_digest(brought, key.reveal().encode()) for key in keys)
