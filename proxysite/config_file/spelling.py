"""A name that is not known may be one that is, spelled wrongly; then what was meant takes no effect."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(names: Iterable[str], known: Iterable[str]) -> str:
    """A question for each of `names` that is nearly one of `known`, with a blank before it; else blank."""
    there = sorted(known)
    guesses = ((name, get_close_matches(name, there, n=1, cutoff=0.75)) for name in names)
    return "".join(f" Is “{name}” meant to be “{found[0]}”?" for name, found in guesses if found)
