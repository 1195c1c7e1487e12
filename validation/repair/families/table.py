"""The table: one row for each family of markup.  A family that is added is a row here and its cases in the tests."""

from collections.abc import Collection

from validation.repair.families.channels import (
    HARMONY_CLOSERS,
    K3_CALL_CLOSERS,
    K3_ENDS,
    STRIPPED_ENDS,
    frame,
    functionary,
    harmony,
    harmony_stripped,
    inkling,
    kimi_k3,
    thinking,
)
from validation.repair.families.gemma import gemma, gemma_bare
from validation.repair.families.json_calls import bracketed, calling_tool, mistral, named, objects, pythonic
from validation.repair.families.key_values import hunyuan_suffixed, key_values
from validation.repair.families.marked_names import (
    KIMI_CLOSERS,
    KIMI_OPENERS,
    SPELLINGS,
    deepseek,
    harmony_bare,
    harmony_channel,
    kimi,
    kimi_bare,
    qwen_agent,
)
from validation.repair.families.nested_tags import CLOSERS as M3_CLOSERS
from validation.repair.families.nested_tags import OPENERS as M3_OPENERS
from validation.repair.families.nested_tags import minimax_m3
from validation.repair.families.row import Row
from validation.repair.families.whole_answers import END_TOKENS, answer, command_r, fenced, python_tag
from validation.repair.families.xml_calls import MINICPM, QWEN, SEED, UNBRACKETED, flat, invoke, parameters
from validation.repair.writing import Trimmed

_MESSAGE_SEPARATOR = "<|message_sep|>function call<|role_sep|>"
_HERMES = "</tool_call>"
_CLAUDE = "antml:"
_BARS = ("｜", "｜｜", "‖", "|", "||")


def _dsml() -> list[Row]:
    """DeepSeek's markup in each spelling of its bars, with V4.1's space or without."""
    rows = []
    for bars in _BARS:
        prefix = f"{bars}DSML{bars}"
        spaces = ("", " ")
        names = ("function_calls", "tool_calls", "toolcalls", "tool", "calls")
        wrappers = tuple(f"<{prefix}{space}{name}>" for space in spaces for name in names)
        closers = tuple(f"</{prefix}{space}{name}>" for space in spaces for name in names)
        for space in spaces:
            tags = invoke(prefix, *closers, space=space, trimmed=Trimmed.NONE)
            for either in (tags, flat(tags)):
                rows.append(Row("deepseek", (f"<{prefix}",), parameters(either, *wrappers), (*closers, tags.call_end)))
    return rows


def _invokes() -> list[Row]:
    """`<invoke name="NAME">` inside the wrapper of some family, or in none."""
    wrapped = (
        ("minimax", "", "<minimax:tool_call>", "</minimax:tool_call>"),
        ("kimi", "", "<tool_call>", "</tool_call>"),
        ("invoke", "", "<function_calls>", "</function_calls>"),
        ("invoke", _CLAUDE, f"<{_CLAUDE}function_calls>", f"</{_CLAUDE}function_calls>"),
        ("dots", "", "<dots_function_call>", "</dots_function_call>"),
        ("muse", "atem:", "<atem:function_calls>", "</atem:function_calls>"),
        ("step", "steptml:", "<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"),
    )
    rows = []
    for family, prefix, wrapper, closer in wrapped:
        inner = ("<｜tool_call_begin｜>", "function<｜tool_sep｜>") if family == "step" else ()
        ends = (closer, "<｜tool_call_end｜>") if family == "step" else (closer,)
        tags = invoke(prefix, *ends)
        openers = (wrapper, f"<{prefix}invoke name=", *inner[:1])
        for either in (tags, flat(tags)):
            rows.append(Row(family, openers, parameters(either, wrapper, *inner), ends))
    return rows


