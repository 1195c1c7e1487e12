"""The import rules: read off the imports themselves, so that nobody has to remember them."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxysite.environment import BASE_DIR

PACKAGES = ("proxysite", "routing", "sampling", "validation")

# Pure modules: no Django, no I/O, no event loop, no clock and no chance.  What they need of those arrives as arguments.
PURE = frozenset(
    {
        "proxysite.gateway.again",
        "proxysite.gateway.alarms",
        "proxysite.gateway.chat_frames",
        "proxysite.gateway.plain_frames",
        "proxysite.gateway.client_calls",
        "proxysite.gateway.endpoints",
        "proxysite.gateway.mending",
        "proxysite.gateway.asking",
        "proxysite.gateway.plan",
        "proxysite.gateway.rates",
        "proxysite.gateway.relay",
        "proxysite.gateway.repairs",
        "routing.address",
        "routing.adjust",
        "routing.admission",
        "routing.admission.affinity",
        "routing.admission.limits",
        "routing.admission.slots",
        "routing.admission.targets",
        "routing.admission.throttle",
        "routing.dialects",
        "routing.errors",
        "routing.headers",
        "routing.hints",
        "routing.json_values",
        "routing.kinds",
        "routing.matching",
        "routing.problems",
        "routing.resolve",
        "routing.retry",
        "routing.secrets",
        "routing.snapshot",
        "sampling.merge",
        "sampling.parameters",
        "sampling.snapshot",
        "validation",
        "validation.failures",
        "validation.ending",
        "validation.evidence",
        "validation.ahead",
        "validation.channels",
        "validation.gate",
        "validation.judges",
        "validation.ladder",
        "validation.marking",
        "validation.opinion",
        "validation.question",
        "validation.repair",
        "validation.snapshot",
        "validation.verdict",
        "validation.whole",
    }
)
PURE_LIBRARIES = frozenset({"orjson", "json_repair"})
IMPURE_STANDARD_LIBRARY = frozenset(
    {
        "asyncio", "concurrent", "contextvars", "http", "logging", "multiprocessing", "os", "pathlib",
        "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile",
        "threading", "time", "uuid",
    }
)  # fmt: skip

# What sampling and validation may use of routing besides its pure modules.
SHARED = frozenset(
    {
        "routing.fields",
        "routing.post_action",
        "routing.record_admin",
        "routing.row_fields",
        "routing.signals",
        "routing.validators",
    }
)

# The only modules that speak HTTP, and what they speak it with.
HTTP = {
    "routing.upstream": {"aiohttp", "aiohttp.client_proto", "aiohttp.http_exceptions", "httpx"},
    "proxysite.gateway.demo": {"aiohttp.web"},
}

TOO_VAGUE = frozenset({"utils", "util", "common", "core", "helpers", "misc"})
LONGEST_FILE = 450  # lines
LONGEST_TEST = 700  # a table of cases is one subject however long it is


def python_files(*tops: str) -> list[Path]:
    files = (path for top in tops for path in (BASE_DIR / top).rglob("*.py"))
    return sorted(path for path in files if "migrations" not in path.parts)


def module_name(path: Path) -> str:
    parts = path.relative_to(BASE_DIR).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in python_files(*PACKAGES)}
PURE |= {name for name in FILES if name.startswith(("routing.dialects.", "validation.detectors", "validation.repair."))}
every_module = pytest.mark.parametrize("module", FILES)


def imports(module: str) -> Iterator[str]:
    """Everything a module imports, wherever it does so; `from package import module` counts as the module."""
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES or node.module == "aiohttp" else str(node.module)


def top(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize("module", sorted(PURE))
def test_a_pure_module_imports_only_what_is_pure(module):
    for name in imports(module):
        if top(name) in PACKAGES:
            assert name in PURE
        else:
            assert top(name) in PURE_LIBRARIES | (sys.stdlib_module_names - IMPURE_STANDARD_LIBRARY), name


@every_module
def test_nobody_imports_the_site(module):
    if top(module) != "proxysite":
        assert "proxysite" not in {top(name) for name in imports(module)}


@every_module
def test_routing_imports_no_other_app(module):
    if top(module) == "routing":
        assert {top(name) for name in imports(module)} & set(PACKAGES) <= {"routing"}


@every_module
def test_sampling_and_validation_import_only_what_routing_shares(module):
    if top(module) in ("sampling", "validation"):
        ours = {name for name in imports(module) if top(name) in PACKAGES and top(name) != top(module)}
        assert {name for name in ours if name not in PURE | SHARED} == set()


@every_module
def test_only_two_modules_speak_http(module):
    spoken = {name for name in imports(module) if top(name) in ("aiohttp", "httpx", "httpx_aiohttp")}
    assert spoken <= HTTP.get(module, set())


def test_foreign_keys_stay_inside_their_app():
    from django.apps import apps

    for model in apps.get_models():
        if top(model.__module__) in PACKAGES:
            for field in model._meta.get_fields():
                if field.is_relation:
                    assert top(field.related_model.__module__) == top(model.__module__), (
                        f"{model.__name__}.{field.name}"
                    )


@pytest.mark.parametrize("path", python_files(*PACKAGES, "tests"), ids=module_name)
def test_imports_are_absolute(path):
    levels = [node.level for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    assert set(levels) <= {0}


@pytest.mark.parametrize("path", python_files(*PACKAGES, "tests", "benchmarks"), ids=module_name)
def test_a_file_has_one_subject(path):
    assert path.stem not in TOO_VAGUE
    longest = LONGEST_TEST if "tests" in path.parts else LONGEST_FILE
    assert len(path.read_text().splitlines()) <= longest


def test_the_list_of_pure_modules_names_modules_that_exist():
    assert set(FILES) >= PURE
