"""The form of a policy: detectors are ticked, not written as JSON."""

from typing import Any

from django import forms

from validation.detectors.names import DETECTORS
from validation.models import ValidationPolicy


class PolicyForm(forms.ModelForm):
    detectors = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {detector.help}") for name, detector in DETECTORS.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "sp-checks"}),
        required=False,
        help_text="All of them look unless you untick some; newer versions' detectors join only where all are ticked.",
    )

    class Meta:
        model = ValidationPolicy
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "detectors" in self.fields:
            self.initial["detectors"] = self.initial.get("detectors") or list(DETECTORS)

    def clean(self) -> dict[str, Any]:
        """All of them are stored as none named."""
        values = super().clean() or {}
        chosen = values.get("detectors", [])
        if values.get("builtin") and not chosen and "detectors" in self.fields:
            self.add_error("detectors", "Tick at least one, or switch the built-in detectors off.")
        elif set(chosen) == set(DETECTORS):
            values["detectors"] = []
        return values
