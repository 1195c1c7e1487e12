from django.apps import AppConfig


class SamplingConfig(AppConfig):
    name = "sampling"

    def ready(self) -> None:
        from routing import signals
        from sampling import models

        signals.watch(*models.CONFIGURATION)
