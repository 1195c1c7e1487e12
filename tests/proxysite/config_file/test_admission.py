"""`parallel_limits` and `throttle`."""

import pytest

from proxysite import config_file
from routing.models import ConfigSection, ParallelLimit, ThrottleRule
from tests.proxysite.config_file.files import dump, imported, refusals, upstream

pytestmark = pytest.mark.django_db


def limits():
    return [(row.scope, row.name, row.limit) for row in ParallelLimit.objects.all()]


def pauses():
    return [
        (r.model_pattern, r.start_pause_seconds, r.end_pause_seconds, r.enabled) for r in ThrottleRule.objects.all()
    ]


def test_limits_are_numbers_by_model_and_global():
    report = imported({"parallel_limits": {"global": 8, "GLM-5": 2, "GLM-4.7": 3}})
    assert limits() == [("global", "", 8), ("model", "GLM-5", 2), ("model", "GLM-4.7", 3)]
    assert report.created == ["limit for all requests", "limit for GLM-5", "limit for GLM-4.7"]
    assert not any("parallel_limits" in note for note in report.notes)
    assert config_file.export()["parallel_limits"] == {"global": 8, "GLM-5": 2, "GLM-4.7": 3}


def test_a_limit_says_in_full_what_it_is_for():
    said = {
        "one": {"upstream": "LOCAL", "limit": 1, "queue_size": 0},
        "two": {"model": "global", "limit": 2, "queue_timeout_seconds": 1.5, "enabled": False, "position": 7},
    }
    imported({"upstreams": [upstream("local")], "parallel_limits": said})
    assert limits() == [("model", "global", 2), ("upstream", "local", 1)]
    assert config_file.export()["parallel_limits"] == {
        "global’": {"model": "global", "limit": 2, "queue_timeout_seconds": 1.5, "position": 7, "enabled": False},
        "upstream local": {"upstream": "local", "limit": 1, "queue_size": 0, "position": 10},
    }


def test_pauses_are_global_and_by_model():
    throttle = {
        "enabled": True,
        "global": {"start_pause_seconds": 0.5, "end_pause_seconds": None},
        "per_model": {"GLM-5-turbo": {"start_pause_seconds": 1.0, "end_pause_seconds": 5.0}, "fast": {}},
    }
    report = imported({"throttle": throttle})
    assert pauses() == [("", 0.5, None, True), ("GLM-5-turbo", 1.0, 5.0, True), ("fast", None, None, True)]
    assert not any("throttle" in note for note in report.notes)
    throttle["global"].pop("end_pause_seconds")
    assert config_file.export()["throttle"] == throttle


def test_a_throttle_that_is_off_is_stored_switched_off():
    imported({"throttle": {"enabled": False, "global": {"start_pause_seconds": 1}}})
    assert pauses() == [("", 1, None, False)]


def test_what_a_file_does_not_say_stays_unless_it_replaces():
    imported({"parallel_limits": {"a": 1}, "throttle": {"global": {"end_pause_seconds": 1}}})
    imported({"parallel_limits": {"A": 2, "b": 3}})
    assert limits() == [("model", "A", 2), ("model", "b", 3)]
    assert len(pauses()) == 1
    report = imported({"parallel_limits": {"b": 3}}, replace=True)
    assert limits() == [("model", "b", 3)]
    assert report.removed == ["model A: 2", "pauses of all models"]
    assert pauses() == []


def test_importing_twice_changes_nothing_the_second_time():
    content = {"parallel_limits": {"global": 1, "a": {"limit": 2}}, "throttle": {"per_model": {"a": {}}}}
    for replace in (False, True):
        imported(content, replace=replace)
        before = dump()
        assert not imported(content, replace=replace).changed
        assert dump() == before


def test_another_order_of_equal_positions_is_a_change():
    entries = {"a*": {"limit": 1, "position": 5}, "*b": {"limit": 2, "position": 5}}
    imported({"parallel_limits": entries}, replace=True)
    report = imported({"parallel_limits": dict(reversed(entries.items()))}, replace=True)
    assert report.updated == ["order of limits or pauses"]
    assert [name for _, name, _ in limits()] == ["*b", "a*"]


def test_a_section_that_an_earlier_version_kept_gives_way():
    ConfigSection.objects.create(name="throttle", content={"old": 1})
    assert config_file.export()["throttle"] == {"old": 1}
    imported({"throttle": {"global": {"start_pause_seconds": 1}}})
    assert not ConfigSection.objects.exists()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        ([], "parallel_limits: must be an object, got []"),
        ({"a": 0}, 'parallel_limits["a"].limit: must be at least 1, got 0'),
        ({"a": True}, 'parallel_limits["a"]: must be a whole number, or an object with “limit”, got true'),
        ({"a": "2"}, 'parallel_limits["a"]: must be a whole number, or an object with “limit”, got "2"'),
        ({"a": {"queue_size": 1}}, 'parallel_limits["a"].limit: is missing'),
        ({"a": {"limit": 1.5}}, 'parallel_limits["a"].limit: must be a whole number, got 1.5'),
        ({"a": {"limit": 1, "queue_size": -1}}, 'parallel_limits["a"].queue_size: must be at least 0, got -1'),
        ({"a": 1, "A": 2}, 'parallel_limits["A"]: must be different from every other limit (case does not matter)'),
        ({"": 1}, 'parallel_limits[""]: must not be empty'),
        ({"a": {"limit": 1, "model": 5}}, 'parallel_limits["a"].model: must be a text, got 5'),
        (
            {"a": {"limit": 1, "upstream": "no"}},
            'parallel_limits["a"].upstream: must be one of the upstreams (the file has none), got "no"',
        ),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(content, refusal):
    assert refusals({"parallel_limits": content})[0] == refusal


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (5, "throttle: must be an object, got 5"),
        ({"enabled": 1}, "throttle.enabled: must be true or false, got 1"),
        ({"global": {"start_pause_seconds": -1}}, "throttle.global.start_pause_seconds: must be at least 0, got -1"),
        (
            {"global": {"end_pause_seconds": "soon"}},
            'throttle.global.end_pause_seconds: must be a number, got "soon"',
        ),
        (
            {"per_model": {"a": {"start_pause_seconds": True}}},
            'throttle.per_model["a"].start_pause_seconds: must be a number, got true',
        ),
        ({"per_model": {"a": 1}}, 'throttle.per_model["a"]: must be an object, got 1'),
        ({"per_model": {" ": {}}}, 'throttle.per_model[" "]: must name a model'),
        (
            {"per_model": {"a": {}, "A": {}}},
            'throttle.per_model["A"]: must be different from every other pattern (case does not matter)',
        ),
        ({"pause": 1}, "throttle.pause: is not known; there are enabled, global, per_model"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(content, refusal):
    assert refusals({"throttle": content})[0] == refusal


def test_session_affinity_of_a_binding_is_imported_and_exported():
    bindings = {"*": {"targets": "local", "session_affinity": True}}
    imported({"upstreams": [upstream("local")], "model_upstream_binding": bindings})
    assert config_file.export()["model_upstream_binding"] == bindings
