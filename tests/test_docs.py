"""The documentation is held against what it documents."""

import re

import pytest
from django.apps import apps

from proxysite.environment import BASE_DIR, VARIABLES
from routing.kinds import Kind
from routing.models import BindingTarget, ModelBinding, ParallelLimit, ThrottleRule, Upstream
from sampling.models import SamplingPreset, SamplingRule
from validation.detectors.names import DETECTORS
from validation.models import RepairRule, ValidationPolicy, Validator

DOCUMENTED = {
    "## Upstreams": [Upstream],
    "## Bindings": [ModelBinding, BindingTarget],
    "## Limits": [ParallelLimit],
    "## Pauses": [ThrottleRule],
    "## Sampling rules": [SamplingPreset, SamplingRule],
    "## Tool-call repair": [RepairRule],
    "## Validation": [ValidationPolicy, Validator],
}


def text_of(name):
    return (BASE_DIR / name).read_text()


def rows(text):
    """The table rows of a text whose first cell is a name, by that name."""
    lines = (re.fullmatch(r"\| `(\w+)` \|([^|]*)\|([^|]*)\|", line) for line in text.splitlines())
    return {line[1]: (line[2].strip(), line[3].strip()) for line in lines if line}


def section(heading):
    return re.search(rf"^{heading}$(.*?)(?=^## |\Z)", text_of("docs/configuration.md"), re.MULTILINE | re.DOTALL)[1]


def shown(variable):
    """A default as a person writes it."""
    default = ",".join(variable.default) if isinstance(variable.default, list) else str(variable.default)
    return default.lower() if variable.type == "flag" else default


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_setting_has_its_line_with_default_and_meaning(variable):
    default, meaning = rows(section("## Settings of the installation"))[variable.name]
    assert default == (f"`{shown(variable)}`" if shown(variable) else "blank")
    assert meaning.startswith(variable.help)
    assert all(f"`{choice}`" in meaning for choice in variable.choices)


def test_no_setting_is_documented_that_does_not_exist():
    documented = rows(section("## Settings of the installation"))
    assert list(documented) == [variable.name for variable in VARIABLES]


def test_the_example_file_names_every_setting_with_its_default_and_sets_none():
    lines = text_of(".env.example").splitlines()
    assert [line for line in lines if re.match(r"# \w+=", line)] == [
        f"# {variable.name}={shown(variable)}" for variable in VARIABLES
    ]
    assert all(line == "" or line.startswith("# ") for line in lines)


@pytest.mark.parametrize(
    ("heading", "model"), [(heading, model) for heading, models in DOCUMENTED.items() for model in models]
)
def test_every_field_of_the_configuration_has_its_line(heading, model):
    documented = rows(section(heading))
    fields = [field.name for field in model._meta.concrete_fields if not field.primary_key]
    assert [name for name in fields if not documented.get(name, ("", ""))[1]] == []


@pytest.mark.parametrize("heading", DOCUMENTED)
def test_no_field_is_documented_that_does_not_exist(heading):
    known = {field.name for model in DOCUMENTED[heading] for field in model._meta.concrete_fields}
    values = {kind.value for kind in Kind} | {"forward", "own", "none"}
    assert set(rows(section(heading))) - values <= known


def test_every_kind_of_upstream_has_its_line():
    assert {kind.value for kind in Kind} <= set(rows(section("## Upstreams")))


@pytest.mark.parametrize("model", [model for models in DOCUMENTED.values() for model in models])
def test_every_field_that_a_person_fills_in_has_help_text(model):
    silent = [field.name for field in model._meta.concrete_fields if not field.help_text and not field.is_relation]
    assert silent == ["id"]


PAGES = sorted(path.relative_to(BASE_DIR).as_posix() for path in (*BASE_DIR.glob("*.md"), *BASE_DIR.glob("docs/*.md")))


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text_of(page))
    assert [link for link in links if not (BASE_DIR / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_to_headings_lead_to_one(page):
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    }
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", text_of(page)) if link not in headings] == []


def test_the_documented_models_are_all_that_people_configure():
    configured = {model for models in DOCUMENTED.values() for model in models}
    ours = {model for app in ("routing", "sampling", "validation") for model in apps.get_app_config(app).get_models()}
    assert {model.__name__ for model in ours - configured} == {
        "ConfigRevision",
        "ConfigSection",
        "RequestRecord",
        "TokenCalibration",
        "ValidationFailure",
    }


def test_every_built_in_detector_is_named():
    assert [name for name in DETECTORS if f"`{name}`" not in section("## Validation")] == []
