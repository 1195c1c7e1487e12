"""`validation`: the earlier proxy's policy, and ours for single models."""

import pytest

from proxysite import config_file
from routing.models import ConfigSection
from tests.proxysite.config_file.files import dump, imported, refusals
from tests.rows import make_policy, make_validator
from validation.models import ValidationPolicy, Validator

pytestmark = pytest.mark.django_db

KEY = "sk-planted-0123456789"
THEIRS = {
    "enabled": True,
    "validator_url": "http://127.0.0.1:1234",
    "validator_model": "qwen-3.5-0.8b",
    "max_retries": 3,
    "mid_stream_validation_enabled": False,
    "mid_stream_validation_interval_words": 200,
    "confidence_threshold": 0.9,
    "retry_base_delay_seconds": 2,
    "retry_multiplier": 3.0,
}


def policies():
    return [
        (row.model_pattern, row.validator and row.validator.name, row.enabled) for row in ValidationPolicy.objects.all()
    ]


def test_the_earlier_proxys_section_becomes_a_policy_for_every_model():
    report = imported({"validation": THEIRS})
    policy = ValidationPolicy.objects.get()
    assert policy.model_pattern == "*"
    assert (policy.enabled, policy.max_retries, policy.confidence_threshold) == (True, 3, 0.9)
    assert (policy.retry_base_delay_seconds, policy.retry_multiplier) == (2.0, 3.0)
    assert (policy.mid_stream_validation_enabled, policy.mid_stream_validation_interval_words) == (False, 200)
    assert (policy.validator.base_url, policy.validator.model) == ("http://127.0.0.1:1234", "qwen-3.5-0.8b")
    assert report.created == ["validator validator", "policy for *"]
    assert not any("validation" in note for note in report.notes)


def test_what_it_leaves_out_is_as_it_was_there():
    imported({"validation": {"max_retries": 1}})
    policy = ValidationPolicy.objects.get()
    assert not policy.enabled
    assert (policy.mid_stream_validation_enabled, policy.mid_stream_validation_interval_words) == (True, 300)
    assert (policy.confidence_threshold, policy.retry_base_delay_seconds, policy.retry_multiplier) == (0.85, 1.0, 2.0)
    assert (policy.builtin, policy.delivery, policy.on_exhausted) == (True, "hold_back", "error")
    validator = policy.validator
    assert (validator.base_url, validator.model) == ("http://127.0.0.1:1235", "Qwen3.5-4B-UD-Q6_K_XL.gguf")


def test_our_own_keys_stand_beside_them():
    imported({"validation": {**THEIRS, "builtin": False, "delivery": "buffer", "on_exhausted": "message"}})
    policy = ValidationPolicy.objects.get()
    assert (policy.builtin, policy.delivery, policy.on_exhausted) == (False, "buffer", "message")


def test_no_address_means_no_validator_model():
    imported({"validation": {"enabled": True, "validator_url": None}})
    assert policies() == [("*", None, True)]
    assert not Validator.objects.exists()
    assert config_file.export()["validation"]["validator_url"] is None


def test_the_validator_may_speak_the_anthropic_dialect():
    imported({"validation": {**THEIRS, "supports_anthropic": True, "supports_openai": False}})
    row = Validator.objects.get()
    assert (row.supports_openai, row.supports_anthropic) == (False, True)


def test_it_is_exported_as_it_is_written():
    imported({"validation": {**THEIRS, "supports_anthropic": True}})
    exported = config_file.export()["validation"]
    assert THEIRS.items() <= exported.items()
    assert exported["supports_anthropic"] is True
    assert "validators" not in exported


def test_single_models_have_policies_of_their_own():
    imported(
        {
            "validation": {
                "enabled": True,
                "validator_url": "http://small:1",
                "per_model": {"glm-*": {"validator": "judge", "max_retries": 2}, "qwen*": {"enabled": False}},
                "validators": {"judge": {"base_url": "http://judge:1/v1", "model": "j", "api_key": KEY}},
            }
        }
    )
    assert policies() == [("glm-*", "judge", True), ("qwen*", None, False), ("*", "validator", True)]
    exported = config_file.export()["validation"]
    assert list(exported["per_model"]) == ["glm-*", "qwen*"]
    assert list(exported["validators"]) == ["judge"]
    assert exported["validator_url"] == "http://small:1"
    assert KEY not in str(exported)


def test_policies_for_single_models_alone_say_nothing_of_the_others():
    imported({"validation": {"per_model": {"glm-*": {}}}})
    assert policies() == [("glm-*", None, True)]


def test_a_policy_for_everything_that_is_not_the_last_keeps_its_place():
    make_policy("*", position=5)
    make_policy("glm-*", position=5)
    exported = config_file.export()
    assert list(exported["validation"]["per_model"]) == ["*", "glm-*"]
    assert not imported(exported, replace=True).changed


def test_a_validator_with_more_to_say_is_exported_in_full():
    make_policy("*", validator=make_validator(name="validator", prompt="Judge."))
    exported = config_file.export()["validation"]
    assert exported["validator"] == "validator"
    assert exported["validators"]["validator"]["prompt"] == "Judge."
    assert not imported(config_file.export(), replace=True).changed


