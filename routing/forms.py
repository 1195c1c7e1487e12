"""The form of an upstream: lists are words, not JSON, and what is neither yes nor no is called auto."""

import json
import re
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminNullBooleanSelectWidget, UnfoldAdminTextInputWidget

from routing.models import Upstream


class ListField(forms.CharField):
    """“logprobs, seed”, or the same as JSON; numbers are numbers.  What the list may hold, its model field checks."""

    def __init__(self, **options: Any) -> None:
        widget = UnfoldAdminTextInputWidget({"spellcheck": "false"})
        super().__init__(**{"required": False, "widget": widget, **options})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        words = ", ".join(map(str, value))
        return words if _split(words) == value else json.dumps(value, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        text = (value or "").strip()
        if text.startswith(("[", "{")):
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                raise forms.ValidationError("This is not JSON; separate the words by commas instead.") from None
        return _split(text)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or [])
        except forms.ValidationError:
            return True


def _split(text: str) -> list[str | int]:
    return [int(word) if word.isdecimal() else word for word in re.split(r"[,\s]+", text) if word]


class AutoSelect(UnfoldAdminNullBooleanSelectWidget):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.choices = [("unknown", "auto"), ("true", "yes"), ("false", "no")]


class UpstreamForm(forms.ModelForm):
    # What is wrong with the words of `tool_call_repair`.  `proxysite.admin` fills it in: routing knows no families.
    repair_problem: ClassVar[Callable[[str], str | None]] = staticmethod(lambda words: None)

    drop_params = ListField(
        help_text="Fields taken out of every request body, separated by commas: logprobs, prompt_cache_key."
    )
    retry_statuses = ListField(help_text="Further statuses that are retried, separated by commas: 418, 530.")
    strip_billing_header = forms.NullBooleanField(
        required=False,
        widget=AutoSelect,
        help_text="Take Claude Code's x-anthropic-billing-header block out of the system prompt, so that the prompt "
        "cache works. auto: yes, unless the upstream is Anthropic itself.",
    )

    class Meta:
        model = Upstream
        fields = "__all__"

    def clean_tool_call_repair(self) -> str:
        words: str = self.cleaned_data["tool_call_repair"]
        if problem := self.repair_problem(words):
            raise forms.ValidationError(problem)
        return words
