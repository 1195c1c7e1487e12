"""The tools a request offers: which of them a model meant, and what they take."""

import re
from collections.abc import Collection, Mapping
from typing import Any

_LONGEST_NAME = 512  # with what models put around it
_SEPARATORS = re.compile(r"[-_ ]")
_CONTROL = re.compile(r"<[|｜/]|<\w")
_COUNTER = re.compile(r"(?:call[_-]?)?\d+")
_RUN_TOGETHER = re.compile(r"functions?[._]?(.+?)[._:!]?\d*")


class Tools:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._folded: dict[str, list[str]] = {}
        for name in schemas:
            self._folded.setdefault(_folded(name), []).append(name)

    def resolve(self, name: str) -> str | None:
        """The offered name that was meant: itself, or the only one left without what models put around it."""
        name = name.strip()
        if name in self._schemas:
            return name
        if len(name) > _LONGEST_NAME:
            return None
        if control := _CONTROL.search(name):
            name = name[: control.start()].strip()
        while name not in self._schemas:
            alike = self._folded.get(_folded(name), ())
            if len(alike) == 1:
                return alike[0]
            namespace, _, name = name.partition(".")
            if not name or not namespace:
                return None
        return name

    def of_kimi_id(self, id: str) -> str | None:
        """Of `functions.NAME:N` and what models make of it."""
        id = id.strip()
        name, _, counter = id.rpartition(":")
        if name and counter.isdigit():
            return self.resolve(name)
        if found := self.resolve(id):
            return found
        if run_together := _RUN_TOGETHER.fullmatch(id):
            return self.resolve(run_together[1])
        return None

    def of_keys(self, keys: Collection[str]) -> str | None:
        """The tool that these arguments fit: the only one there is, or the only one that declares them all."""
        if len(self._schemas) == 1:
            return next(iter(self._schemas))
        fitting = [
            name
            for name in self._schemas
            if set(keys) <= set(self.properties(name)) and set(self.required(name)) <= set(keys)
        ]
        return fitting[0] if len(fitting) == 1 and keys else None

    def beginning(self, text: str) -> str | None:
        """The longest offered name that the text begins with."""
        return max((name for name in self._schemas if text.startswith(name)), key=len, default=None)

    def schema(self, name: str) -> Any:
        return self._schemas.get(name)

    def properties(self, name: str) -> Mapping[str, Any]:
        return properties_of(self.schema(name))

    def required(self, name: str) -> list[str]:
        schema = self.schema(name)
        required = schema.get("required") if isinstance(schema, dict) else None
        return [key for key in required if isinstance(key, str)] if isinstance(required, list) else []


def properties_of(schema: Any) -> Mapping[str, Any]:
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def is_counter(id: str) -> bool:
    """An id that says nothing of the tool: `3`, `call00003`."""
    return _COUNTER.fullmatch(id.strip()) is not None


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()
