"""The table of sampling parameters: type, range, help, other names, and which dialects can carry them.

Names that are not in the table are allowed everywhere (`chat_template_kwargs`, `thinking`, a server's newest toy);
the admin warns about them.  Facts: the servers' own documentation.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.dialects import Dialect
from routing.dialects.capabilities import IGNORED_BY_OLLAMA
from routing.json_values import obstacle
from routing.kinds import Kind

ALL = frozenset(Dialect)
OPENAI = frozenset({Dialect.CHAT, Dialect.COMPLETIONS})
LOCAL = OPENAI | {Dialect.GENERATE}

Place = Dialect | tuple[Kind, Dialect]  # a dialect, or a dialect as one kind of server speaks it


@dataclass(frozen=True)
class Parameter:
    """`carried_by` says which dialects have it at all, `names` how a dialect or a kind of server spells it.

    A dialect that is not in `names` takes the parameter's own name; `also` are other names it takes just as well.
    """

    name: str
    type: str  # "number", "integer", "flag", "text", "list", "texts" (a text or a list of texts), "any"
    help: str
    minimum: float | None = None
    maximum: float | None = None
    carried_by: frozenset[Dialect] = LOCAL
    names: Mapping[Place, str] = field(default_factory=dict)
    also: Mapping[Dialect, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def _spelled_by(name: str, *kinds: Kind) -> dict[Place, str]:
    """The kinds' name for a parameter, in every dialect but SGLang's own."""
    return {(kind, dialect): name for kind in kinds for dialect in ALL - {Dialect.GENERATE}}


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("temperature", "number", "How freely the model chooses; 0 is greedy.", 0, carried_by=ALL),
    Parameter("top_p", "number", "Only the likeliest tokens that make up this share.", 0, 1, carried_by=ALL),
    Parameter("top_k", "integer", "Only this many of the likeliest tokens.", -1, carried_by=LOCAL | {Dialect.MESSAGES}),
    Parameter("min_p", "number", "Only tokens at least this likely, relative to the likeliest.", 0, 1),
    Parameter("typical_p", "number", "Locally typical sampling; 1 is off.", 0, 1, carried_by=OPENAI),
    Parameter(
        "top_n_sigma",
        "number",
        "Only tokens within n standard deviations of the best; -1 is off.",
        -1,
        carried_by=OPENAI,
    ),
    Parameter(
        "max_tokens",
        "integer",
        "Longest answer, in tokens.",
        -1,
        carried_by=ALL,
        names={
            Dialect.RESPONSES: "max_output_tokens",
            Dialect.GENERATE: "max_new_tokens",
            (Kind.OPENAI, Dialect.CHAT): "max_completion_tokens",  # its reasoning models refuse the old name
        },
        also={Dialect.CHAT: "max_completion_tokens"},
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
        names={
            **_spelled_by("repeat_penalty", Kind.LLAMACPP, Kind.LMSTUDIO),
            **_spelled_by("repetition_penalty", Kind.VLLM, Kind.SGLANG),
        },
        also=dict.fromkeys(OPENAI, "repeat_penalty"),
        aliases=("repeat_penalty",),
    ),
    Parameter(
        "repeat_last_n",
        "integer",
        "How far back the repeat penalty looks; -1 is the whole context.",
        -1,
        carried_by=OPENAI,
    ),
    Parameter("presence_penalty", "number", "Lowers tokens that were there before at all.", -2, 2),
    Parameter("frequency_penalty", "number", "Lowers tokens by how often they were there before.", -2, 2),
    Parameter(
        "seed",
        "integer",
        "Same seed, same answer.",
        names={Dialect.GENERATE: "sampling_seed"},
        aliases=("sampling_seed",),
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
    Parameter(
        "dry_multiplier", "number", "Strength of DRY, which punishes repeated phrases; 0 is off.", 0, carried_by=OPENAI
    ),
    Parameter("dry_base", "number", "How fast DRY grows with the length of the repeat.", 0, carried_by=OPENAI),
    Parameter("dry_allowed_length", "integer", "Longest repeat that DRY leaves alone.", 0, carried_by=OPENAI),
    Parameter(
        "dry_penalty_last_n", "integer", "How far back DRY looks; -1 is the whole context.", -1, carried_by=OPENAI
    ),
    Parameter("dry_sequence_breakers", "list", "Texts at which DRY starts afresh.", carried_by=OPENAI),
    Parameter(
        "xtc_probability", "number", "How often XTC leaves out the likeliest tokens; 0 is off.", 0, 1, carried_by=OPENAI
    ),
    Parameter("xtc_threshold", "number", "Tokens likelier than this are what XTC leaves out.", 0, 1, carried_by=OPENAI),
    Parameter("dynatemp_range", "number", "Range of the dynamic temperature; 0 is off.", 0, carried_by=OPENAI),
    Parameter("dynatemp_exponent", "number", "Curve of the dynamic temperature.", 0, carried_by=OPENAI),
    Parameter("mirostat", "integer", "Mirostat version; 0 is off.", 0, 2, carried_by=OPENAI),
    Parameter("mirostat_tau", "number", "Mirostat's target entropy.", 0, carried_by=OPENAI),
    Parameter("mirostat_eta", "number", "Mirostat's learning rate.", 0, carried_by=OPENAI),
    Parameter("samplers", "any", "Order of the samplers (llama.cpp).", carried_by=OPENAI),
    Parameter("grammar", "text", "Grammar that the answer must follow (llama.cpp).", carried_by=OPENAI),
)

_BY_NAME: dict[str, Parameter] = {
    spelling: parameter for parameter in PARAMETERS for spelling in (parameter.name, *parameter.aliases)
}

# Servers that take their own extra parameters on every endpoint, Anthropic's and Responses' too.  Only SGLang's own
# /generate refuses what it does not know.
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


def canonical(name: str) -> str:
    """The table's name for a parameter."""
    parameter = _BY_NAME.get(name)
    return parameter.name if parameter else name


