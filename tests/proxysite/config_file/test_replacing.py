"""An import with --replace: exactly the file's rows, and a backup of what was there."""

import json
import stat

import pytest

from proxysite import config_file
from routing.models import ConfigSection, ModelBinding, Upstream
from sampling.models import SamplingPreset, SamplingRule
from tests.proxysite.config_file.files import dump, facts, imported, upstream
from tests.rows import make_binding, make_rule, make_upstream

pytestmark = pytest.mark.django_db

FILE = {
    "upstreams": [upstream("new")],
    "model_upstream_binding": {"a": "new", "b": "new"},
    "default_sampling_params": {"top_k": 1},
    "something": {"enabled": False},
}


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def backups(data_dir):
    return lambda: sorted((data_dir / "backups").glob("*"))


@pytest.fixture
def something():
    make_binding("old", make_upstream(name="old", api_key="sk-planted", credential_mode="own"))
    make_rule({"top_p": 0.5}, preset="old")
    ConfigSection.objects.create(name="anything", content={"enabled": True})


def test_the_rows_are_exactly_the_files(something):
    report = imported(FILE, replace=True)
    assert [row.name for row in Upstream.objects.all()] == ["new"]
    assert [row.pattern for row in ModelBinding.objects.all()] == ["a", "b"]
    assert [row.name for row in SamplingPreset.objects.all()] == ["defaults"]
    assert [rule.preset.name for rule in SamplingRule.objects.all()] == ["defaults"]
    assert [row.name for row in ConfigSection.objects.all()] == ["something"]
    assert report.removed == [
        "upstream old and its key",
        "binding old",
        "preset old",
        "section anything",
    ]


def test_the_rows_do_not_depend_on_what_was_there(something):
    imported(FILE, replace=True)
    replaced = facts()
    for table in (Upstream, ModelBinding, SamplingPreset, ConfigSection):
        table.objects.all().delete()
    imported(FILE, replace=True)
    assert facts() == replaced


def test_fields_the_file_leaves_out_take_their_defaults():
    make_upstream(name="new", kind="vllm", timeout_seconds=7, drop_params=["x"])
    imported(FILE, replace=True)
    row = Upstream.objects.get()
    assert (row.kind, row.timeout_seconds, row.drop_params, row.supports_generate) == ("auto", 1200.0, [], True)


def test_names_that_differ_in_case_only_leave_one_row():
    make_upstream(name="NEW")
    make_upstream(name="new")
    imported(FILE, replace=True)
    assert [row.name for row in Upstream.objects.all()] == ["new"]


def test_the_order_is_the_files_even_where_positions_are_the_same():
    imported({**FILE, "model_upstream_binding": {"b*": "new", "a*": "new"}})
    same_place = {pattern: {"targets": "new", "position": 100} for pattern in ("a*", "b*")}
    imported({**FILE, "model_upstream_binding": same_place}, replace=True)
    assert [row.pattern for row in ModelBinding.objects.all()] == ["a*", "b*"]


def test_what_was_there_goes_to_a_backup_that_imports_to_the_same(something, backups):
    before, rows = config_file.export(), facts()
    report = imported(FILE, replace=True)
    assert backups() == [report.backup]
    assert json.loads(report.backup.read_text()) == before
    imported(before, replace=True)
    rows["Upstream"][0]["api_key"] = None  # which is not in a backup
    assert facts() == rows


def test_a_backup_is_readable_by_its_owner_only_and_has_no_key(something):
    backup = imported(FILE, replace=True).backup
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "sk-planted" not in backup.read_text()


def test_an_import_that_changes_nothing_leaves_no_backup(backups):
    imported(FILE, replace=True)
    before = dump()
    assert not imported(FILE, replace=True).changed
    assert backups() == []
    assert dump() == before


def test_an_empty_installation_has_nothing_to_back_up(backups):
    imported(FILE, replace=True)
    assert backups() == []


def test_a_merge_makes_no_backup(something, backups):
    imported(FILE)
    assert backups() == []


def test_a_refused_file_makes_no_backup(something, backups):
    with pytest.raises(config_file.ConfigFileError):
        imported({"upstreams": 5}, replace=True)
    assert backups() == []


def test_nothing_is_replaced_when_the_backup_cannot_be_written(something, data_dir):
    (data_dir / "backups").write_text("a file where the directory should be")
    before = dump()
    with pytest.raises(config_file.ConfigFileError, match="cannot be written: File exists"):
        imported(FILE, replace=True)
    assert dump() == before


def test_the_report_names_the_backup(something):
    report = imported(FILE, replace=True)
    assert f"What was there before is in {report.backup} (without keys)." in str(report)
