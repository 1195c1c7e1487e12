"""`manage.py serve` with options that make no sense, as somebody types them."""

import pytest
from django.core.management import ManagementUtility

from proxysite import live


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--enforce-params", "{"], "--enforce-params"),
        (["--model-bindings", "[]"], "--model-bindings"),
        (["--model-bindings", '{"a": "nobody"}'], "nobody"),
        (["--target-base-url", "not a url"], "--target-base-url"),
        (["--config", "/does/not/exist.json"], "/does/not/exist.json"),
    ],
)
def test_an_option_that_makes_no_sense_stops_the_start_and_is_named(options, named, monkeypatch, capsys):
    monkeypatch.setattr(live, "_overrides", live._overrides)  # which a start lays over everything
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", "serve", "--port", "0", "--skip-checks", *options]).execute()
    assert ended.value.code != 0
    assert named in capsys.readouterr().err