def spelled(name: str, dialect: Dialect, kind: Kind = Kind.AUTO) -> str:
    """The name to send a parameter under: the one the server requires, else the given one if the dialect takes it."""
    parameter = _BY_NAME.get(name)
    if parameter is None:
        return name
    required = parameter.names.get((kind, dialect)) or parameter.names.get(dialect)
    return required or (name if parameter.also.get(dialect) == name else parameter.name)


def is_carried(name: str, dialect: Dialect, kind: Kind) -> bool:
    """Whether an upstream of this kind takes the parameter in this dialect."""
    parameter = _BY_NAME.get(name)
    if parameter is None:
        return True
    if kind is Kind.OPENAI and parameter.name in _REFUSED_BY_OPENAI:
        return False
    if kind is Kind.OLLAMA and parameter.name in IGNORED_BY_OLLAMA:
        return False
    return dialect in parameter.carried_by or (kind in _LENIENT and dialect is not Dialect.GENERATE)


def fitted(name: str, value: Any, dialect: Dialect, kind: Kind) -> Any:
    """The value as this server takes it: the same meaning, or the nearest that is allowed."""
    match canonical(name):
        case "stop" if dialect is Dialect.MESSAGES and isinstance(value, str):
            return [value]
        case "temperature" if kind is Kind.ANTHROPIC and _is_number(value):
            return min(value, 1)
        case "top_k" if kind is Kind.SGLANG and value == 0:
            return -1  # how it writes "off"
    return value


def problems(parameters: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(name, sentence) for each value that its parameter cannot have.  Null, which switches off, is always fine."""
    for name, value in parameters.items():
        problem = obstacle(value)
        parameter = _BY_NAME.get(name)
        if problem is None and parameter is not None and value is not None:
            problem = _CHECKS[parameter.type](value) or _out_of_range(parameter, value)
        if problem:
            yield name, problem


def unknown(parameters: Mapping[str, Any]) -> list[str]:
    return [name for name in parameters if name not in _BY_NAME]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "number": lambda value: None if _is_number(value) else "must be a number",
    "integer": lambda value: None if _is_integer(value) else "must be a whole number",
    "flag": lambda value: None if isinstance(value, bool) else "must be true or false",
    "text": lambda value: None if isinstance(value, str) else "must be a text",
    "list": lambda value: None if isinstance(value, list) else "must be a list",
    "texts": lambda value: (
        None
        if isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
        else "must be a text or a list of texts"
    ),
    "any": lambda value: None,
}


def _out_of_range(parameter: Parameter, value: Any) -> str | None:
    if parameter.minimum is not None and value < parameter.minimum:
        return f"must be at least {parameter.minimum:g}"
    if parameter.maximum is not None and value > parameter.maximum:
        return f"must be at most {parameter.maximum:g}"
    return None
