"""Families whose markup is tags or plain JSON: Hermes, Qwen, GLM, Hunyuan, MiniMax, Llama; and reasoning."""

from routing.dialects.events import FinishReason
from tests.validation.repair.support import Case

KM = ("convert", {"from": "km", "to": "mi", "v": 4.2})
_KM = '{"name": "convert", "arguments": {"from": "km", "to": "mi", "v": 4.2}}'

HERMES = [
    Case(
        "channel inside the name",
        '<tool_call>{"name": "get_x<|channel|>commentary", "arguments": {}}</tool_call>',
        [("get_x", {})],
    ),
    Case("example", f"<tool_call>\n{_KM}\n</tool_call>", [KM]),
    Case("text around", f"Now.\n<tool_call>\n{_KM}\n</tool_call>\nDone.", [KM], "Now.\n\nDone."),
    Case(
        "two",
        f'<tool_call>\n{_KM}\n</tool_call>\n<tool_call>\n{{"name": "noop", "arguments": {{}}}}\n</tool_call>',
        [KM, ("noop", {})],
    ),
    Case("arguments first", '<tool_call>{"arguments": {"x": 1}, "name": "get_x"}</tool_call>', [("get_x", {"x": 1})]),
    Case("not closed", f"<tool_call>{_KM}", [KM]),
    Case("not closed, cut", f"<tool_call>{_KM}", [KM], finish=FinishReason.LENGTH),
    Case(
        "arguments in a string",
        '<tool_call>{"name": "get_x", "arguments": "{\\"x\\": 1}"}</tool_call>',
        [("get_x", {"x": 1})],
    ),
    Case(
        "Python's literals",
        "<tool_call>{'name': 'scan', 'arguments': {'deep': True, 'why': \"what's\", 'n': None, 'v': [-1, (2.5,)]}}</tool_call>",
        [("scan", {"deep": True, "why": "what's", "n": None, "v": [-1, [2.5]]})],
    ),
    Case(
        "closer in a string",
        '<tool_call>{"name": "exec", "arguments": {"cmd": "</tool_call>"}}</tool_call>',
        [("exec", {"cmd": "</tool_call>"})],
    ),
    Case(
        "list",
        '<tool_call>[{"name": "noop", "arguments": {}}, {"name": "get_x", "arguments": {}}]</tool_call>',
        [("noop", {}), ("get_x", {})],
    ),
    Case("no arguments", '<tool_call>{"name": "noop"}</tool_call>', [("noop", {})]),
    Case("behind reasoning", f"<think>\nHm.\n</think>\n\n<tool_call>{_KM}</tool_call>", [KM], thinks="Hm.\n"),
    Case("inside reasoning", f"<think>\nHm.\n<tool_call>{_KM}</tool_call>", [KM], thinks="Hm.\n"),
    Case(
        "a draft inside reasoning",
        f"<think>Perhaps <tool_call>{_KM}</tool_call> or not.</think>No.",
        says="No.",
        thinks=f"Perhaps <tool_call>{_KM}</tool_call> or not.",
    ),
    Case(
        "a draft, then the call",
        f"<think>So: <tool_call>{_KM}</tool_call>\n</think>\n<tool_call>{_KM}</tool_call>",
        [KM],
        thinks=f"So: <tool_call>{_KM}</tool_call>\n",
    ),
    Case("Calling tool", 'Ok. [Calling tool: get_x({"x": 1})]', [("get_x", {"x": 1})], "Ok. "),
    Case(
        "control character in a string",
        '<tool_call>{"name": "exec", "arguments": {"cmd": "a\nb"}}</tool_call>',
        [("exec", {"cmd": "a\nb"})],
    ),
    Case(
        "half of a surrogate pair",
        '<tool_call>{"name": "exec", "arguments": {"cmd": "\\ud800"}}</tool_call>',
        [("exec", {"cmd": "\ufffd"})],
    ),
    Case(
        "OpenAI's shape",
        '<tool_call>{"id": "c1", "type": "function", "function": {"name": "get_x", "arguments": "{}"}}</tool_call>',
        [("get_x", {})],
        ids=("c1",),
    ),
    Case("Qwen2.5-Coder's tag", f"<tools>\n{_KM}\n</tools>", [KM]),
    Case("a tag cut short", f"<tool>{_KM}</tool>", [KM]),
    Case("in a fence of its own", f"<tool_call>\n```json\n{_KM}\n```\n</tool_call>", [KM]),
    Case(
        "two in one pair",
        f'<tool_call>\n{_KM}\n{{"name": "noop", "arguments": {{}}}}\n</tool_call>',
        [KM, ("noop", {})],
    ),
    Case("the last brace forgotten", f"<tool_call>{_KM[:-1]}\n</tool_call>", [KM]),
    Case("a brace too many", f"<tool_call>{_KM}}}\n</tool_call>", [KM]),
    Case(
        "arguments beside the name",
        '<tool_call>{"name": "get_x", "x": 1}</tool_call>',
        [("get_x", {"x": 1})],
    ),
    Case("a token that ends the turn", f"<tool_call>{_KM}</tool_call><|im_end|>", [KM]),
    Case("xLAM in tool_call", '<tool_call>[{"name": "noop", "arguments": {}}]</tool_call>', [("noop", {})]),
    Case(
        "name's case and separators",
        '<tool_call>{"name": "Book-Room", "arguments": {"room": "A"}}</tool_call>',
        [("book_room", {"room": "A"})],
    ),
    Case(
        "namespace before the name",
        '<tool_call>{"name": "functions.get_x", "arguments": {}}</tool_call>',
        [("get_x", {})],
    ),
]


