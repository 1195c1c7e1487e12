"""Checks of configuration values, used by rows, forms and imports alike.  Each says what is wrong in one sentence."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from routing.address import DEMO

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CARRIES_A_KEY = re.compile(r"^(proxy-)?authorization$|^cookie$|api-?key|token|secret", re.IGNORECASE)


def validate_base_url(value: str) -> None:
    if value.strip() == DEMO:
        return
    try:
        parts = urlsplit(value.strip())
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine = False
    if not port_is_fine or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError("Enter a URL like http://127.0.0.1:8080 or https://host/v1.")
    if parts.username or parts.password:
        raise ValidationError("A key does not belong into the URL, where logs would show it; use the API key field.")
    if parts.query or parts.fragment:
        raise ValidationError("A base URL has no ? and no #.")


def validate_header_name(value: str) -> None:
    if not _HEADER_NAME.fullmatch(value):
        raise ValidationError(f"“{value}” is not a header name.")


def validate_extra_headers(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError('Enter an object of names and values: {"x-team": "lab"}.')
    for name, text in value.items():
        validate_header_name(name)
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


def validate_object(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValidationError('Enter an object: {"cache_prompt": true}.')


def validate_statuses(value: Any) -> None:
    if not isinstance(value, list) or not all(type(status) is int and 400 <= status <= 599 for status in value):
        raise ValidationError("Enter a list of statuses from 400 to 599: [418].")
