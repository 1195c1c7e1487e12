"""The model field that holds a key, and the form field and input in which people type it."""

import os
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from routing.secrets import MASK, Secret, short_key

ENVIRONMENT_PREFIX = "env:"


class UnreadableSecret(Secret):
    """A stored key that the present encryption key does not open.  Its row can still be shown, saved and mended."""

    __slots__ = ()

    @property
    def token(self) -> str:
        return self._value

    def reveal(self) -> str:
        raise ValidationError(
            "A stored key cannot be decrypted: the encryption key is not the one it was saved with. "
            "Enter the key again."
        )


class SecretField(models.TextField):
    """A key: a `Secret` in Python, encrypted in the database, and `env:NAME` for one that lives in the environment."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        return _decrypt(value) if value else None

    def to_python(self, value: Any) -> Secret | None:
        if value is None or isinstance(value, Secret):
            return value or None
        return Secret(str(value)) if value else None

    def get_prep_value(self, value: Any) -> str:
        secret = self.to_python(value)
        if isinstance(secret, UnreadableSecret):
            return secret.token
        return _encrypt(secret.reveal()) if secret else ""

    def value_to_string(self, obj: models.Model) -> str:
        """What `dumpdata` writes: references are no secret, keys are left out."""
        secret = self.value_from_object(obj)
        return secret.reveal() if is_reference(secret) else ""

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        if data is not KEEP:
            super().save_form_data(instance, data)

    def formfield(self, **kwargs: Any) -> forms.Field:
        """Whatever widget a form prefers: a key is typed into a `SecretInput`, or a subclass, and nothing else."""
        widget = kwargs.pop("widget", None)
        if not isinstance(widget, SecretInput):
            widget = SecretInput()
        return super().formfield(**{"form_class": SecretFormField, **kwargs, "widget": widget})


KEEP: Any = None  # what a form's empty input becomes
REMOVE = "-"


class _Typed:
    """Stands for a key that came with a form which was not saved: it is not sent back to the browser."""


TYPED = _Typed()


class SecretInput(forms.PasswordInput):
    """Write-only: what is stored is never sent to the browser, only whether there is something."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        own = {"autocomplete": "new-password", "placeholder": _placeholder(value), "spellcheck": "false"}
        return super().get_context(name, None, {**own, **(attrs or {})})


def _placeholder(value: Any) -> str:
    if value is TYPED:
        return "not saved yet: enter it once more"
    if isinstance(value, UnreadableSecret):
        return "stored, but cannot be decrypted: enter it again"
    if is_reference(value):
        return f"{value.reveal()} (from the environment)"
    return f"{MASK} stored" if value else "nothing stored"


class SecretFormField(forms.CharField):
    """An empty input leaves the stored key as it is; a single minus sign removes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "max_length": None, "required": False})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return KEEP if text == "" else "" if text == REMOVE else Secret(text)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return TYPED if data else initial


def is_reference(secret: Any) -> bool:
    if not isinstance(secret, Secret) or isinstance(secret, UnreadableSecret):
        return False
    return secret.reveal().startswith(ENVIRONMENT_PREFIX)


def warning_of(secret: Any) -> str:
    """What a person should know who has just typed a key; blank if nothing."""
    if not isinstance(secret, Secret) or is_reference(secret) or isinstance(secret, UnreadableSecret):
        return ""
    problem = short_key(secret)
    return f"The key is stored, and is not masked in records and logs: {problem}" if problem else ""


def resolved(secret: Secret | None) -> Secret | None:
    """The key itself: what the environment holds for an `env:NAME`.  Raises ValidationError when there is none."""
    if isinstance(secret, UnreadableSecret):
        secret.reveal()
    if secret is None or not is_reference(secret):
        return secret
    name = secret.reveal().removeprefix(ENVIRONMENT_PREFIX)
    if not os.environ.get(name):
        raise ValidationError(f"The key is env:{name}, and the environment has no {name}.")
    return Secret(os.environ[name])


def _encrypt(text: str) -> str:
    return Fernet(settings.ENCRYPTION_KEY).encrypt(text.encode()).decode()


def _decrypt(token: str) -> Secret:
    try:
        return Secret(Fernet(settings.ENCRYPTION_KEY).decrypt(token.encode()).decode())
    except (InvalidToken, ValueError):
        return UnreadableSecret(token)
