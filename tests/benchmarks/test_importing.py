"""What is measured moves; whoever moves it learns here that a benchmark names it."""

import importlib
import pkgutil

import pytest

import benchmarks

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_finds_what_it_measures(name):
    assert importlib.import_module(name).__doc__
