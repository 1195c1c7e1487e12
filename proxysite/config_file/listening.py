"""What an imported file said about listening and logging, for `manage.py serve`."""

from typing import Any

from routing.models import ConfigSection


def listen_settings() -> dict[str, Any]:
    """host, port, base_path, debug_logs and override_logs, as far as a file said them."""
    sections = dict(ConfigSection.objects.filter(name__in=("listen", "logging")).values_list("name", "content"))
    listen, logging = sections.get("listen", {}), sections.get("logging", {})
    said = {
        "host": listen.get("host"),
        "port": listen.get("port"),
        "base_path": listen.get("base_path"),
        "debug_logs": logging.get("enable_debug_logs"),
        "override_logs": logging.get("enable_override_logs"),
    }
    return {name: value for name, value in said.items() if value is not None}
