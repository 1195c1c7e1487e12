"""The table of sampling parameters: type, range, help, other names, and which dialects can carry them.

Names that are not in the table are allowed everywhere (`chat_template_kwargs`, `thinking`, a server's newest toy);
the admin warns about them.  Facts: the servers' own documentation.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from routing.dialects import Dialect
from routing.kinds import Kind

ALL = frozenset(Dialect)
OPENAI = frozenset({Dialect.CHAT, Dialect.COMPLETIONS})
LOCAL = OPENAI | {Dialect.GENERATE}


@dataclass(frozen=True)
class Parameter:
    """`names` gives the spelling of a dialect where it differs; `carried_by` the dialects that have it at all."""

    name: str
    type: str  # "number", "integer", "flag", "text", "list", "object", "texts" (a text or a list of texts), "any"
    help: str
    minimum: float | None = None
    maximum: float | None = None
    carried_by: frozenset[Dialect] = LOCAL
    names: Mapping[Dialect, str] | None = None
    aliases: tuple[str, ...] = ()


def _same(*dialects: Dialect, name: str) -> dict[Dialect, str]:
    return dict.fromkeys(dialects, name)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("temperature", "number", "How freely the model chooses; 0 is greedy.", 0, carried_by=ALL),
    Parameter("top_p", "number", "Only the likeliest tokens that make up this share.", 0, 1, carried_by=ALL),
    Parameter("top_k", "integer", "Only this many of the likeliest tokens.", -1, carried_by=LOCAL | {Dialect.MESSAGES}),
    Parameter("min_p", "number", "Only tokens at least this likely, relative to the likeliest.", 0, 1),
    Parameter("typical_p", "number", "Locally typical sampling; 1 is off.", 0, 1),
    Parameter("top_n_sigma", "number", "Only tokens within n standard deviations of the best; -1 is off.", -1),
    Parameter(
        "max_tokens",
        "integer",
        "Longest answer, in tokens.",
        -1,
        carried_by=ALL,
        names={Dialect.RESPONSES: "max_output_tokens", Dialect.GENERATE: "max_new_tokens"},
        aliases=("max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict"),
    ),
    Parameter(
        "min_tokens",
        "integer",
        "Shortest answer, in tokens.",
        0,
        names={Dialect.GENERATE: "min_new_tokens"},
        aliases=("min_new_tokens",),
    ),
    Parameter(
        "repetition_penalty",
        "number",
        "Multiplies down the likelihood of tokens that were there before; 1 is off.",
        0,
        aliases=("repeat_penalty",),
    ),
    Parameter("repeat_last_n", "integer", "How far back the repeat penalty looks; -1 is the whole context.", -1),
    Parameter("presence_penalty", "number", "Lowers tokens that were there before at all.", -2, 2),
    Parameter("frequency_penalty", "number", "Lowers tokens by how often they were there before.", -2, 2),
    Parameter(
        "seed", "integer", "Same seed, same answer.", names={Dialect.GENERATE: "sampling_seed"}, aliases=("sampling_seed",)
    ),
    Parameter(
        "stop",
        "texts",
        "Texts that end the answer.",
        carried_by=LOCAL | {Dialect.MESSAGES},
        names={Dialect.MESSAGES: "stop_sequences"},
        aliases=("stop_sequences",),
    ),
    Parameter("stop_token_ids", "list", "Token ids that end the answer."),
    Parameter("logit_bias", "any", "Token ids and what is added to their likelihood."),
    Parameter("ignore_eos", "flag", "Go on after the end-of-answer token."),
    Parameter("skip_special_tokens", "flag", "Leave special tokens out of the text."),
    Parameter("n", "integer", "Number of answers.", 1),
    Parameter("dry_multiplier", "number", "Strength of DRY, which punishes repeated phrases; 0 is off.", 0),
    Parameter("dry_base", "number", "How fast DRY grows with the length of the repeat.", 0),
    Parameter("dry_allowed_length", "integer", "Longest repeat that DRY leaves alone.", 0),
    Parameter("dry_penalty_last_n", "integer", "How far back DRY looks; -1 is the whole context.", -1),
    Parameter("dry_sequence_breakers", "list", "Texts at which DRY starts afresh."),
    Parameter("xtc_probability", "number", "How often XTC leaves out the likeliest tokens; 0 is off.", 0, 1),
    Parameter("xtc_threshold", "number", "Tokens likelier than this are what XTC leaves out.", 0, 1),
    Parameter("dynatemp_range", "number", "Range of the dynamic temperature; 0 is off.", 0),
    Parameter("dynatemp_exponent", "number", "Curve of the dynamic temperature.", 0),
    Parameter("mirostat", "integer", "Mirostat version; 0 is off.", 0, 2),
    Parameter("mirostat_tau", "number", "Mirostat's target entropy.", 0),
    Parameter("mirostat_eta", "number", "Mirostat's learning rate.", 0),
    Parameter("samplers", "any", "Order of the samplers (llama.cpp)."),
    Parameter("grammar", "text", "Grammar that the answer must follow (llama.cpp)."),
)

_BY_NAME: dict[str, Parameter] = {
    spelling: parameter for parameter in PARAMETERS for spelling in (parameter.name, *parameter.aliases)
}

# Servers that take their own extra parameters on every endpoint, Anthropic's and Responses' too.
_LENIENT = frozenset({Kind.LLAMACPP, Kind.VLLM, Kind.SGLANG, Kind.LMSTUDIO, Kind.OLLAMA})

# What api.openai.com answers with a 400.
_REFUSED_BY_OPENAI = frozenset(
    {parameter.name for parameter in PARAMETERS}
    - {"temperature", "top_p", "max_tokens", "presence_penalty", "frequency_penalty", "seed", "stop", "logit_bias", "n"}
)


def find(name: str) -> Parameter | None:
    """The table row of a parameter under any of its names."""
    return _BY_NAME.get(name)


def spellings(name: str) -> tuple[str, ...]:
    """Every name of the same parameter, this one's own first."""
    parameter = _BY_NAME.get(name)
    if parameter is None:
        return (name,)
    return (name, *(other for other in (parameter.name, *parameter.aliases) if other != name))


