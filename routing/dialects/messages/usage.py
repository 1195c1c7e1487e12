"""Token counts as Anthropic has them: `input_tokens` leaves out what the cache was read for and written."""

from typing import Any

from routing.dialects.events import Usage, count, member, total
from routing.dialects.tally import Tally


def parse(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    fresh, read = count(usage.get("input_tokens")), count(usage.get("cache_read_input_tokens"))
    write = count(usage.get("cache_creation_input_tokens"))
    if write is None:  # told by how long it is kept
        kept = member(usage, "cache_creation")
        write = total(*(count(kept.get(f"ephemeral_{time}_input_tokens")) for time in ("5m", "1h")))
    return Usage(
        prompt=None if fresh is None else total(fresh, read, write),
        output=count(usage.get("output_tokens")),
        cache_read=read,
        cache_write=write,
        reasoning=count(member(usage, "output_tokens_details").get("thinking_tokens")),
    )


def prompt(tally: Tally) -> dict[str, int]:
    """The input side; all three numbers, because a missing one is a crash in some clients."""
    read, write = tally.usage.cache_read or 0, tally.usage.cache_write or 0
    return {
        "input_tokens": max(0, tally.prompt() - read - write),
        "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read,
    }


def render(tally: Tally) -> dict[str, Any]:
    rendered: dict[str, Any] = {**prompt(tally), "output_tokens": tally.output()}
    if tally.usage.reasoning is not None:
        rendered["output_tokens_details"] = {"thinking_tokens": tally.usage.reasoning}
    return rendered