def test_every_field_is_exported_but_the_key():
    make_policy("*", validator=make_validator(api_key=KEY))
    exported = config_file.export()["validation"]
    fields = {field.name for field in ValidationPolicy._meta.concrete_fields} - {"id", "model_pattern"}
    assert exported.keys() - {"validators"} == fields
    fields = {field.name for field in Validator._meta.concrete_fields} - {"id", "name", "api_key"}
    assert exported["validators"]["judge"].keys() == fields


@pytest.mark.parametrize("replace", [False, True])
def test_a_stored_key_outlives_a_file_that_has_none(replace):
    make_policy("*", validator=make_validator(name="validator", api_key=KEY))
    report = imported({"validation": {"validator_url": "https://elsewhere"}}, replace=replace)
    assert Validator.objects.get().api_key.reveal() == KEY
    assert "validation: the key that is stored for validator now belongs to https://elsewhere." in report.notes


def test_a_reference_is_exported_and_one_to_nothing_is_reported():
    judge = {"base_url": "http://j", "model": "j", "api_key": "env:NO_SUCH_KEY_HERE"}
    report = imported({"validation": {"validators": {"judge": judge}}})
    assert config_file.export()["validation"]["validators"]["judge"]["api_key"] == "env:NO_SUCH_KEY_HERE"
    assert any("NO_SUCH_KEY_HERE" in note for note in report.notes)


def test_what_a_file_does_not_say_stays_unless_it_replaces():
    imported({"validation": {**THEIRS, "per_model": {"a": {}}}})
    imported({"validation": {"per_model": {"A": {"max_retries": 4}, "b": {}}}})
    assert [pattern for pattern, _, _ in policies()] == ["A", "b", "*"]
    report = imported({"validation": {"per_model": {"b": {}}}}, replace=True)
    assert policies() == [("b", None, True)]
    assert report.removed == ["validator validator", "policy for A", "policy for *"]
    assert imported({}, replace=True).removed == ["policy for b"]


def test_importing_twice_changes_nothing_the_second_time():
    content = {"validation": {**THEIRS, "later": 1, "per_model": {"a": {"ladder": ["seed"]}}}}
    for replace in (False, True):
        imported(content, replace=replace)
        before = dump()
        assert not imported(content, replace=replace).changed
        assert dump() == before


def test_keys_that_are_not_known_are_kept_reported_and_exported():
    report = imported({"validation": {**THEIRS, "later": 1}})
    assert "validation: kept, but not known: later." in report.notes
    assert config_file.export()["validation"]["later"] == 1


def test_a_section_that_an_earlier_version_kept_gives_way():
    ConfigSection.objects.create(name="validation", content={"enabled": True, "later": 1})
    assert config_file.export()["validation"] == {"enabled": True, "later": 1}
    make_policy("glm-*")
    assert config_file.export()["validation"].keys() == {"per_model", "later"}
    imported({"validation": THEIRS})
    assert not ConfigSection.objects.exists()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        ([], "validation: must be an object, got []"),
        ({"enabled": 1}, "validation.enabled: must be true or false, got 1"),
        ({"validator_url": "nowhere"}, "validation.validator_url: "),
        ({"validator_model": ""}, "validation.validator_model: must not be empty"),
        ({"confidence_threshold": 2}, "validation.confidence_threshold: must be at most 1, got 2"),
        ({"delivery": "fast"}, 'validation.delivery: must be one of hold_back, buffer, got "fast"'),
        ({"on_exhausted": 1}, "validation.on_exhausted: must be one of error, message, deliver, got 1"),
        ({"ladder": {}}, "validation.ladder: must be a list, got {}"),
        ({"ladder": ["no"]}, "validation.ladder: enter a list of what each retry changes: "),
        ({"detectors": ["no"]}, "validation.detectors: enter a list of detectors, "),
        ({"supports_openai": False}, "validation: must speak at least one of openai, anthropic (supports_…)"),
        (
            {"validator": "judge"},
            'validation.validator: must be one of validation.validators (there are none), got "judge"',
        ),
        (
            {"validator": None, "validator_url": "http://a"},
            "validation.validator_url: belongs to “validator”, but the policy names another validator",
        ),
        (
            {"enabled": True, "validators": {"validator": {"base_url": "http://a", "model": "m"}}},
            'validation.validators["validator"]: is what the validator model at validator_url is called: ',
        ),
        ({"per_model": 1}, "validation.per_model: must be an object, got 1"),
        ({"per_model": {"a": 1}}, 'validation.per_model["a"]: must be an object, got 1'),
        ({"per_model": {" ": {}}}, 'validation.per_model[" "]: must name a model'),
        ({"per_model": {"a": {"validator_url": "x"}}}, 'validation.per_model["a"].validator_url: is not known; '),
        (
            {"validator_url": None, "per_model": {"*": {}}},
            "validation: must be different from every other pattern (case does not matter)",
        ),
        ({"validators": {"j": {"model": "m"}}}, 'validation.validators["j"].base_url: is missing'),
        ({"validators": {"j": {"base_url": "http://a", "model": "m", "x": 1}}}, 'validation.validators["j"].x: is not'),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(content, refusal):
    assert refusals({"validation": content})[0].startswith(refusal)