def _qwen(name, *parameters):
    body = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in parameters)
    return f"<tool_call>\n<function={name}>\n{body}</function>\n</tool_call>"


_NESTED = "Say <tool_call>\n<function=get_x>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call> to call."

QWEN = [
    Case("example", _qwen("resize", ("px", "640")), [("resize", {"px": 640})]),
    Case(
        "two, text around",
        f"a {_qwen('resize', ('px', '640'))}\n{_qwen('noop')} b",
        [("resize", {"px": 640}), ("noop", {})],
        "a  b",
    ),
    Case(
        "types",
        _qwen(
            "resize",
            ("px", "5"),
            ("ratio", "5.0"),
            ("keep", "True"),
            ("name", '"1"'),
            ("note", "null"),
            ("size", "x"),
            ("tags", "['a', None]"),
            ("options", '{"a": [1]}'),
            ("mode", "1"),
            ("more", "true"),
            ("list", "[1]"),
        ),
        [
            (
                "resize",
                {
                    "px": 5,
                    "ratio": 5.0,
                    "keep": True,
                    "name": '"1"',
                    "note": None,
                    "size": "x",
                    "tags": ["a", None],
                    "options": {"a": [1]},
                    "mode": "1",
                    "more": "true",
                    "list": [1],
                },
            )
        ],
    ),
    Case(
        "what is no spelling of its type",
        _qwen(
            "resize",
            ("px", "0x10"),
            ("ratio", "1,000"),
            ("keep", "yes"),
            ("tags", "a b"),
            ("options", "[1]"),
            ("name", "null"),
        ),
        [("resize", {"px": "0x10", "ratio": "1,000", "keep": "yes", "tags": "a b", "options": "[1]", "name": "null"})],
    ),
    Case(
        "whole numbers",
        _qwen("resize", ("px", "4.0"), ("size", "7"), ("ratio", "12"), ("tags", '"[1]"')),
        [("resize", {"px": 4, "size": 7, "ratio": 12, "tags": [1]})],
    ),
    Case(
        "one newline on either side",
        _qwen("write", ("content", "\n  a & <b>\n")),
        [("write", {"content": "\n  a & <b>\n"})],
    ),
    Case(
        "no wrapper, orphan closer",
        "<function=resize>\n<parameter=px>\n640\n</parameter>\n</function>\n</tool_call>",
        [("resize", {"px": 640})],
    ),
    Case(
        "parameter not closed",
        "<tool_call><function=convert><parameter=from>km<parameter=to>mi</function></tool_call>",
        [("convert", {"from": "km", "to": "mi"})],
    ),
    Case(
        "tool_call not closed between two",
        "<tool_call><function=noop></function><tool_call><function=get_x></function></tool_call>",
        [("noop", {}), ("get_x", {})],
    ),
    Case(
        "an unfinished tag, then a call",
        f"<tool_call>\n<function=resize\n<parameter=px>\n{_qwen('noop')}",
        [("noop", {})],
        "<tool_call>\n<function=resize\n<parameter=px>\n",
    ),
    Case(
        "a call inside a value",
        _qwen("write", ("content", _NESTED), ("path", "a")),
        [("write", {"content": _NESTED, "path": "a"})],
    ),
    Case(
        "a call's frame inside a value",
        _qwen("write", ("content", "use <function=x></function></tool_call> here")),
        [("write", {"content": "use <function=x></function></tool_call> here"})],
    ),
    Case(
        "another function's end inside a value",
        _qwen("write", ("content", "<function name='x'>1</function> and on")),
        [("write", {"content": "<function name='x'>1</function> and on"})],
    ),
    Case(
        "an opener inside a value",
        _qwen("write", ("content", "use <tool_call> and <function=x> here")),
        [("write", {"content": "use <tool_call> and <function=x> here"})],
    ),
    Case(
        "a parameter tag inside a value",
        _qwen("write", ("content", "<parameter=foo>1</parameter> and </parameter> too")),
        [("write", {"content": "<parameter=foo>1</parameter> and </parameter> too"})],
    ),
    Case(
        "half a tag inside a value",
        _qwen("write", ("content", "see <parameter=" + "x" * 300)),
        [("write", {"content": "see <parameter=" + "x" * 300})],
    ),
    Case(
        "much white space behind a closing tag",
        _qwen("write", ("content", "a</parameter>" + " " * 300 + "b")),
        [("write", {"content": "a</parameter>" + " " * 300 + "b"})],
    ),
    Case("JSON body", '<function=get_x>{"x": 1}</function>', [("get_x", {"x": 1})]),
    Case("not closed", "<tool_call><function=resize><parameter=px>1</parameter>", [("resize", {"px": 1})]),
    Case(
        "function not closed",
        "<tool_call><function=resize><parameter=px>1</parameter></tool_call>",
        [("resize", {"px": 1})],
    ),
    Case("inside reasoning", f"<think>Hm.{_qwen('noop')}", [("noop", {})], thinks="Hm."),
]


