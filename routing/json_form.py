"""JSON as a person edits it in a form: indented, and whatever is typed comes back with a sentence, never as a 500."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from routing.json_values import obstacle

TOO_DEEP = "This is nested too deeply."


def parsed(text: str, **options: Any) -> Any:
    """What a person typed.  Raises ValidationError with a sentence, whatever it is that cannot be read."""
    try:
        return json.loads(text, **options)
    except json.JSONDecodeError as problem:
        what = problem.msg[:1].lower() + problem.msg[1:]
        raise ValidationError(f"This is not JSON: line {problem.lineno}, column {problem.colno}: {what}.") from None
    except RecursionError:
        raise ValidationError(TOO_DEEP) from None
    except ValueError:  # Python reads no number of thousands of digits
        raise ValidationError("A number in it has too many digits.") from None


class IndentedJSON(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2})


class JSONText(forms.JSONField):
    """What cannot be sent (half a surrogate, nesting without end) is shown as it was typed; validators refuse it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"encoder": IndentedJSON, **options})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            self.read(value)
        return super().to_python(value)

    def read(self, text: str) -> Any:
        return parsed(text)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            value = super().bound_data(data, initial)
            return InvalidJSONInput(data) if obstacle(value) else value
        except (RecursionError, ValueError):
            return InvalidJSONInput(data)
