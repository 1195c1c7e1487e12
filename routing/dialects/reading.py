"""Picking values out of a request body: the type that is meant, or a sentence that says what is wrong."""

from collections.abc import Iterable
from typing import Any

from routing.errors import BadRequest, BodyTooLarge

MOST_ITEMS = 50_000  # of a list: each costs some microseconds, in which nobody else is served


def text(value: Any, what: str) -> str:
    """Null is an empty text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{what} must be a text.")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Null is an empty list; a lone object stands for a list of one, as some clients write it."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise BadRequest(f"{what} must be a list.")
    if len(value) > MOST_ITEMS:
        raise BodyTooLarge(f"{what} has {len(value):,} entries; at most {MOST_ITEMS:,} are taken.")
    return value


def objects(value: Any, what: str) -> Iterable[dict[str, Any]]:
    for index, item in enumerate(items(value, what)):
        if not isinstance(item, dict):
            raise BadRequest(f"{what}[{index}] must be an object.")
        yield item


def mapping(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{what} must be an object.")
    return value


def whole(value: Any, what: str) -> int | None:
    """A whole number; null and negative numbers mean "not set", which is what clients mean by -1."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise BadRequest(f"{what} must be a whole number.")
    return None if value < 0 else int(value)


def flag(value: Any, what: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{what} must be true or false.")
    return value


def stops(value: Any, what: str) -> tuple[list[str], list[str]]:
    """The stop sequences of a text or a list of texts, and warnings about those that no server can use."""
    if isinstance(value, str):
        value = [value]
    found = [text(item, f"{what}[]") for item in items(value, what)]
    blank = [item for item in found if not item.strip()]
    warned = [f"{len(blank)} stop sequence(s) of white space alone were left out."] if blank else []
    return [item for item in found if item.strip()], warned


def data_uri(uri: str) -> tuple[str, str] | None:
    """(media type, base64 data) of a data: address; None of any other.  Upper case and parameters are tolerated."""
    if uri[:5].lower() != "data:":
        return None
    head, comma, data = uri[5:].partition(",")
    media_type, *parameters = [piece.strip().lower() for piece in head.split(";")]
    if not comma or "base64" not in parameters:
        raise BadRequest("A data: address must hold base64 data (data:<type>;base64,…).")
    return media_type or "image/jpeg", "".join(data.split())