def spelled(name: str, dialect: Dialect) -> str:
    """The name that a dialect has for a parameter; a dialect without an own spelling keeps the one that was given."""
    parameter = _BY_NAME.get(name)
    if parameter is None:
        return name
    own = (parameter.names or {}).get(dialect)
    if own:
        return own
    foreign = set((parameter.names or {}).values())
    return parameter.name if name in foreign or dialect is Dialect.GENERATE else name


def is_carried(name: str, dialect: Dialect, kind: Kind) -> bool:
    """Whether an upstream of this kind takes the parameter in this dialect."""
    parameter = _BY_NAME.get(name)
    if parameter is None or kind in _LENIENT:
        return True
    if kind is Kind.OPENAI and parameter.name in _REFUSED_BY_OPENAI:
        return False
    return dialect in parameter.carried_by


def problems(parameters: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(name, sentence) for each value that its parameter cannot have.  Null, which switches off, is always fine."""
    for name, value in parameters.items():
        parameter = _BY_NAME.get(name)
        if parameter is None or value is None:
            problem = _not_json(value)
        else:
            problem = _CHECKS[parameter.type](value) or _out_of_range(parameter, value)
        if problem:
            yield name, problem


def unknown(parameters: Mapping[str, Any]) -> list[str]:
    return [name for name in parameters if name not in _BY_NAME]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS = {
    "number": lambda value: None if _is_number(value) else "must be a number",
    "integer": lambda value: None if _is_integer(value) else "must be a whole number",
    "flag": lambda value: None if isinstance(value, bool) else "must be true or false",
    "text": lambda value: None if isinstance(value, str) else "must be a text",
    "list": lambda value: None if isinstance(value, list) else "must be a list",
    "object": lambda value: None if isinstance(value, dict) else "must be an object",
    "texts": lambda value: (
        None
        if isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
        else "must be a text or a list of texts"
    ),
    "any": lambda value: _not_json(value),
}


def _not_json(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if isinstance(value, Mapping):
        return next((problem for item in value.values() if (problem := _not_json(item))), None)
    if isinstance(value, list):
        return next((problem for item in value if (problem := _not_json(item))), None)
    return None


def _out_of_range(parameter: Parameter, value: Any) -> str | None:
    if parameter.minimum is not None and value < parameter.minimum:
        return f"must be at least {parameter.minimum:g}"
    if parameter.maximum is not None and value > parameter.maximum:
        return f"must be at most {parameter.maximum:g}"
    return None
