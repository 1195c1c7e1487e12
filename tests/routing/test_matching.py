import pytest

from routing.matching import MOST_KNOWN, PatternTable, fold, is_glob, pick, picks_models, without_context_marker


def table(*patterns):
    return PatternTable((pattern, pattern) for pattern in patterns)


def test_an_exact_name_beats_a_glob_that_stands_before_it():
    assert table("*", "glm-*", "glm-4.7").all("glm-4.7") == ["glm-4.7", "*", "glm-*"]


def test_the_first_of_several_globs_wins():
    assert table("glm-4*", "glm-*", "*").first("glm-4.7") == "glm-4*"
    assert table("glm-*", "glm-4*", "*").first("glm-4.7") == "glm-*"


@pytest.mark.parametrize("name", ["glm-4.7", "GLM-4.7", "gLm-4.7"])
@pytest.mark.parametrize("pattern", ["glm-4.7", "GLM-4.7", "Glm-*", "glm-[34].?"])
def test_case_does_not_matter_in_names_and_patterns(name, pattern):
    assert table(pattern).first(name) == pattern


def test_a_glob_also_matches_the_empty_rest():
    assert table("glm-*").first("glm-") == "glm-*"


def test_a_glob_matches_the_whole_name_and_not_a_part_of_it():
    assert table("glm-*").first("my-glm-4") is None
    assert table("glm-?").first("glm-45") is None


def test_a_name_that_no_pattern_matches_has_no_value():
    assert table("glm-*").first("qwen") is None
    assert table().all("qwen") == []


def test_a_name_may_hold_brackets_itself():
    assert table("model[v2]").first("model[v2]") == "model[v2]"


def test_a_pattern_that_matches_as_name_and_as_glob_is_told_once():
    assert table("*").all("*") == ["*"]


def test_values_that_are_equal_are_all_kept():
    assert PatternTable([("a", "same"), ("*", "same")]).all("a") == ["same", "same"]


def test_patterns_with_odd_brackets_are_taken_as_they_are():
    assert table("[z-a]", "[").first("[") == "["


@pytest.mark.parametrize("name", ["claude-opus[1m]", "Claude-Opus[1M]"])
def test_the_context_marker_is_not_part_of_the_name(name):
    assert table("*", "claude-opus").first(name) == "claude-opus"
    assert table("claude-?pus").first(name) == "claude-?pus"


def test_a_pattern_that_spells_the_marker_out_comes_first():
    assert table("claude", "claude[1m]").all("claude[1m]") == ["claude[1m]", "claude"]


def test_a_marker_in_the_middle_of_a_name_stays():
    assert without_context_marker("a[1m]b") == "a[1m]b"
    assert without_context_marker("a[1m]") == "a"


@pytest.mark.parametrize(
    ("pattern", "answer"), [("glm-4.7", False), ("glm*", True), ("g?m", True), ("g[lm]", True), ("g]", False)]
)
def test_globs_are_told_by_their_special_characters(pattern, answer):
    assert is_glob(pattern) is answer


def test_folding_goes_further_than_lower_case():
    assert fold("STRASSE") == fold("straße")


@pytest.mark.parametrize(
    ("glob", "wanted", "picked"),
    [
        ("*", "claude-sonnet-4-5", "Qwen3"),
        ("*", "glm-4.7", "GLM-4.7"),
        ("*", "GLM-4.7[1m]", "GLM-4.7"),
        ("*", "", "Qwen3"),
        ("glm-*", "claude-sonnet-4-5", "GLM-4.7"),
        ("glm-?", "claude-sonnet-4-5", "glm-5"),
        ("glm-*", "qwen3", "GLM-4.7"),
        ("llama*", "qwen3", ""),
    ],
)
def test_a_glob_picks_the_wanted_name_as_it_is_spelled_else_the_first_that_matches(glob, wanted, picked):
    assert pick(glob, wanted, ["Qwen3", "GLM-4.7", "glm-5"]) == picked


def test_nothing_is_picked_of_nothing():
    assert pick("*", "glm", []) == ""


def test_brackets_in_a_name_do_not_pick():
    assert [picks_models(name) for name in ("gemma[fast]", "", "qwen*", "qwen?")] == [False, False, True, True]


def test_names_from_clients_never_fill_the_memory():
    known = table("m1*")
    for number in range(MOST_KNOWN + 10):
        known.first(f"m{number}")
    assert known.first.cache_info().currsize == MOST_KNOWN
    assert [known.first(name) for name in ("m17", "m2", "m17")] == ["m1*", None, "m1*"]
