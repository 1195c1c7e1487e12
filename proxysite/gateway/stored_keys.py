"""Whether upstreams take the keys that are stored for them: one that is refused is for a person to mend.

Clients need not notice, for a binding's next target may answer.  Keys of their own are none of our business.
"""

import logging

from django.utils import timezone

from proxysite.gateway.alarms import Alarms, StoredKey
from routing.snapshot import Upstream

log = logging.getLogger("proxysite.gateway")

REFUSALS = (401, 403)


def watch(alarms: Alarms, upstream: Upstream, status: int) -> None:
    """Takes note of an answer's status."""
    if not upstream.key:
        return
    what = StoredKey(upstream.name, upstream.key)
    if status in REFUSALS:
        text = f"The upstream “{upstream.name}” refuses the key that is stored for it: it answered {status}."
        if alarms.failed(what, text, timezone.now()):
            log.warning("%s", text)
    elif status < 300 and alarms.works(what):
        log.info("The upstream “%s” takes the key that is stored for it.", upstream.name)