def _glm(name, *pairs, gap=""):
    body = "".join(f"{gap}<arg_key>{key}</arg_key>{gap}<arg_value>{value}</arg_value>" for key, value in pairs)
    return f"<tool_call>{name}{body}{gap}</tool_call>"


_MILK = ("add_note", {"text": 'buy "milk"', "pin": True})

_GLM_QUOTED = f"so: {_glm('add_note', ('text', _glm('noop')))} it is\n"

GLM = [
    Case("example", _glm("add_note", ("text", 'buy "milk"'), ("pin", "true")), [_MILK]),
    Case("4.5", _glm("add_note", ("text", 'buy "milk"'), ("pin", "true"), gap="\n"), [_MILK]),
    Case("newlines as two characters", _glm("add_note", ("text", 'buy "milk"'), ("pin", "true"), gap="\\n"), [_MILK]),
    Case("no arguments", "<tool_call>noop</tool_call>", [("noop", {})]),
    Case(
        "several",
        f"a{_glm('noop')}\n{_glm('add_note', ('pin', 'true'))}",
        [("noop", {}), ("add_note", {"pin": True})],
        "a",
    ),
    Case("white space in a string", _glm("add_note", ("text", " a\n ")), [("add_note", {"text": " a\n "})]),
    Case(
        "arg_value not opened",
        "<tool_call>add_note<arg_key>text</arg_key>milk</arg_value></tool_call>",
        [("add_note", {"text": "milk"})],
    ),
    Case(
        "arg_key not opened",
        "<tool_call>add_notetext</arg_key><arg_value>milk</arg_value></tool_call>",
        [("add_note", {"text": "milk"})],
    ),
    Case(
        "arg_key closed twice",
        "<tool_call>add_note<arg_key>text</arg_key></arg_key><arg_value>milk</arg_value></tool_call>",
        [("add_note", {"text": "milk"})],
    ),
    Case(
        "arg_key opened twice",
        "<tool_call>add_note<arg_key><arg_key>text</arg_key><arg_value>milk</arg_value></tool_call>",
        [("add_note", {"text": "milk"})],
    ),
    Case(
        "arg_key not closed",
        "<tool_call>add_note<arg_key>text<arg_value>milk</arg_value></tool_call>",
        [("add_note", {"text": "milk"})],
    ),
    Case("a stray arg_value closer", "<tool_call>noop</arg_value></tool_call>", [("noop", {})]),
    Case(
        "tool_call in place of arg_key",
        "<tool_call>add_note<tool_call>text</arg_key><arg_value>milk</arg_value></tool_call>",
        [("add_note", {"text": "milk"})],
    ),
    Case("list in a string", _glm("add_note", ("tags", '"[\\"a\\"]"')), [("add_note", {"tags": ["a"]})]),
    Case("a call in a value", _glm("add_note", ("text", _GLM_QUOTED)), [("add_note", {"text": _GLM_QUOTED})]),
    Case(
        "an opener in a value",
        _glm("add_note", ("text", "a <tool_call> b")) + _glm("noop"),
        [("add_note", {"text": "a <tool_call> b"}), ("noop", {})],
    ),
    Case("inside reasoning", f"<think>Hm.{_glm('noop')}", [("noop", {})], thinks="Hm."),
    Case("text between reasoning and call", f"<think>Hm.</think>So.{_glm('noop')}", [("noop", {})], "So.", "Hm."),
    Case(
        "not closed",
        "<tool_call>add_note<arg_key>pin</arg_key><arg_value>true</arg_value>",
        [("add_note", {"pin": True})],
    ),
    Case("an object behind the name", '<tool_call>get_x\n{"x": 1}\n</tool_call>', [("get_x", {"x": 1})]),
    Case("an object in parentheses", '<tool_call>get_x({"x": 1})</tool_call>', [("get_x", {"x": 1})]),
    Case(
        "arguments of Python's",
        "<tool_call>add_note(text='</tool_call>', pin=True)</tool_call>",
        [("add_note", {"text": "</tool_call>", "pin": True})],
    ),
    Case(
        "iquest",
        "<iquest_tool_call>get_x<arg_key>x</arg_key><arg_value>1</arg_value></iquest_tool_call>",
        [("get_x", {"x": 1})],
    ),
]

