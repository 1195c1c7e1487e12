"""The forms of policies and validators: detectors are ticked and ladders are words, not JSON."""

import re
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from validation.detectors.names import DETECTORS
from validation.models import ValidationPolicy, Validator, validate_ladder, whole_ladder
from validation.question import PROMPT
from validation.snapshot import Rung

CHANGES = {
    Rung.PENALTY: "a higher repetition penalty",
    Rung.DRY: "DRY (llama.cpp)",
    Rung.TEMPERATURE: "a higher temperature",
    Rung.SEED: "another seed",
    Rung.NO_THINKING: "thinking off",
    Rung.NEXT_TARGET: "the binding’s next target",
    Rung.SAME: "nothing",
}


class LadderField(forms.CharField):
    """“penalty, temperature, seed”; arrows do as well."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        return [word.strip().lower().replace(" ", "_") for word in re.split(r"[,→\n]", value or "") if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class ValidatorForm(forms.ModelForm):
    class Meta:
        model = Validator
        fields = "__all__"
        labels = {"timeout_seconds": "Timeout"}
        widgets = {"prompt": UnfoldAdminTextareaWidget({"rows": 12, "placeholder": PROMPT})}


class PolicyForm(forms.ModelForm):
    ladder = LadderField(
        required=False,
        initial=whole_ladder,
        validators=[validate_ladder],
        widget=UnfoldAdminTextInputWidget({"placeholder": "penalty, temperature, seed, next_target"}),
        help_text="What each further attempt changes, in order, separated by commas. "
        + " · ".join(f"{rung}: {what}" for rung, what in CHANGES.items())
        + ". What the upstream does not know is left out. Empty: nothing changes.",
    )
    detectors = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {detector.help}") for name, detector in DETECTORS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
        help_text="All of them look unless you untick some; newer versions' detectors join only where all are ticked.",
    )

    class Meta:
        model = ValidationPolicy
        fields = "__all__"
        labels = {
            "validate_on": "Asked about",
            "mid_stream_validation_enabled": "Mid-stream validation",
            "mid_stream_validation_interval_words": "Mid-stream interval, words",
            "hold_seconds": "Longest hold, seconds",
            "retry_base_delay_seconds": "Retry base delay, seconds",
        }

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
