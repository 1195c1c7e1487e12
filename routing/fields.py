"""Model fields that check what people type into them."""

import os
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from routing.secrets import MASK, Secret

ENVIRONMENT_PREFIX = "env:"


class SecretField(models.TextField):
    """A key: a `Secret` in Python, encrypted in the database, and `env:NAME` for one that lives in the environment."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        return Secret(_decrypt(value)) if value else None

    def to_python(self, value: Any) -> Secret | None:
        if value is None or isinstance(value, Secret):
            return value or None
        return Secret(str(value)) if value else None

    def get_prep_value(self, value: Any) -> str:
        secret = self.to_python(value)
        return _encrypt(secret.reveal()) if secret else ""

    def value_to_string(self, obj: models.Model) -> str:
        """What `dumpdata` writes: references are no secret, keys are left out."""
        secret = self.value_from_object(obj)
        return secret.reveal() if is_reference(secret) else ""

    def formfield(self, **kwargs: Any) -> forms.Field:
        return super().formfield(**{"form_class": SecretFormField, **kwargs, "widget": SecretInput})


class SecretInput(forms.PasswordInput):
    """Write-only: what is stored is never sent to the browser, only whether there is something."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        kept = isinstance(value, Secret) and bool(value)
        shown = value.reveal() if kept and is_reference(value) else MASK if kept else "not set"
        return super().get_context(name, None, {"autocomplete": "new-password", "placeholder": shown, **(attrs or {})})


class SecretFormField(forms.CharField):
    """An empty input leaves the stored key as it is; a single minus sign removes it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("max_length", None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value

    def clean(self, value: Any) -> Any:
        return "" if value in (None, "") else super().clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


def is_reference(secret: Secret | None) -> bool:
    return secret is not None and secret.reveal().startswith(ENVIRONMENT_PREFIX)


def resolved(secret: Secret | None) -> Secret | None:
    """The key itself: what the environment holds for an `env:NAME`.  Raises ValidationError when it holds nothing."""
    if secret is None or not is_reference(secret):
        return secret
    name = secret.reveal().removeprefix(ENVIRONMENT_PREFIX)
    if not os.environ.get(name):
        raise ValidationError(f"The key is env:{name}, and the environment has no {name}.")
    return Secret(os.environ[name])


def _encrypt(text: str) -> str:
    return Fernet(settings.ENCRYPTION_KEY).encrypt(text.encode()).decode()


def _decrypt(token: str) -> str:
    try:
        return Fernet(settings.ENCRYPTION_KEY).decrypt(token.encode()).decode()
    except (InvalidToken, ValueError):
        raise ValidationError(
            "A stored key cannot be decrypted: the encryption key is not the one it was saved with. Enter the key again."
        ) from None
