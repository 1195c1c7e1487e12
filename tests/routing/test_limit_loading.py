import pytest
from django.core.exceptions import ValidationError

from routing import loading
from routing.admission.limits import Limit, Pauses, Scope
from routing.models import ParallelLimit, ThrottleRule
from tests.rows import make_binding, make_upstream

pytestmark = pytest.mark.django_db


def loaded():
    routing, problems = loading.load()
    return routing, [str(problem) for problem in problems]


def test_limits_are_loaded_with_all_that_their_rows_say():
    upstream = make_upstream(name="Local")
    ParallelLimit.objects.create(scope="global", limit=8)
    ParallelLimit.objects.create(
        scope="model", model_pattern="GLM-*", limit=2, queue_size=5, queue_timeout_seconds=1.5, position=10
    )
    ParallelLimit.objects.create(scope="upstream", upstream=upstream, limit=3, queue_size=0, position=5)
    ParallelLimit.objects.create(scope="model", model_pattern="off", limit=1, enabled=False)
    routing, problems = loaded()
    assert problems == []
    assert routing.limits.limits == (
        Limit(scope=Scope.UPSTREAM, name="Local", limit=3, queue_size=0),
        Limit(scope=Scope.MODEL, name="GLM-*", limit=2, queue_size=5, queue_timeout_seconds=1.5),
        Limit(scope=Scope.GLOBAL, limit=8),
    )
    assert [limit.limit for limit in routing.limits.of("glm-5", "local")] == [2, 3, 8]


def test_pauses_are_loaded_and_inherit_from_the_global_rule():
    ThrottleRule.objects.create(start_pause_seconds=1, end_pause_seconds=2)
    ThrottleRule.objects.create(model_pattern="glm-*", start_pause_seconds=5)
    ThrottleRule.objects.create(model_pattern="fast", start_pause_seconds=0, end_pause_seconds=0)
    ThrottleRule.objects.create(model_pattern="glm-5", start_pause_seconds=9, enabled=False)
    routing, problems = loaded()
    assert problems == []
    assert routing.throttles.of("GLM-5") == Pauses(5, 2)
    assert routing.throttles.of("fast") == Pauses(0, 0)
    assert routing.throttles.of("other") == Pauses(1, 2)


def test_a_limit_that_cannot_be_used_is_reported_and_left_out():
    row = ParallelLimit.objects.create(scope="model", model_pattern="glm-*", limit=1)
    ParallelLimit.objects.update(limit=0)
    routing, problems = loaded()
    assert routing.limits.limits == ()
    assert problems == ["parallel limit “glm-*”: limit: Ensure this value is greater than or equal to 1."]
    ParallelLimit.objects.filter(pk=row.pk).update(limit=1, model_pattern="")
    assert loaded()[1] == ["parallel limit “global”: model_pattern: Name the models, for example glm-*."]


def test_a_pause_that_cannot_be_used_is_reported_and_left_out():
    ThrottleRule.objects.create(start_pause_seconds=-1)
    routing, problems = loaded()
    assert routing.throttles.rules == ()
    assert problems[0].startswith("throttle rule “global”: start_pause_seconds: ")


def test_of_twins_the_first_counts_and_the_other_is_reported():
    ParallelLimit.objects.create(model_pattern="glm", limit=1)
    ParallelLimit.objects.create(model_pattern="GLM", limit=2)
    ThrottleRule.objects.create(model_pattern="glm")
    ThrottleRule.objects.create(model_pattern="GLM")
    routing, problems = loaded()
    assert [limit.limit for limit in routing.limits.limits] == [1]
    assert len(routing.throttles.rules) == 1
    assert problems == [
        "parallel limit “GLM”: there is another one for the same, so it is left out",
        "throttle rule “GLM”: there is another one for the same, so it is left out",
    ]


def test_a_limit_of_an_upstream_follows_its_name_and_goes_with_it():
    upstream = make_upstream(name="old")
    ParallelLimit.objects.create(scope="upstream", upstream=upstream, limit=3)
    upstream.name = "new"
    upstream.save()
    assert loaded()[0].limits.limits[0].name == "new"
    upstream.delete()
    assert loaded()[0].limits.limits == ()


def test_session_affinity_is_loaded():
    make_binding("*", make_upstream(), session_affinity=True)
    assert loaded()[0].bindings[0].session_affinity


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (ParallelLimit(scope="model", limit=1), "Name the models"),
        (ParallelLimit(scope="upstream", limit=1), "Choose the upstream"),
        (ParallelLimit(scope="global", limit=0), "greater than or equal to 1"),
        (ParallelLimit(scope="global", limit=1, queue_timeout_seconds=-1), "greater than or equal to 0"),
        (ParallelLimit(scope="model", model_pattern="Glm", limit=1), "There is a limit for the same already"),
        (ThrottleRule(model_pattern="Glm"), "There is a rule for this already"),
        (ThrottleRule(start_pause_seconds=-0.5), "greater than or equal to 0"),
        (ThrottleRule(end_pause_seconds="soon"), "must be a float"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused(row, sentence):
    ParallelLimit.objects.create(model_pattern="glm", limit=1)
    ThrottleRule.objects.create(model_pattern="glm")
    with pytest.raises(ValidationError, match=sentence):
        row.full_clean()


def test_what_the_scope_does_not_use_is_emptied():
    row = ParallelLimit(scope="global", model_pattern="glm", upstream=make_upstream(), limit=1)
    row.full_clean()
    assert (row.model_pattern, row.upstream, row.name) == ("", None, "")


def test_rows_say_what_they_are():
    upstream = make_upstream(name="local")
    limit = ParallelLimit(scope="upstream", upstream=upstream, limit=3)
    assert (str(limit), limit.natural_key()) == ("upstream local: 3", ("upstream", "", "local"))
    assert str(ParallelLimit(scope="global", limit=8)) == "global: 8"
    assert ParallelLimit(scope="global", limit=8).natural_key() == ("global", "", None)
    rule = ThrottleRule(model_pattern="glm")
    assert (str(rule), rule.natural_key()) == ("pauses of glm", ("glm",))
    assert str(ThrottleRule()) == "pauses of all models"
