from django.apps import AppConfig


class ValidationConfig(AppConfig):
    name = "validation"

    def ready(self) -> None:
        from routing import signals
        from validation import models

        signals.watch(*models.CONFIGURATION)
