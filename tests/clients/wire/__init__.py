"""How the scripted upstream speaks and listens in each dialect.

Each module has `answer`, which says a turn as a real server streams it (or whole, when no stream was asked for), and
`heard`, which reads a request as strictly as the strictest real server: what such a server would refuse is a fault.
"""

from types import ModuleType

from tests.clients.wire import chat, messages, responses

WIRES: dict[str, ModuleType] = {"chat": chat, "messages": messages, "responses": responses}


def spoken_at(path: str) -> ModuleType:
    """The dialect of a request that came to this path."""
    return next(wire for wire in WIRES.values() if path.endswith(f"/{wire.PATH}"))
