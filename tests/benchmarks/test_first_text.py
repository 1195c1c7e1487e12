import pytest

from benchmarks.first_text import Arrival, behind


@pytest.mark.parametrize(
    ("plain", "held", "most"),
    [
        ([1, 2, 3], [1, 2, 3], 0),
        ([1, 2, 3, 4], [3, 3, 3, 4], 2),
        ([1, 2, 3, 4], [5, 5, 5, 5], 4),
        ([2, 3], [1, 2, 2], 0),
        ([], [], 0),
    ],
)
def test_an_answer_is_behind_by_what_the_other_has_more_at_the_same_moment(plain, held, most):
    assert behind(Arrival(plain), Arrival(held)) == most
