"""The arguments of calls as they come, judged before a repair that may hold them to their end: a loop has none."""

from collections.abc import Callable

from routing.dialects.events import Event, ToolArguments, ToolStart
from validation.channels import Channel, Condemned, Detectors, Stream


class Ahead:
    """A `Transform` in front of the repair: behind arguments that are garbage it says so to the gate."""

    def __init__(self, detectors: Callable[[Channel], Detectors]) -> None:
        self._make = detectors
        self._calls: dict[int, Stream] = {}

    def feed(self, event: Event) -> list[Event]:
        if type(event) is ToolStart:
            self._calls[event.key] = Stream(Channel.ARGUMENTS, self._make(Channel.ARGUMENTS), event.name)
        elif type(event) is ToolArguments:
            call = self._calls.get(event.key)
            found = call and call.feed(event.text)
            if call and found:
                return [event, Condemned(found, call)]
        return [event]

    def close(self) -> list[Event]:
        return []
