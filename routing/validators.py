"""Checks of configuration values, used by rows, forms and imports alike.  Each says what is wrong in one sentence."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from routing.address import DEMO
from routing.json_values import obstacle

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_WORD = re.compile(r"[a-z0-9_-]+")
# Behind a version only, where it is not so long that it can mean nothing else: a gateway's prefix may be `/messages`.
_ENDPOINT = re.compile(r"(/chat/completions|(?<=/v\d)/(completions|messages|responses|embeddings))/*$")
_GAP = re.compile(r"[\s\x00-\x1f\x7f]")
_CARRIES_A_KEY = re.compile(r"^(proxy-)?authorization$|^cookie$|api-?key|token|secret", re.IGNORECASE)

_OURS = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding"})


def validate_base_url(value: str) -> None:
    value = value.strip()
    if value == DEMO:
        return
    if not _is_server(value):
        raise ValidationError("Enter a URL like http://127.0.0.1:8080 or https://host/v1.")
    if "@" in urlsplit(value).netloc:
        raise ValidationError("A key does not belong into the URL, where logs would show it; use the API key field.")
    if "?" in value or "#" in value:
        raise ValidationError("A base URL has no ? and no #.")
    if endpoint := _ENDPOINT.search(value):
        raise ValidationError(f"This is the address of one endpoint; the base URL is {value[: endpoint.start()]}.")


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not _GAP.search(url)
    except ValueError:
        return False


def validate_header_name(value: str) -> None:
    if not _HEADER_NAME.fullmatch(value):
        raise ValidationError(f"“{value}” is not a header name.")


def validate_extra_headers(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError('Enter an object of names and values: {"x-team": "lab"}.')
    for name, text in value.items():
        validate_header_name(name)
        if name.lower() in _OURS:
            raise ValidationError(f"“{name}” is set by the proxy itself.")
        if _CARRIES_A_KEY.search(name):
            raise ValidationError(f"“{name}” carries a key; use the API key field, which is stored encrypted.")
        if not isinstance(text, str) or not text.isprintable() or not text.isascii():
            raise ValidationError(f"The value of “{name}” must be plain text on one line.")


def validate_names(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValidationError('Enter a list of field names: ["logprobs"].')


def validate_mapping_of_names(value: Any) -> None:
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value.values()):
        raise ValidationError('Enter an object from name to name: {"max_completion_tokens": "max_tokens"}.')


def validate_repair(value: str) -> None:
    """Which families there are is not routing's to know: whoever reads the rows says what is unknown."""
    names = [name.strip().lower() for name in value.split(",")]
    if not all(_WORD.fullmatch(name) for name in names) or (len(names) > 1 and {"off", "auto"} & set(names)):
        raise ValidationError("Enter off, auto, or names of families separated by commas.")


def validate_object(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError('Enter an object: {"cache_prompt": true}.')
    if problem := obstacle(value):
        raise ValidationError(f"A value in it cannot be sent: it {problem}.")


def validate_statuses(value: Any) -> None:
    if not isinstance(value, list) or not all(type(status) is int and 400 <= status <= 599 for status in value):
        raise ValidationError("Enter a list of statuses from 400 to 599: [418].")


def sentence(problem: ValidationError) -> str:
    """What the check of a whole row said, on one line."""
    if hasattr(problem, "message_dict"):
        return " ".join(f"{field}: {' '.join(texts)}" for field, texts in problem.message_dict.items())
    return " ".join(problem.messages)