HUNYUAN = [
    Case("A13B", 'Ok.<tool_calls>[{"name":"dim","arguments":{"lamp":2}}]</tool_calls>', [("dim", {"lamp": 2})], "Ok."),
    Case(
        "V3",
        "<tool_calls>\n<tool_call>dim<tool_sep>\n<arg_key>lamp</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n</tool_calls>",
        [("dim", {"lamp": 2})],
    ),
    Case(
        "V3, two",
        "<tool_calls>\n<tool_call>noop<tool_sep>\n</tool_call>\n<tool_call>dim<tool_sep>\n</tool_call>\n</tool_calls>",
        [("noop", {}), ("dim", {})],
    ),
    Case(
        "V4, a word at the end of each tag",
        "Ok.<tool_calls:hy-4>\n<tool_call:hy-4>dim<tool_sep:hy-4>\n<arg_key:hy-4>lamp</arg_key:hy-4>\n"
        "<arg_value:hy-4>2</arg_value:hy-4>\n</tool_call:hy-4>\n<tool_call:hy-4>noop<tool_sep:hy-4>\n"
        "</tool_call:hy-4>\n</tool_calls:hy-4>",
        [("dim", {"lamp": 2}), ("noop", {})],
        "Ok.",
    ),
    Case(
        "V4, not closed",
        "<tool_calls:x><tool_call:x>dim<tool_sep:x><arg_key:x>lamp</arg_key:x><arg_value:x>2</arg_value:x>",
        [("dim", {"lamp": 2})],
    ),
    Case("jamba", '<tool_calls>[\n  {"name": "dim", "arguments": {"lamp": 2}}\n]</tool_calls>', [("dim", {"lamp": 2})]),
    Case("answer", "<think>\nHm.\n</think>\n<answer>\nYes.\n</answer>", says="Yes.\n", thinks="Hm.\n"),
    Case("nemotron", '<TOOLCALL>[{"name":"dim","arguments":{"lamp":2}}]</TOOLCALL>', [("dim", {"lamp": 2})]),
    Case("apriel 1.6", "Hm.[BEGIN FINAL RESPONSE]Yes.", says="Yes.", thinks="Hm.", opened=True),
]

