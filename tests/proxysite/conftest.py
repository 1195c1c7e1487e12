import pytest

from proxysite import live


@pytest.fixture(autouse=True)
def no_configuration_in_force(monkeypatch):
    """Each test loads its own rows when it first asks for the configuration."""
    monkeypatch.setattr(live, "_current", None)
    monkeypatch.setattr(live, "_detected_kinds", {})
