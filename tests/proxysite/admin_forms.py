"""What a browser sends back when somebody changes a few fields of an admin page and presses Save."""

from typing import Any

from django import forms

from routing.fields import SecretInput


def filled(page: Any, **changes: Any) -> dict[str, Any]:
    """The fields of a form page as they stand, its inline rows too, with some changed."""
    data = _fields(page.context["adminform"].form)
    for inline in page.context["inline_admin_formsets"]:
        data |= _formset(inline.formset)
    return {**data, **changes}


def filled_list(page: Any, **changes: Any) -> dict[str, Any]:
    """The inputs of a list page as they stand, with some changed."""
    return {**_formset(page.context["cl"].formset), "_save": "Save", **changes}


def _formset(formset: Any) -> dict[str, Any]:
    data = _fields(formset.management_form)
    for form in formset.forms:
        data |= _fields(form)
    return data


def _fields(form: forms.BaseForm) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, field in form.fields.items():
        bound, value = form[name], form[name].value()
        if isinstance(field.widget, SecretInput):
            data[bound.html_name] = ""
        elif isinstance(field.widget, forms.CheckboxInput):
            data |= {bound.html_name: "on"} if value else {}
        elif isinstance(field.widget, forms.NullBooleanSelect):
            data[bound.html_name] = {None: "unknown", True: "true", False: "false"}[value]
        else:
            data[bound.html_name] = "" if value is None else value
        if field.show_hidden_initial:
            data[bound.html_initial_name] = data.get(bound.html_name, "")
    return data
