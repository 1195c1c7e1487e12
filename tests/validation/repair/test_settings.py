"""Who says what is mended: the model's rule before the upstream, in the same words."""

import pytest

from routing.kinds import Kind
from validation.repair.settings import Repairing, RepairRule, RepairTable, decided, problem

ALL = Repairing()


@pytest.mark.parametrize("kind", list(Kind))
def test_auto_is_on_for_every_kind_but_openai_and_anthropic_themselves(kind):
    assert decided("auto", kind) == (None if kind in (Kind.OPENAI, Kind.ANTHROPIC) else ALL)


@pytest.mark.parametrize("kind", [Kind.OPENAI, Kind.SGLANG])
def test_families_that_are_named_are_mended_whatever_the_kind(kind):
    assert decided(" Kimi, glm,", kind) == Repairing(frozenset({"kimi", "glm"}))
    assert decided("off", kind) is None
    assert decided("", kind) is None


def test_a_rule_goes_before_the_upstream():
    table = RepairTable(rules=(RepairRule(pattern="glm-*", families="glm"), RepairRule(pattern="*", families="off")))

    assert table.repairing("GLM-5", "off", Kind.VLLM) == Repairing(frozenset({"glm"}))
    assert table.repairing("other", "auto", Kind.VLLM) is None


def test_a_rule_that_names_nothing_leaves_it_to_the_upstream():
    table = RepairTable(rules=(RepairRule(pattern="*", mend_history=True),))

    assert table.repairing("m", "auto", Kind.VLLM) == ALL
    assert table.mends_history("m")


def test_without_rules_the_upstream_decides():
    assert RepairTable().repairing("m", "auto", Kind.VLLM) == ALL
    assert not RepairTable().mends_history("m")


@pytest.mark.parametrize("words", ["off", "auto", "kimi", "Kimi, glm"])
def test_words_that_make_sense(words):
    assert problem(words, frozenset({"kimi", "glm"})) is None


@pytest.mark.parametrize(
    ("words", "said"), [("", "Enter off"), (" , ", "Enter off"), ("off, kimi", "stand alone"), ("kimmi", "no family")]
)
def test_words_that_do_not_are_told_of(words, said):
    assert said in str(problem(words, frozenset({"kimi", "glm"})))
