import pytest

from routing.dialects import Dialect
from routing.kinds import Kind
from routing.snapshot import Binding, RoutingTable, Target, Upstream


def upstream(name="local", **fields):
    return Upstream(
        name=name, base_url="http://127.0.0.1:8080", kind=Kind.OTHER, dialects=frozenset({Dialect.CHAT}), **fields
    )


def table(*patterns):
    target = Target(upstream=upstream())
    return RoutingTable(bindings=tuple(Binding(pattern=pattern, targets=(target,)) for pattern in patterns))


def test_a_model_is_bound_by_its_exact_name_before_any_glob():
    assert table("*", "glm-4").binding("GLM-4").pattern == "glm-4"
    assert table("*", "glm-4").binding("qwen").pattern == "*"


def test_an_unknown_model_has_no_binding():
    assert table("glm-4").binding("qwen") is None


@pytest.mark.parametrize(("patterns", "found"), [(("glm-*", "*"), True), (("glm-*",), False), ((), False)])
def test_only_a_single_star_catches_all(patterns, found):
    assert (table(*patterns).catch_all is not None) is found


def test_the_first_choices_are_the_targets_of_the_lowest_priority_number():
    a, b, c = (Target(upstream=upstream(name), priority=priority) for name, priority in (("a", 2), ("b", 1), ("c", 1)))
    assert Binding(pattern="*", targets=(a, b, c)).first_choices == (b, c)


def test_upstreams_can_be_keys():
    assert {upstream("a", set_params={"x": 1}): 1}[upstream("a", set_params={"x": 1})] == 1
