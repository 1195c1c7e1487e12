from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"

    def ready(self) -> None:
        from routing import models, signals

        signals.watch(*models.CONFIGURATION)
