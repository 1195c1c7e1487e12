import pytest
from django import forms

from routing.json_form import JSONText

DEEP = "[" * 3000 + "]" * 3000


class Form(forms.Form):
    value = JSONText()


MANY_DIGITS = f'{{"a": {"9" * 5000}}}'


@pytest.mark.parametrize("typed", ["{", DEEP, MANY_DIGITS, '{"a": "\\ud800"}', '"\\ud800"', '{"a": NaN}'])
def test_what_cannot_be_sent_is_shown_as_it_was_typed(typed):
    form = Form({"value": typed})
    assert form["value"].value() == typed
    str(form).encode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("{\n'a'", "This is not JSON: line 2, column 1: expecting property name enclosed in double quotes."),
        (DEEP, "This is nested too deeply."),
        (MANY_DIGITS, "A number in it has too many digits."),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(typed, sentence):
    assert Form({"value": typed}).errors["value"] == [sentence]


def test_what_is_fine_is_shown_indented():
    field = JSONText()
    assert field.clean('{"a":[1]}') == {"a": [1]}
    assert field.prepare_value({"a": 1}) == '{\n  "a": 1\n}'
