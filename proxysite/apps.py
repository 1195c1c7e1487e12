from django.apps import AppConfig


class ProxySiteConfig(AppConfig):
    name = "proxysite"
    verbose_name = "Sampling Proxy"

    def ready(self) -> None:
        from proxysite import checks, live  # noqa: F401 (checks: for its registration)
        from routing.signals import configuration_applied

        configuration_applied.connect(live.on_change, dispatch_uid="live configuration")
