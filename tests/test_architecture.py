"""The import rules: read off the imports themselves, so that nobody has to remember them."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

from proxysite.environment import BASE_DIR

PACKAGES = ("proxysite", "routing", "sampling", "validation")

# Pure modules: no Django, no I/O, no event loop, no clock and no chance.  What they need of those arrives as arguments.
PURE = frozenset(
    {
        "proxysite.gateway.again",
        "proxysite.gateway.alarms",
        "proxysite.gateway.chat_frames",
        "proxysite.gateway.chat_rewriter",
        "proxysite.gateway.plain_frames",
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
        "routing.decoding",
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
        "validation.asks",
        "validation.channels",
        "validation.calls",
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
PURE_LIBRARIES = frozenset({"orjson", "json_repair", "brotli", "zstandard"})
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
        "routing.json_form",
        "routing.post_action",
        "routing.record_admin",
        "routing.reporting",
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


@cache
def imports(module: str) -> frozenset[str]:
    """Everything a module imports, wherever it does so; `from package import module` counts as the module."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in FILES or node.module == "aiohttp" else str(node.module))
    return frozenset(found)


def top(name: str) -> str:
    return name.partition(".")[0]


def is_pure(name: str) -> bool:
    if top(name) in PACKAGES:
        return name in PURE
    return top(name) in PURE_LIBRARIES | (sys.stdlib_module_names - IMPURE_STANDARD_LIBRARY)


# Each test looks at all files, because a test for each file and rule would take longer than all the looking does.


def test_a_pure_module_imports_only_what_is_pure():
    assert {(module, name) for module in PURE for name in imports(module) if not is_pure(name)} == set()


def test_nobody_imports_the_site():
    others = [module for module in FILES if top(module) != "proxysite"]
    assert {(module, name) for module in others for name in imports(module) if top(name) == "proxysite"} == set()


def test_routing_imports_no_other_app():
    others = set(PACKAGES) - {"routing"}
    routing = [module for module in FILES if top(module) == "routing"]
    assert {(module, name) for module in routing for name in imports(module) if top(name) in others} == set()


def test_sampling_and_validation_import_only_what_routing_shares():
    assert {
        (module, name)
        for module in FILES
        if top(module) in ("sampling", "validation")
        for name in imports(module)
        if top(name) in PACKAGES and top(name) != top(module) and name not in PURE | SHARED
    } == set()


def test_only_two_modules_speak_http():
    assert {
        (module, name)
        for module in FILES
        for name in imports(module)
        if top(name) in ("aiohttp", "httpx", "httpx_aiohttp") and name not in HTTP.get(module, ())
    } == set()


def test_foreign_keys_stay_inside_their_app():
    from django.apps import apps

    for model in apps.get_models():
        if top(model.__module__) in PACKAGES:
            for field in model._meta.get_fields():
                if field.is_relation:
                    assert top(field.related_model.__module__) == top(model.__module__), (
                        f"{model.__name__}.{field.name}"
                    )


def test_imports_are_absolute():
    relative = re.compile(r"^\s*from\s+\.", re.MULTILINE)  # parsing all tests takes seconds
    assert [path for path in python_files(*PACKAGES, "tests") if relative.search(path.read_text())] == []


def test_a_file_has_one_subject():
    files = python_files(*PACKAGES, "tests", "benchmarks")
    assert [path for path in files if path.stem in TOO_VAGUE] == []
    longest = {path: LONGEST_TEST if "tests" in path.parts else LONGEST_FILE for path in files}
    assert [path for path in files if len(path.read_text().splitlines()) > longest[path]] == []


def test_the_list_of_pure_modules_names_modules_that_exist():
    assert set(FILES) >= PURE
