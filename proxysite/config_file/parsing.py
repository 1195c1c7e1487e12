"""From the JSON object of a config.json to a `Document`.

Both generations are read as they are: `server.target_base_url` or `server.target_host/port` (first), `listen`,
`upstreams` and `model_upstream_binding` (second), and the sampling sections of both.  Nothing of a file is lost: what
has no feature yet goes to `kept` and is named in the notes.
"""

from typing import Any

from proxysite.config_file.admission_sections import LIMITS, THROTTLE, parse_limits, parse_throttle
from proxysite.config_file.binding_sections import SECTION as BINDINGS
from proxysite.config_file.binding_sections import parse_bindings
from proxysite.config_file.checking import THE_FILE, Checker, child
from proxysite.config_file.document import ConfigFileError, Document
from proxysite.config_file.listening import parse_listen, parse_logging
from proxysite.config_file.sampling_sections import SAMPLING_SECTIONS, parse_sampling
from proxysite.config_file.spelling import meant
from proxysite.config_file.upstream_sections import parse_upstreams
from proxysite.config_file.validation_section import SECTION as VALIDATION
from proxysite.config_file.validation_section import parse_validation
from routing.models import BindingTarget, ConfigSection

USED = frozenset(
    {"server", "listen", "logging", "upstreams", BINDINGS, "override", LIMITS, THROTTLE, VALIDATION, *SAMPLING_SECTIONS}
)


def parse(content: Any) -> Document:
    """Raises ConfigFileError with every wrong value's path."""
    checker = Checker()
    checker.storable(content)
    _refuse_if_wrong(checker)
    document = Document()
    sections = checker.object(content, THE_FILE)
    upstreams = parse_upstreams(sections, document, checker)
    model = _parse_override(sections, document, checker)
    parse_bindings(sections, upstreams, model, document, checker)
    parse_limits(sections, upstreams, document, checker)
    parse_throttle(sections, document, checker)
    parse_validation(sections, document, checker)
    parse_sampling(sections, document, checker)
    parse_listen(sections, document, checker)
    parse_logging(sections, document, checker)
    _keep_the_rest(sections, document, checker)
    _refuse_if_wrong(checker)
    return document


def _refuse_if_wrong(checker: Checker) -> None:
    if checker.errors:
        raise ConfigFileError(checker.errors)


def _parse_override(sections: dict[str, Any], document: Document, checker: Checker) -> str:
    """The model's name that is sent for every model.  `override.sampling_params` is for `parse_sampling`."""
    override = checker.object(sections.get("override", {}), "override")
    unknown = {key: override[key] for key in override.keys() - {"only_anthropic", "model_name", "sampling_params"}}
    if unknown and checker.holds_no_key(unknown, "override"):
        document.kept["override"] = unknown
        document.notes.append(f"override: kept, but not known: {', '.join(sorted(unknown))}.")
    name = override.get("model_name")
    if name is None:
        return ""
    if not checker.field(BindingTarget._meta.get_field("upstream_model"), name, "override.model_name"):
        return ""
    if name and override.get("only_anthropic"):
        document.kept["override"] = {**unknown, "only_anthropic": True, "model_name": name}
        document.notes.append("override.model_name: kept; a name for Anthropic requests only is not supported yet.")
        return ""
    return name


def _keep_the_rest(sections: dict[str, Any], document: Document, checker: Checker) -> None:
    for name, content in sections.items():
        if name not in USED:
            checker.field(ConfigSection._meta.get_field("name"), name, child("", name))
            checker.holds_no_key({name: content}, "")
            document.kept[name] = content
            question = meant([name], USED)
            document.notes.append(f"{child('', name)}: kept; this version does not use it yet.{question}")
