import logging

import pytest
from django.core.exceptions import ValidationError

from routing.problems import Problem
from routing.reporting import reported


def told(raised, **more):
    problems = []
    with reported(problems, "upstream", "zai", None, **more):
        raise raised
    return problems


@pytest.mark.parametrize(
    "raised", [ValidationError("Enter a URL."), ValidationError({"base_url": ["Enter a URL."]}), ValueError("no URL")]
)
def test_what_is_wrong_with_a_row_is_told_in_its_own_words(raised, caplog):
    (problem,) = told(raised, lead="left out: ")
    assert problem.text in ("left out: Enter a URL.", "left out: base_url: Enter a URL.", "left out: no URL")
    assert not caplog.records


def test_a_mistake_of_ours_is_told_too_and_logged_in_full(caplog):
    with caplog.at_level(logging.ERROR):
        assert told(TypeError("no list")) == [Problem("upstream", "zai", "could not be read: no list")]
    assert caplog.records[0].exc_info


def test_a_row_that_can_be_read_is_no_problem():
    problems = []
    with reported(problems, "upstream", "zai", None):
        pass
    assert problems == []
