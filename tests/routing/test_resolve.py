import pytest

from routing.errors import BadRequest, EndpointNotFound, ModelNotBound
from routing.resolve import binding_for, catch_all
from tests.snapshots import an_upstream, bound, routing_of

ONE, TWO, THREE = (an_upstream(name) for name in ("one", "two", "three"))


def test_a_model_goes_where_its_pattern_says():
    table = routing_of(bound("glm-*", ONE), bound("*", TWO))
    assert binding_for("GLM-4", table).pattern == "glm-*"
    assert binding_for("other", table).pattern == "*"


def test_a_request_without_a_model_goes_where_all_the_rest_goes():
    assert binding_for(None, routing_of(bound("glm-*", ONE), bound("*", TWO))).pattern == "*"


def test_a_request_without_a_model_needs_a_catch_all():
    with pytest.raises(BadRequest, match=r"names no model, and no binding catches all\. The patterns are: glm-\*\."):
        binding_for(None, routing_of(bound("glm-*")))


def test_an_unknown_model_is_told_which_patterns_there_are():
    with pytest.raises(ModelNotBound, match=r"“gpt-5”\. The patterns are: glm-\*, qwen\."):
        binding_for("gpt-5", routing_of(bound("glm-*"), bound("qwen")))


def test_where_nothing_is_bound_the_way_out_is_told():
    with pytest.raises(ModelNotBound, match="There are no bindings yet: add one in the admin"):
        binding_for("gpt-5", routing_of())


def test_of_many_patterns_twenty_are_told():
    with pytest.raises(ModelNotBound, match=r"m0, .*, m19 and 5 more") as caught:
        binding_for("gpt-5", routing_of(*(bound(f"m{number}") for number in range(25))))
    assert "m20" not in caught.value.message


def test_a_very_long_name_is_not_repeated_whole():
    with pytest.raises(ModelNotBound) as caught:
        binding_for("x" * 10_000, routing_of())
    assert len(caught.value.message) < 400


def test_an_unknown_path_goes_where_all_the_rest_goes():
    assert catch_all(routing_of(bound("*", TWO)), "rerank").pattern == "*"


def test_an_unknown_path_without_a_catch_all_is_not_found():
    with pytest.raises(EndpointNotFound, match=r"^/rerank is not an endpoint"):
        catch_all(routing_of(bound("glm-*")), "rerank")
