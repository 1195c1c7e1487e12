"""Whatever is wrong with a stored row takes out that row alone, and is told."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError

from routing.problems import Problem
from routing.validators import sentence

log = logging.getLogger(__name__)


@contextmanager
def reported(problems: list[Problem], what: str, name: str, row: Any, *, lead: str = "") -> Iterator[None]:
    """Around the reading of a row: what it raises becomes a problem, behind the words of `lead`.

    A ValidationError or ValueError says what is wrong with the row.  Anything else is a mistake of ours, which the log
    shows in full; the other rows must not suffer for it.
    """
    try:
        yield
    except ValidationError as problem:
        problems.append(Problem(what, name, lead + sentence(problem), row))
    except ValueError as problem:
        problems.append(Problem(what, name, f"{lead}{problem}", row))
    except Exception as problem:
        log.exception("The %s “%s” could not be read.", what, name)
        problems.append(Problem(what, name, f"{lead}could not be read: {problem}", row))
