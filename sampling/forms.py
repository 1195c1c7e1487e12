"""The forms in which presets are edited: the whole of one as JSON, and a few parameters of each in the list."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import BASE_INPUT_CLASSES, UnfoldAdminTextareaWidget

from routing.json_form import JSONText, parsed
from sampling import parameters
from sampling.models import SamplingPreset

IN_LIST = ("temperature", "top_p", "top_k", "min_p")


class ParametersField(JSONText):
    """JSON in which no name stands twice."""

    def __init__(self, **options: Any) -> None:
        widget = UnfoldAdminTextareaWidget({"rows": 10, "spellcheck": "false", "class": "sp-code"})
        super().__init__(**{"widget": widget, "required": False, **options})

    def read(self, text: str) -> Any:
        return parsed(text, object_pairs_hook=_without_doubles)

    def clean(self, value: Any) -> Any:
        return super().clean(value) or {}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, value in pairs:
        if name in seen:
            raise ValidationError(f"“{name}” stands there twice.")
        seen[name] = value
    return seen


class PresetForm(forms.ModelForm):
    parameters = ParametersField(
        help_text="Any fields of a request body. null switches a parameter off on the preset's layer."
    )

    class Meta:
        model = SamplingPreset
        fields = ["name", "parameters"]


class ParameterField(forms.FloatField):
    """One number of a preset; blank means that the preset does not have it."""

    def __init__(self, parameter: parameters.Parameter) -> None:
        self.parameter = parameter
        attrs = {
            "class": " ".join((*BASE_INPUT_CLASSES, "sp-parameter")),
            "step": "1" if parameter.type == "integer" else "any",
            "aria-label": parameter.name,
            "title": parameter.help,
        }
        super().__init__(required=False, label=parameter.name, widget=forms.NumberInput(attrs))

    def to_python(self, value: Any) -> int | float | None:
        """What was typed, as JSON has it: 1 stays 1 and 1.0 stays 1.0."""
        number = super().to_python(value)
        whole = number is not None and number.is_integer() and str(value).strip().lstrip("+-").isdigit()
        return int(number) if number is not None and whole else number

    def validate(self, value: Any) -> None:
        super().validate(value)
        problems = dict(parameters.problems({self.parameter.name: value}))
        if problems:
            raise ValidationError(f"It {problems[self.parameter.name]}.")


class PresetRowForm(forms.ModelForm):
    """The inputs of one row of the list.  Only what was changed there is changed in the preset."""

    class Meta:
        model = SamplingPreset
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.parameters if isinstance(self.instance.parameters, dict) else {}
        for name in IN_LIST:
            self.fields[name] = field = ParameterField(_known(name))
            value = stored.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.initial[name] = value
            elif name in stored:
                field.widget.attrs["placeholder"] = "off" if value is None else "?"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        changed = {name: cleaned[name] for name in self.changed_data if name in cleaned and name in IN_LIST}
        stored = self.instance.parameters if isinstance(self.instance.parameters, dict) else {}
        values = {**stored, **changed}
        self.instance.parameters = {
            name: value for name, value in values.items() if name not in changed or value is not None
        }
        return cleaned


def _known(name: str) -> parameters.Parameter:
    parameter = parameters.find(name)
    assert parameter is not None, name
    return parameter