_M = "]<]minimax[>["
_A = "antml:"
_INNER = f'{_M}<invoke name="shell">{_M}<command>ls{_M}</command>{_M}</invoke>'
_WRAPPED = f"{_M}<tool_call>\n{_INNER}\n{_M}</tool_call>"
_PLACE = f"{_M}<place>{_M}<lat>1.5{_M}</lat>{_M}<name>7{_M}</name>{_M}</place>"

MINIMAX = [
    Case(
        "example",
        '<minimax:tool_call><invoke name="fan"><parameter name="speed">2</parameter></invoke></minimax:tool_call>',
        [("fan", {"speed": 2})],
    ),
    Case(
        "brackets lost",
        '<minimax:tool_call>\ninvoke name="fan">\nparameter name="speed">2parameter>\n'
        'parameter name="label">a parameter of bparameter>\ninvoke>\n</minimax:tool_call>',
        [("fan", {"speed": 2, "label": "a parameter of b"})],
    ),
    Case(
        "in square brackets",
        'Ok. [TOOL_CALL] {"tool": "fan", "args": {"speed": 2}} [/TOOL_CALL]\n[TOOL_CALL]{"tool": "noop"}[/TOOL_CALL]',
        [("fan", {"speed": 2}), ("noop", {})],
        "Ok. ",
    ),
    Case(
        "own lines, two",
        '<minimax:tool_call>\n<invoke name="fan">\n<parameter name="speed">2</parameter>\n</invoke>\n<invoke name="noop">\n</invoke>\n</minimax:tool_call>',
        [("fan", {"speed": 2}), ("noop", {})],
    ),
    Case(
        "quotes single or missing",
        "<minimax:tool_call><invoke name='fan'><parameter name=speed>2</parameter></invoke></minimax:tool_call>",
        [("fan", {"speed": 2})],
    ),
    Case(
        "nil and leading space",
        '<minimax:tool_call><invoke name="fan"><parameter name="speed">nil</parameter><parameter name="label"> \nx</parameter></invoke></minimax:tool_call>',
        [("fan", {"speed": "nil", "label": " \nx"})],
    ),
    Case(
        "thinking opened in the prompt",
        'Hm.</think>\n\n<minimax:tool_call><invoke name="noop"></invoke></minimax:tool_call>',
        [("noop", {})],
        thinks="Hm.",
        opened=True,
    ),
    Case(
        "M3",
        f'{_M}<tool_call>{_M}<invoke name="forecast">{_M}<city>Oslo{_M}</city>{_M}<days>{_M}<item>1{_M}</item>{_M}<item>2{_M}</item>{_M}</days>{_PLACE}{_M}</invoke>{_M}</tool_call>',
        [("forecast", {"city": "Oslo", "days": [1, 2], "place": {"lat": 1.5, "name": "7"}})],
    ),
    Case(
        "M3, an empty list",
        f'{_M}<tool_call>{_M}<invoke name="forecast">{_M}<days>{_M}</days>{_M}</invoke>{_M}</tool_call>',
        [("forecast", {"days": []})],
    ),
    Case(
        "M3, the first parameter not opened",
        f'{_M}<tool_call>{_M}<invoke name="forecast">Oslo{_M}</city>{_M}<days>{_M}<item>1{_M}</item>{_M}</days>{_M}</invoke>',
        [("forecast", {"city": "Oslo", "days": [1]})],
    ),
    Case(
        "M3, two",
        f'{_M}<tool_call>{_M}<invoke name="noop">{_M}</invoke>{_M}<invoke name="fan">{_M}<speed>1{_M}</speed>{_M}</invoke>{_M}</tool_call>',
        [("noop", {}), ("fan", {"speed": 1})],
    ),
    *(
        Case(
            f"M3, a call within a parameter, {name}",
            f'{_M}<tool_call>{_M}<invoke name="write">{_M}<path>a{_M}</path>{_M}<content>So: {inner}, twice: {inner}.'
            f"{_M}</content>{_M}</invoke>{_M}</tool_call>",
            [("write", {"path": "a", "content": f"So: {inner}, twice: {inner}."})],
        )
        for name, inner in (("bare", _INNER), ("wrapped", _WRAPPED))
    ),
    Case("M3, thinking", "<mm:think>Hm.</mm:think>Yes.", says="Yes.", thinks="Hm."),
    Case("M3, a bare closer", "</mm:think>Yes.", says="Yes."),
    Case(
        "invokes as Claude writes them",
        '<function_calls>\n<invoke name="fan">\n<parameter name="speed">2</parameter>\n</invoke>\n</function_calls>',
        [("fan", {"speed": 2})],
    ),
    Case(
        "a prefix of Claude's",
        f'<{_A}function_calls>\n<{_A}invoke name="fan">\n<{_A}parameter name="speed">2</{_A}parameter>\n'
        f"</{_A}invoke>\n</{_A}function_calls>",
        [("fan", {"speed": 2})],
    ),
    Case(
        "the line break a file ends with",
        '<invoke name="write"><parameter name="content">a\n</parameter></invoke>',
        [("write", {"content": "a\n"})],
    ),
    Case(
        "a value on its own lines",
        '<invoke name="write"><parameter name="content">\na\n\n</parameter></invoke>',
        [("write", {"content": "a\n"})],
    ),
    Case(
        "an invoke inside a value",
        '<invoke name="write"><parameter name="content"><invoke name="x"><parameter name="y">1</parameter></invoke></parameter></invoke>',
        [("write", {"content": '<invoke name="x"><parameter name="y">1</parameter></invoke>'})],
    ),
]

