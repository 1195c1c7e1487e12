"""The sample configurations: loaded as often as one likes, beside whatever is there, and without a problem."""

import pytest
from django.core.management import call_command

from proxysite import config_file, live
from proxysite.environment import BASE_DIR
from routing.models import ModelBinding, Upstream
from sampling.models import SamplingRule
from tests.proxysite.config_file.files import dump, facts
from tests.rows import make_binding, make_rule, make_upstream

pytestmark = pytest.mark.django_db

SAMPLES = sorted(path.stem for path in (BASE_DIR / "fixtures").glob("*.json"))
every_sample = pytest.mark.parametrize("sample", SAMPLES)


@pytest.fixture(autouse=True)
def no_configuration_in_force(monkeypatch):
    monkeypatch.setattr(live, "_current", None)


def load(*samples):
    call_command("loaddata", *samples, verbosity=0)


def problems():
    return [str(problem) for problem in live.reload().problems]


def test_there_are_four():
    assert SAMPLES == ["config_sample", "config_sglang_kimi_sample", "config_venice_sample", "config_zai_sample"]


@every_sample
def test_a_second_load_changes_no_row(sample):
    load(sample)
    before = dump()
    load(sample)
    assert dump() == before


@every_sample
def test_nothing_is_wrong_once_its_keys_are_there(sample, monkeypatch):
    load(sample)
    for row in Upstream.objects.exclude(api_key=""):
        monkeypatch.setenv(row.api_key.reveal().removeprefix("env:"), "a-key-for-this-test")
    assert problems() == []


def test_only_the_missing_key_is_wrong_without_it(monkeypatch):
    monkeypatch.delenv("VENICE_API_KEY", raising=False)
    load("config_venice_sample")
    assert [text for text in problems() if "VENICE_API_KEY" in text]
    assert all("VENICE_API_KEY" in text or "“venice” is misconfigured" in text for text in problems())


@every_sample
def test_rows_of_other_names_are_left_alone(sample):
    make_binding("mine", make_upstream(name="mine", api_key="k"), position=3)
    make_rule({"top_p": 0.5}, preset="mine")
    mine = facts()
    load(sample)
    for table, rows in facts().items():
        assert [row for row in rows if row in mine[table]] == mine[table]


def test_all_of_them_go_together(monkeypatch):
    monkeypatch.setenv("VENICE_API_KEY", "a-key-for-this-test")
    load(*SAMPLES)
    assert problems() == []
    assert len({row.position for row in ModelBinding.objects.all()}) == ModelBinding.objects.count()


def test_a_rule_that_stands_twice_is_no_obstacle():
    load("config_zai_sample")
    rule = SamplingRule.objects.get()
    SamplingRule.objects.create(
        preset=rule.preset, layer=rule.layer, model_pattern=rule.model_pattern, applies_to=rule.applies_to
    )
    load("config_zai_sample")
    assert SamplingRule.objects.count() == 2


@every_sample
def test_a_sample_can_be_exported_and_imported(sample):
    load(sample)
    assert not config_file.import_document(config_file.parse(config_file.export()), replace=True).changed
