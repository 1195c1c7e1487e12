import pytest
from django.db.models import JSONField, Value

from routing.dialects import Dialect
from tests.rows import make_policy, make_validator
from validation.detectors.names import DETECTORS
from validation.loading import load
from validation.models import ValidationPolicy, Validator
from validation.snapshot import Delivery, OnExhausted, Policy, Rung, ValidateOn

pytestmark = pytest.mark.django_db


def policies():
    table, problems = load()
    assert problems == []
    return table.policies


def test_a_row_as_it_is_made_says_what_the_snapshot_has_as_its_defaults():
    make_policy()
    assert policies() == (Policy(model_pattern="*", detectors=frozenset(DETECTORS)),)


def test_every_field_of_a_policy_is_taken_over():
    make_policy(
        "glm-*",
        detectors=["empty", "repetition"],
        mid_stream_validation_enabled=False,
        mid_stream_validation_interval_words=50,
        validate_on="suspicion",
        max_retries=3,
        retry_base_delay_seconds=0.5,
        retry_multiplier=3,
        confidence_threshold=0.5,
        delivery="buffer",
        on_exhausted="deliver",
        ladder=["seed", "dry"],
        hold_seconds=1,
    )
    assert policies() == (
        Policy(
            model_pattern="glm-*",
            detectors=frozenset({"empty", "repetition"}),
            mid_stream_validation_enabled=False,
            mid_stream_validation_interval_words=50,
            validate_on=ValidateOn.SUSPICION,
            max_retries=3,
            retry_base_delay_seconds=0.5,
            retry_multiplier=3,
            confidence_threshold=0.5,
            delivery=Delivery.BUFFER,
            on_exhausted=OnExhausted.DELIVER,
            ladder=(Rung.SEED, Rung.DRY),
            hold_seconds=1,
        ),
    )


def test_a_policy_without_built_in_detectors_has_none():
    make_policy(builtin=False, detectors=["empty"])
    assert policies()[0].detectors == frozenset()


def test_a_policy_that_is_off_is_as_if_it_were_not_there():
    make_policy(enabled=False)
    assert policies() == ()


def test_a_validator_is_taken_over_with_its_key():
    validator = make_validator(
        base_url="http://127.0.0.1:1235/", supports_anthropic=True, api_key="k3y", prompt="?", extra_params={"top_k": 1}
    )
    make_policy(validator=validator)
    found = policies()[0].validator
    assert (found.name, found.base_url, found.model, found.dialect) == (
        "judge", "http://127.0.0.1:1235", "qwen", Dialect.MESSAGES,
    )  # fmt: skip
    assert (found.key.reveal(), found.prompt, found.extra) == ("k3y", "?", {"top_k": 1})


def test_a_broken_validator_is_reported_once_and_the_detectors_judge_on():
    validator = make_validator(api_key="env:NOBODY_HAS_THIS")
    make_policy("a", validator=validator)
    make_policy("b", validator=validator)
    table, problems = load()
    assert [policy.validator for policy in table.policies] == [None, None]
    assert [(problem.what, problem.name, problem.row) for problem in problems] == [("validator", "judge", validator)]


@pytest.mark.parametrize("field", [{"detectors": ["astrology"]}, {"ladder": ["pray"]}, {"delivery": "post"}])
def test_a_broken_policy_is_left_out_and_reported(field):
    make_policy("fine")
    make_policy("broken")
    ValidationPolicy.objects.filter(model_pattern="broken").update(**field)
    table, problems = load()
    assert [policy.model_pattern for policy in table.policies] == ["fine"]
    assert [problem.name for problem in problems] == ["broken"]


def test_a_load_takes_two_queries(django_assert_num_queries):
    make_policy("a", validator=make_validator())
    make_policy("b", validator=Validator.objects.get())
    with django_assert_num_queries(2):
        load()


def test_a_ladder_of_null_has_no_rungs():
    make_policy()
    ValidationPolicy.objects.update(ladder=Value(None, JSONField()))
    assert [policy.ladder for policy in policies()] == [()]