LLAMA = [
    Case("JSON", '{"name": "trim", "parameters": {"clip": 7}}', [("trim", {"clip": 7})]),
    Case("behind the tag", '<|python_tag|>{"name": "trim", "parameters": {"clip": 7}}', [("trim", {"clip": 7})]),
    Case("arguments, type", '{"type": "function", "name": "trim", "arguments": {"clip": 7}}', [("trim", {"clip": 7})]),
    Case(
        "two with a semicolon",
        '{"name": "trim", "parameters": {"clip": 7}}; {"name": "noop", "parameters": {}}',
        [("trim", {"clip": 7}), ("noop", {})],
    ),
    Case(
        "two, one below the other",
        '{"name": "trim", "parameters": {"clip": 7}}\n{"name": "noop"}',
        [("trim", {"clip": 7}), ("noop", {})],
    ),
    Case("arguments first", '{"arguments": {"clip": 7}, "name": "trim"}', [("trim", {"clip": 7})]),
    Case("the tool's name", '{"tool": "trim", "args": {"clip": 7}}', [("trim", {"clip": 7})]),
    Case(
        "a namespace before the name",
        '{"recipient_name": "functions.trim", "parameters": {"clip": 7}}',
        [("trim", {"clip": 7})],
    ),
    Case(
        "OpenAI's list of them",
        '```json\n{"tool_calls": [{"id": "1", "name": "trim", "arguments": {"clip": 7}}]}\n```',
        [("trim", {"clip": 7})],
        ids=("1",),
    ),
    Case(
        "a token that ends the turn", '{"name": "trim", "parameters": {"clip": 7}}<|eot_id|>', [("trim", {"clip": 7})]
    ),
    Case("Gemma's code", "```tool_code\ntrim(clip=7)\nnoop()\n```", [("trim", {"clip": 7}), ("noop", {})]),
    Case("LM Studio", f"Ok.[TOOL_REQUEST]{_KM}[END_TOOL_REQUEST]", [KM], "Ok."),
    Case("LM Studio, the name in brackets", '[trim]\n{"clip": 7}\n[END_TOOL_REQUEST]', [("trim", {"clip": 7})]),
    Case("Qwen-Agent", 'Ok. ✿FUNCTION✿: trim\n✿ARGS✿: {"clip": 7}\n✿RESULT✿', [("trim", {"clip": 7})], "Ok. "),
    Case("custom form", '<function=trim>{"clip": 7}</function>', [("trim", {"clip": 7})]),
    Case("in a fence", '```json\n{"name": "trim", "parameters": {"clip": 7}}\n```', [("trim", {"clip": 7})]),
    Case("pythonic", "[trim(clip=7), trim(clip=8)]", [("trim", {"clip": 7}), ("trim", {"clip": 8})]),
    Case(
        "pythonic literals",
        "[trim(clip=-1, name='it\\'s', a=[1, {'b': None}], c=true, d=null), noop()]",
        [("trim", {"clip": -1, "name": "it's", "a": [1, {"b": None}], "c": True, "d": None}), ("noop", {})],
    ),
    Case("python_start", "<|python_start|>[trim(clip=7)]<|python_end|>", [("trim", {"clip": 7})]),
    Case(
        "python_start around JSON",
        '<|python_start|>{"name": "trim", "parameters": {"clip": 7}}<|python_end|>',
        [("trim", {"clip": 7})],
    ),
    Case("pythonic behind the tag", "<|python_tag|>trim(clip=7)", [("trim", {"clip": 7})]),
    Case("built-in form", '<|python_tag|>exec.call(cmd="a")<|eom_id|>', [("exec", {"cmd": "a"})]),
    Case("olmo", "<function_calls>\ntrim(clip=7)\nnoop()\n</function_calls>", [("trim", {"clip": 7}), ("noop", {})]),
    Case(
        "lfm", "<|tool_call_start|>[trim(name='a, \"b\"')]<|tool_call_end|>Ok.", [("trim", {"name": 'a, "b"'})], "Ok."
    ),
    Case(
        "lfm, the end in a text, and a name with a hyphen",
        "<|tool_call_start|>[trim(name='<|tool_call_end|>\\''), mcp.read-file(path=\"a'\")]<|tool_call_end|>",
        [("trim", {"name": "<|tool_call_end|>'"}), ("mcp.read-file", {"path": "a'"})],
    ),
    Case("lfm, JSON", '<|tool_call_start|>[{"name": "noop", "arguments": {}}]<|tool_call_end|>', [("noop", {})]),
    Case(
        "xLAM: a list",
        '[{"name": "trim", "arguments": {"clip": 7}}, {"name": "noop", "arguments": {}}]',
        [("trim", {"clip": 7}), ("noop", {})],
    ),
    Case(
        "xLAM behind reasoning", '<think>Hm.</think>\n[{"name": "noop", "arguments": {}}]', [("noop", {})], thinks="Hm."
    ),
    Case("xLAM in a fence", '```\n[{"name": "noop", "arguments": {}}]\n```', [("noop", {})]),
]