_ROWS = [
    Row("kimi", KIMI_OPENERS, kimi, KIMI_CLOSERS),
    Row("kimi", ("functions.",), kimi_bare),
    Row("kimi_k3", ("<|open|>",), kimi_k3, K3_CALL_CLOSERS, ends=K3_ENDS, frames=True),
    Row("hermes", ("<tool_call>",), objects("<tool_call>", closers=(_HERMES,)), (_HERMES, *END_TOKENS)),
    *(
        Row("hermes", (f"<{tag}>",), objects(f"<{tag}>", closers=(f"</{tag}>",), missing=False), END_TOKENS)
        for tag in ("tools", "tool")
    ),
    Row("hermes", ("[Calling tool:",), calling_tool),
    Row("lmstudio", ("[TOOL_REQUEST]",), objects("[TOOL_REQUEST]", closers=("[END_TOOL_REQUEST]",))),
    Row("lmstudio", ("[",), bracketed, at_start=True),
    Row("qwen", ("✿FUNCTION✿:",), qwen_agent, ("✿RESULT✿",)),
    Row("qwen", ("<tool_call>", "<function="), parameters(QWEN, "<tool_call>"), (_HERMES,)),
    Row("qwen", ("<tool_call>", "<function="), parameters(flat(QWEN), "<tool_call>"), (_HERMES,)),
    Row("seed", ("<seed:tool_call>",), parameters(SEED, "<seed:tool_call>"), ("</seed:tool_call>",)),
    Row("minicpm", ("<function name=", "<functionname=", "<functionĠname="), parameters(MINICPM)),
    Row("glm", ("<tool_call>",), key_values("<tool_call>", _HERMES), (_HERMES,)),
    Row("glm", ("<tool_call>",), named("<tool_call>", _HERMES), (_HERMES,)),
    Row("glm", ("<iquest_tool_call>",), key_values("<iquest_tool_call>", "</iquest_tool_call>")),
    Row("longcat", ("<longcat_tool_call>",), objects("<longcat_tool_call>", closers=("</longcat_tool_call>",))),
    Row(
        "longcat",
        ("<longcat_tool_call>",),
        key_values("<longcat_tool_call>", "</longcat_tool_call>", prefix="longcat_"),
    ),
    Row(
        "hunyuan",
        ("<tool_calls>",),
        objects("<tool_calls>", closers=("</tool_calls>",), missing=False),
    ),
    Row("hunyuan", ("<tool_calls>",), key_values("<tool_call>", _HERMES, "<tool_calls>"), (_HERMES, "</tool_calls>")),
    Row("hunyuan", ("<tool_calls:",), hunyuan_suffixed),
    Row("hunyuan", ("<answer>",), frame("<answer>", "</answer>"), ends=("</answer>",), at_start=True, frames=True),
    Row("nemotron", ("<TOOLCALL>",), objects("<TOOLCALL>", closers=("</TOOLCALL>",))),
    *(Row("deepseek", spelling.openers, deepseek(spelling), spelling.closers) for spelling in SPELLINGS),
    *_dsml(),
    *_invokes(),
    Row("minimax", ("<minimax:tool_call>",), parameters(UNBRACKETED, "<minimax:tool_call>"), UNBRACKETED.closers),
    Row("minimax", ("[TOOL_CALL]",), objects("[TOOL_CALL]", closers=("[/TOOL_CALL]",))),
    Row("minimax", M3_OPENERS, minimax_m3, M3_CLOSERS),
    Row("llama", ("<|python_tag|>",), python_tag, END_TOKENS),
    Row("llama", ("<|python_start|>",), pythonic("<|python_start|>", "<|python_end|>")),
    Row("llama", ("{", "["), answer, at_start=True),
    Row("llama", ("```",), fenced, at_start=True),
    Row("olmo", ("<function_calls>",), pythonic("<function_calls>", "</function_calls>")),
    Row("lfm", ("<|tool_call_start|>",), pythonic("<|tool_call_start|>", "<|tool_call_end|>")),
    Row("mistral", ("[TOOL_CALLS]",), mistral, ("[/TOOL_CALLS]", *END_TOKENS)),
    Row("granite", ("<|tool_call|>",), objects("<|tool_call|>"), ("<|/tool_call|>",)),  # and Phi-4-mini
    Row("granite", ("<function_call>",), objects("<function_call>", closers=("</function_call>",))),
    Row("harmony", ("<|start|>assistant", "<|channel|>"), harmony, HARMONY_CLOSERS, ends=HARMONY_CLOSERS, frames=True),
    Row("harmony", ("to=functions.",), harmony_bare),
    Row("harmony", ("commentary", "assistantcommentary"), harmony_channel, at_start=True),
    Row("harmony", ("analysis",), harmony_stripped, ends=STRIPPED_ENDS, at_start=True, frames=True),
    Row(
        "command",
        ("<|START_ACTION|>",),
        objects("<|START_ACTION|>", closers=("<|END_ACTION|>",)),
    ),
    Row(
        "command",
        ("<|START_RESPONSE|>",),
        frame("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        ends=("<|END_RESPONSE|>",),
        at_start=True,
        frames=True,
    ),
    Row(
        "command",
        ("<|START_TEXT|>",),
        frame("<|START_TEXT|>", "<|END_TEXT|>"),
        ends=("<|END_TEXT|>",),
        at_start=True,
        frames=True,
    ),
    Row("command", ("Action:",), command_r, at_start=True),
    Row("gemma", ("<|tool_call>",), gemma("<|tool_call>", "<tool_call|>", '<|"|>')),
    Row(
        "gemma",
        ("<start_function_call>",),
        gemma("<start_function_call>", "<end_function_call>", "<escape>"),
    ),
    Row("gemma", ("call:",), gemma_bare, at_start=True),
    Row("phi", ("functools[",), objects("functools")),
    Row("internlm", ("<|action_start|>",), objects("<|action_start|>", "<|plugin|>", closers=("<|action_end|>",))),
    Row("apertus", ("<|tools_prefix|>",), objects("<|tools_prefix|>", closers=("<|tools_suffix|>",))),
    Row(
        "horizon",
        ("<ifm|tool_calls>", "<ifm|tool_call>"),
        objects("<ifm|tool_calls>", "<ifm|tool_call>", closers=("</ifm|tool_call>",)),
        ("</ifm|tool_calls>",),
    ),
    Row(
        "horizon",
        ("<ifm|tool_calls>", "<ifm|tool_call>"),
        key_values("<ifm|tool_call>", "</ifm|tool_call>", "<ifm|tool_calls>", prefix="ifm|"),
        ("</ifm|tool_calls>",),
    ),
    Row("dots", ("<dots_function_call>",), objects("<dots_function_call>", closers=("</dots_function_call>",))),
    Row("gigachat", ("<|function_call|>",), objects("<|function_call|>")),
    Row("gigachat", ("function call<|role_sep|>",), objects("function call<|role_sep|>")),
    Row("gigachat", (_MESSAGE_SEPARATOR,), objects(_MESSAGE_SEPARATOR)),
    Row("functionary", (">>>",), functionary, at_start=True),
    Row("inkling", ("<|message_model|>", "<|content_invoke_tool_json|>"), inkling),
]

# Tags around reasoning.  They are no family's alone, and are honoured whether or not there are tools.
THINKING = (
    ("<think>", "</think>"),
    ("◁think▷", "◁/think▷"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("<ifm|think>", "</ifm|think>"),
    ("<ifm|think_fast>", "</ifm|think_fast>"),
    ("<ifm|think_faster>", "</ifm|think_faster>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<thought>", "</thought>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
)
_THINKING_ROWS = [
    Row("thinking", (opener,), thinking(opener, closer), ends=(closer,), at_start=True) for opener, closer in THINKING
]

FAMILIES = tuple(dict.fromkeys(row.family for row in _ROWS))


def rows(families: Collection[str] | None, with_tools: bool) -> list[Row]:
    chosen = [row for row in _ROWS if families is None or row.family in families]
    return [*_THINKING_ROWS, *(row for row in chosen if with_tools or row.frames)]
