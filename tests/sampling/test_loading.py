import pytest

from routing.dialects import Dialect
from sampling import loading
from sampling.models import SamplingPreset, SamplingRule
from sampling.snapshot import Layer, Rule
from tests.rows import make_rule

pytestmark = pytest.mark.django_db


def test_a_rule_is_loaded_with_its_presets_parameters():
    make_rule({"temperature": 0.6}, preset="calm", layer="enforced", model_pattern="glm-*", applies_to="messages")
    table, problems = loading.load()
    assert problems == []
    assert table.rules == (
        Rule(
            layer=Layer.ENFORCED,
            pattern="glm-*",
            preset="calm",
            parameters={"temperature": 0.6},
            applies_to=Dialect.MESSAGES,
        ),
    )


def test_a_rule_for_all_clients_applies_to_every_dialect():
    make_rule({"top_p": 0.5})
    assert loading.load()[0].rules[0].applies_to is None


def test_loading_takes_one_query_however_many_rules_there_are(django_assert_num_queries):
    for number in range(5):
        make_rule({"top_p": 0.5}, preset=f"preset {number}")
    with django_assert_num_queries(1):
        loading.load()


def test_rules_stand_in_the_order_of_their_position():
    make_rule({}, preset="late", position=20)
    make_rule({}, preset="early", position=10)
    assert [rule.preset for rule in loading.load()[0].rules] == ["early", "late"]


def test_a_rule_that_is_switched_off_is_not_loaded():
    make_rule({"top_p": 0.5}, enabled=False)
    assert loading.load()[0].rules == ()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (["temperature"], "must hold an object of parameters"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"top_p": 5, "top_k": 0.5}, "top_p must be at most 1; top_k must be a whole number"),
    ],
)
def test_a_rule_whose_preset_makes_no_sense_is_reported_and_left_out(parameters, sentence):
    make_rule({}, preset="broken")
    SamplingPreset.objects.update(parameters=parameters)
    make_rule({"top_p": 0.5}, preset="whole")
    table, problems = loading.load()
    assert [rule.preset for rule in table.rules] == ["whole"]
    assert len(problems) == 1
    assert str(problems[0]).startswith("sampling rule “broken for * (model)”: preset broken")
    assert sentence in str(problems[0])


@pytest.mark.parametrize("field", ["layer", "applies_to"])
def test_a_rule_with_an_unknown_choice_is_reported_and_left_out(field):
    rule = make_rule({"top_p": 0.5})
    SamplingRule.objects.update(**{field: "nonsense"})
    table, problems = loading.load()
    assert table.rules == ()
    assert problems[0].row == rule
