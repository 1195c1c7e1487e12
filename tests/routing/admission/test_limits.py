import pytest

from routing.admission.limits import Limit, LimitTable, Scope
from routing.matching import MOST_KNOWN

OVERALL = Limit(scope=Scope.GLOBAL, limit=9)
GLM = Limit(scope=Scope.MODEL, name="glm-*", limit=3)
GLM_5 = Limit(scope=Scope.MODEL, name="GLM-5", limit=2)
ZAI = Limit(scope=Scope.UPSTREAM, name="Zai", limit=5)


def test_a_request_meets_its_model_first_and_the_global_limit_last():
    assert LimitTable(limits=(OVERALL, ZAI, GLM)).of("glm-4", "zai") == (GLM, ZAI, OVERALL)


def test_of_several_patterns_it_meets_one_the_exact_name_first():
    assert LimitTable(limits=(GLM, GLM_5)).of("glm-5", "x") == (GLM_5,)


def test_a_request_meets_only_what_is_for_it():
    assert LimitTable(limits=(GLM, ZAI)).of("qwen", "local") == ()
    assert LimitTable().of("qwen", "local") == ()


def test_names_of_many_models_do_not_fill_the_memory():
    table = LimitTable(limits=(OVERALL,))
    for number in range(5000):
        assert table.of(f"model-{number}", "x") == (OVERALL,)
    assert table.of.cache_info().currsize == MOST_KNOWN


@pytest.mark.parametrize(
    ("of_model", "of_all", "longest"), [(None, None, None), (None, 60, 60), (5, 60, 5), (600, 60, 600), (0, 60, 0)]
)
def test_the_most_specific_limit_that_says_so_decides_how_long_a_request_waits(of_model, of_all, longest):
    model = Limit(scope=Scope.MODEL, name="*", limit=1, queue_timeout_seconds=of_model)
    overall = Limit(scope=Scope.GLOBAL, limit=1, queue_timeout_seconds=of_all)
    assert LimitTable(limits=(model, overall)).longest_wait("glm", "x") == longest
