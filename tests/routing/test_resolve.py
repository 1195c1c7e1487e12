import pytest

from routing.errors import BadRequest, EndpointNotFound, ModelNotBound, NoUsableUpstream
from routing.resolve import binding_for, binding_of_path
from tests.snapshots import an_upstream, bound, routing_of, unusable

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
    table = routing_of(bound("glm-*", ONE), bound("*", TWO))
    assert binding_of_path("rerank", None, table).pattern == "*"
    assert binding_of_path("rerank", "qwen", table).pattern == "*"


def test_an_unknown_path_goes_where_the_model_of_its_body_goes():
    assert binding_of_path("rerank", "glm-5", routing_of(bound("*", TWO), bound("glm-*", ONE))).pattern == "*"
    assert binding_of_path("rerank", "glm-5", routing_of(bound("glm-*", ONE), bound("*", TWO))).pattern == "glm-*"


def test_an_unknown_path_without_a_catch_all_is_not_found():
    with pytest.raises(EndpointNotFound, match=r"^/rerank is not an endpoint"):
        binding_of_path("rerank", "qwen", routing_of(bound("glm-*")))


OFF = unusable("glm-*", "“zai” is switched off", "“spare” is misconfigured")
DARK = routing_of(OFF, bound("*", TWO))


def test_a_binding_that_leads_nowhere_does_not_leave_its_models_to_a_wider_one():
    with pytest.raises(NoUsableUpstream) as caught:
        binding_for("glm-5", DARK)
    assert (caught.value.status, caught.value.model, caught.value.retryable) == (503, "glm-5", False)
    assert caught.value.message == (
        "The model “glm-5” is bound by “glm-*”, and it has no usable upstream (“zai” is switched off, “spare” is "
        "misconfigured). Switch an upstream on or mend it in the admin, whose first page says what is wrong, or change "
        "or disable the binding."
    )


def test_neither_does_it_on_another_path():
    with pytest.raises(NoUsableUpstream, match="“glm-5”"):
        binding_of_path("rerank", "glm-5", DARK)


def test_a_request_without_a_model_is_refused_where_the_catch_all_leads_nowhere():
    table = routing_of(unusable("*"), bound("glm-*", ONE))
    with pytest.raises(NoUsableUpstream, match=r"^The binding “\*” leads nowhere: it names no upstream\. Switch"):
        binding_for(None, table)
    with pytest.raises(NoUsableUpstream):
        binding_of_path("rerank", None, table)


def test_of_many_unusable_targets_five_are_told():
    with pytest.raises(NoUsableUpstream, match=r"u4 and 2 more\)") as caught:
        binding_for("m", routing_of(unusable("m", *(f"u{number}" for number in range(7)))))
    assert "u5" not in caught.value.message


def test_other_models_are_served_as_ever():
    assert binding_for("qwen", DARK).pattern == "*"
