import pytest

from validation.snapshot import Policy, ValidationTable, ValidatorTarget

VALIDATOR = ValidatorTarget(name="small", base_url="http://localhost:8080", model="qwen")


def policy(pattern="*", **fields):
    return Policy(model_pattern=pattern, **{"detectors": frozenset({"loops"}), **fields})


def test_the_first_retry_follows_at_once_and_the_next_ones_wait_longer_and_longer():
    waits = policy(retry_base_delay_seconds=1.5, retry_multiplier=3)
    assert [waits.delay(retry) for retry in range(1, 5)] == [0, 1.5, 4.5, 13.5]


@pytest.mark.parametrize(
    ("fields", "judges"), [({}, True), ({"detectors": frozenset()}, False), ({"validator": VALIDATOR}, True)]
)
def test_a_policy_judges_if_anything_looks(fields, judges):
    assert policy(**fields).judges is judges


def test_the_policy_of_a_model_is_the_most_specific_one():
    table = ValidationTable(policies=(policy("glm*"), policy("GLM-4"), policy("qwen", detectors=frozenset())))
    assert table.policy("glm-4") is table.policies[1]
    assert table.policy("glm-5") is table.policies[0]


def test_a_model_without_a_policy_or_with_one_that_does_not_look_is_not_judged():
    table = ValidationTable(policies=(policy("qwen", detectors=frozenset()),))
    assert table.policy("qwen") is None
    assert table.policy("glm") is None
    assert ValidationTable().policy("glm") is None


def test_a_validator_can_be_told_apart_by_its_name():
    assert hash(VALIDATOR) == hash("small")