THINKING = [
    Case("think", "<think>\nHm.\n</think>\n\nYes.", says="Yes.", thinks="Hm.\n"),
    Case("opened in the prompt", "Hm.\n</think>\n\nYes.", says="Yes.", thinks="Hm.\n", opened=True),
    Case("opened in the prompt and again", "<think>Hm.</think>Yes.", says="Yes.", thinks="Hm.", opened=True),
    Case("empty", "<think>\n\n</think>\n\nYes.", says="Yes."),
    Case("only a closer", "</think>\n\nYes.", says="Yes."),
    Case("a closer on its own line", "Hm.\n</think>\n\nYes.", says="Hm.\nYes."),
    Case("a closer at the end of a line", "Hm.</think>\n\nYes.", says="Hm.Yes."),
    Case("kimi-vl", "◁think▷Hm.◁/think▷Yes.", says="Yes.", thinks="Hm."),
    Case("magistral", "[THINK]Hm.[/THINK]Yes.", says="Yes.", thinks="Hm."),
    Case("thought", "<thought>Hm.</thought>Yes.", says="Yes.", thinks="Hm."),
    Case("horizon", "<ifm|think_fast>Hm.</ifm|think_fast>Yes.", says="Yes.", thinks="Hm."),
    Case("thinking", "<thinking>Hm.</thinking>\n\nYes.", says="Yes.", thinks="Hm."),
    Case("reasoning", "<reasoning>Hm.</reasoning>Yes.", says="Yes.", thinks="Hm."),
    Case("horizon, faster", "<ifm|think_faster>Hm.</ifm|think_faster>Yes.", says="Yes.", thinks="Hm."),
    Case("not closed", "<think>Hm.", thinks="Hm."),
    Case("a closer quoted in reasoning", "<think>a `</think>` b</think>Yes.", says="Yes.", thinks="a `</think>` b"),
    Case("not at the start", "Yes. <think>Hm.</think> No.", says="Yes. <think>Hm.</think> No."),
]

FAMILIES = {
    "hermes": HERMES,
    "qwen": QWEN,
    "glm": GLM,
    "hunyuan": HUNYUAN,
    "minimax": MINIMAX,
    "llama": LLAMA,
    "thinking": THINKING,
}
