"""JSON as a person edits it in a form: indented, and whatever is typed comes back with a sentence, never as a 500."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from routing.json_values import obstacle

NOT_JSON = "This is not JSON: look for a missing quote, comma or bracket."


class IndentedJSON(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2})


class JSONText(forms.JSONField):
    """What cannot be sent (half a surrogate, nesting without end) is shown as it was typed; validators refuse it."""

    default_error_messages = {"invalid": NOT_JSON}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"encoder": IndentedJSON, **options})

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError("This is nested too deeply.") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            value = super().bound_data(data, initial)
            return InvalidJSONInput(data) if obstacle(value) else value
        except RecursionError:
            return InvalidJSONInput(data)
