"""Whether a value fits a JSON schema, as far as its shape goes.

Only what decides how a value must be written is looked at: types, enums, properties, items, unions and references
inside the schema.  Ranges, patterns and formats are the client's to check; so is whatever is not understood, which
counts as fitting, because what fits is left alone.
"""

from collections.abc import Collection, Iterator
from typing import Any

DEEPEST = 60
COMBINED = ("anyOf", "oneOf")
_REFERENCES = 20  # one that leads to the next


class TooMuch(Exception):
    """The schema or the value is deeper, or takes more steps, than anybody needs."""


class Schema:
    """One tool's schema.  `steps` bounds the work: schemas come from clients, and can be made to multiply."""

    def __init__(self, root: Any, steps: int = 20_000) -> None:
        self.root = root
        self._steps = steps

    def resolved(self, schema: Any) -> dict[str, Any]:
        """What references lead to; an empty schema, which everything fits, for what says nothing."""
        for _ in range(_REFERENCES):
            if not isinstance(schema, dict):
                break
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            schema = self._at(reference)
        return {}

    def _at(self, reference: str) -> Any:
        place = self.root
        for name in reference.split("/")[1:] if reference.startswith("#") else ("", ""):
            name = name.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, dict) else None
        return place

    def fits(self, value: Any, schema: Any, depth: int = 0) -> bool:
        """Raises TooMuch."""
        self._count(depth)
        if schema is False:
            return False
        schema = self.resolved(schema)
        return (
            self._has_type(value, schema)
            and self._is_chosen(value, schema)
            and self._combines(value, schema, depth + 1)
            and self._children_fit(value, schema, depth + 1)
        )

    def options(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The alternatives of a union, one for each type or member; else the schema itself."""
        inner = next((schema[name] for name in COMBINED if isinstance(schema.get(name), list)), None)
        if inner is None and isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
            inner = schema["allOf"]  # how a reference is given a description
        named = types(schema)
        if inner is not None:
            for option in inner:
                self._count(0)
                yield self.resolved(option)
        elif len(named) > 1:
            yield from ({**schema, "type": name, "nullable": False} for name in named)
        else:
            yield schema

    def after(self, present: Collection[str]) -> dict[str, Any]:
        """The schema of what is left of an object when these members of it are known to be there."""
        schema = self.resolved(self.root)
        return {**schema, "required": [name for name in required_of(schema) if name not in present]}

    def _count(self, depth: int) -> None:
        self._steps -= 1
        if self._steps < 0 or depth > DEEPEST:
            raise TooMuch

    def _has_type(self, value: Any, schema: dict[str, Any]) -> bool:
        named = types(schema)
        return not named or any(is_a(value, name) for name in named)

    def _is_chosen(self, value: Any, schema: dict[str, Any]) -> bool:
        allowed = choices(schema)
        return allowed is None or any(same(value, choice) for choice in allowed) or (value is None and nullable(schema))

    def _combines(self, value: Any, schema: dict[str, Any], depth: int) -> bool:
        for name in COMBINED:  # more than one that fits is a matter of meaning, not of writing
            options = schema.get(name)
            if isinstance(options, list) and not any(self.fits(value, option, depth) for option in options):
                return False
        every = schema.get("allOf")
        return not isinstance(every, list) or all(self.fits(value, part, depth) for part in every)

    def _children_fit(self, value: Any, schema: dict[str, Any], depth: int) -> bool:
        if isinstance(value, dict):
            required = required_of(schema)
            return all(name in value for name in required) and all(
                self.fits(item, member(schema, name), depth) for name, item in value.items()
            )
        if isinstance(value, list):
            return all(self.fits(item, element(schema, index), depth) for index, item in enumerate(value))
        return True


def types(schema: dict[str, Any]) -> tuple[str, ...]:
    """The types a value may have; an unknown name among them, or none that is named or meant, means any."""
    named = schema.get("type", "object" if declared(schema) else "array" if "items" in schema else None)
    found = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    found = [name for name in found if isinstance(name, str)]
    if not found or any(name not in _IS for name in found):
        return ()
    if nullable(schema) and "null" not in found:
        found = [*found, "null"]
    return tuple(found)


def nullable(schema: dict[str, Any]) -> bool:
    """OpenAPI's word for it."""
    return schema.get("nullable") is True


def choices(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    allowed = schema.get("enum")
    return allowed if isinstance(allowed, list) else None


def required_of(schema: dict[str, Any]) -> list[str]:
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def declared(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def member(schema: dict[str, Any], name: str) -> Any:
    """The schema of an object's member."""
    properties = declared(schema)
    if name in properties:
        return properties[name]
    return True if "patternProperties" in schema else schema.get("additionalProperties", True)


def element(schema: dict[str, Any], index: int) -> Any:
    """The schema of a list's element."""
    before = schema.get("prefixItems")
    if isinstance(before, list) and index < len(before):
        return before[index]
    return schema.get("items", True)


def is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _IS[name])


def same(value: Any, choice: Any) -> bool:
    return bool(value == choice) and isinstance(value, bool) is isinstance(choice, bool)


_IS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
