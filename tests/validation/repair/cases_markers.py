"""Families whose markers are tokens of their own: Kimi, DeepSeek, Mistral, Command, Gemma and others."""

from routing.dialects.events import FinishReason
from tests.validation.repair.support import Case

_B, _A, _E = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
_S, _T = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"


def _kimi(id, arguments):
    return f"{_B}{id}{_A}{arguments}{_E}"


B2 = ("book_room", {"room": "B2", "hours": 2})
_B2 = '{"room": "B2", "hours": 2}'

KIMI = [
    Case("string without an end", f'{_B}functions.get_x:0{_A}"{{\\"x\\": 1}}"', [("get_x", {"x": 1})]),
    Case("no counter", f"{_B}get_x{_A}{{}}{_E}", [("get_x", {})]),
    Case(
        "example",
        f"Booking now.{_S}{_kimi('functions.book_room:4', _B2)}{_T}",
        [B2],
        "Booking now.",
        ids=("functions.book_room:4",),
    ),
    Case("no prefix", f"{_S}{_kimi('book_room:0', _B2)}{_T}", [B2], ids=("book_room:0",)),
    Case(
        "white space",
        f"{_S}\n {_B} functions.book_room:0 \n{_A}\n{_B2}\n{_E}\n{_T}\n",
        [B2],
        ids=("functions.book_room:0",),
    ),
    Case("name with - and .", f"{_S}{_kimi('functions.mcp.read-file:0', '{}')}{_T}", [("mcp.read-file", {})]),
    Case(
        "several in a section",
        f"{_S}{_kimi('functions.book_room:0', _B2)}{_kimi('functions.noop:1', '{}')}{_T}",
        [B2, ("noop", {})],
        ids=("functions.book_room:0", "functions.noop:1"),
    ),
    Case(
        "several sections",
        f"a{_S}{_kimi('functions.get_x:0', '{}')}{_T}b{_S}{_kimi('functions.noop:1', '{}')}{_T}c",
        [("get_x", {}), ("noop", {})],
        "abc",
    ),
    Case("noise in a section", f"{_S}noise{_kimi('functions.noop:0', '{}')}{_T}", [("noop", {})]),
    Case(
        "singular section",
        f"<|tool_call_section_begin|>{_kimi('functions.noop:0', '{}')}<|tool_call_section_end|>",
        [("noop", {})],
    ),
    Case("no section", _kimi("functions.noop:0", "{}"), [("noop", {})]),
    Case(
        "no end markers",
        f'{_B}functions.get_x:0{_A}{{"x": 1}}{_B}functions.noop:1{_A}{{}}',
        [("get_x", {"x": 1}), ("noop", {})],
    ),
    Case(
        "arguments in a string",
        f"{_S}{_kimi('functions.get_x:0', chr(34) + chr(123) + chr(92) + chr(34) + 'x' + chr(92) + chr(34) + ': 1}' + chr(34))}{_T}",
        [("get_x", {"x": 1})],
    ),
    Case("bare counter", f"{_S}{_kimi('3', _B2)}{_T}", [B2], ids=("call_0",)),
    Case("call00003", f"{_S}{_kimi('call00003', _B2)}{_T}", [B2]),
    Case("functionsexec5", f"{_S}{_kimi('functionsexec5', '{}')}{_T}", [("exec", {})]),
    Case("functions.exec5", f"{_S}{_kimi('functions.exec5', '{}')}{_T}", [("exec", {})]),
    Case("functions_get_x_1", f"{_S}{_kimi('functions_get_x_1', '{}')}{_T}", [("get_x", {})]),
    Case(
        "name in the arguments",
        f"{_S}{_kimi('call_a1b2', chr(123) + chr(34) + 'name' + chr(34) + ': ' + chr(34) + 'get_x' + chr(34) + ', ' + chr(34) + 'x' + chr(34) + ': 5}')}{_T}",
        [("get_x", {"x": 5})],
    ),
    Case(
        "functions.shell!166",
        f"{_S}{_kimi('functions.shell!166', chr(123) + chr(34) + 'command' + chr(34) + ':' + chr(34) + 'ls' + chr(34) + '}')}{_T}",
        [("shell", {"command": "ls"})],
    ),
    Case(
        "newline inside the id",
        f"{_S}{_kimi('functions.' + chr(10) + 'noop:0', '{}')}{_T}",
        [("noop", {})],
        ids=("functions.noop:0",),
    ),
    Case("newline around the id", f"{_S}{_kimi(chr(10) + 'functions.noop:0' + chr(10), '{}')}{_T}", [("noop", {})]),
    Case(
        "20 KB",
        f"{_S}{_kimi('functions.write:0', chr(123) + chr(34) + 'content' + chr(34) + ': ' + chr(34) + 'x<|' * 7000 + chr(34) + '}')}{_T}",
        [("write", {"content": "x<|" * 7000})],
    ),
    Case("stripped", f"Now.functions.book_room:1{_B2}", [B2], "Now.", ids=("functions.book_room:1",)),
    Case(
        "stripped, several",
        'functions.get_x:0{"x": 1}functions.get_x:1{"x": 2} and functions.noop:2{}',
        [("get_x", {"x": 1}), ("get_x", {"x": 2}), ("noop", {})],
        " and ",
    ),
    Case("blank arguments", f"{_S}{_kimi('functions.noop:0', '')}{_T}", [("noop", {})]),
    Case(
        "invoke in tool_call",
        '<tool_call>\n<invoke name="get_x">\n<parameter name="x">3</parameter>\n</invoke>\n</tool_call>',
        [("get_x", {"x": 3})],
    ),
    Case(
        "thinking ends by the call",
        f"<think>Let me.{_S}{_kimi('functions.noop:0', '{}')}{_T}",
        [("noop", {})],
        thinks="Let me.",
    ),
    Case(
        "thinking ends by a call without a section",
        f"<think>Let me.{_kimi('functions.noop:0', '{}')}",
        [("noop", {})],
        thinks="Let me.",
    ),
    Case("instant mode", f"<think></think>{_S}{_kimi('functions.noop:0', '{}')}{_T}", [("noop", {})]),
    Case(
        "thinking opened in the prompt",
        f"Let me.</think>{_S}{_kimi('functions.noop:0', '{}')}{_T}",
        [("noop", {})],
        thinks="Let me.",
        opened=True,
    ),
    Case(
        "markers in the arguments",
        f"{_S}{_kimi('functions.write:0', chr(123) + chr(34) + 'content' + chr(34) + ': ' + chr(34) + _E + _T + '}' + chr(34) + '}')}{_T}",
        [("write", {"content": _E + _T + "}"})],
    ),
    Case("cut behind the call", f"{_S}{_kimi('functions.noop:0', '{}')}", [("noop", {})], finish=FinishReason.LENGTH),
    Case("brackets missing", f'{_B}functions.write:0{_A}{{"content": "a"', [("write", {"content": "a"})]),
]


def _argument(key, value):
    return f'<|open|>argument key="{key}" type="string"<|sep|>{value}<|close|>argument<|sep|>'


_QUOTED_K3 = f'so: <|open|>call tool="noop" index="1"<|sep|>{_argument("a", "b")}<|close|>call<|sep|>\n'

K3 = [
    Case(
        "a number that is none",
        '<|open|>call tool="ping" index="1"<|sep|><|open|>argument key="n" type="number"<|sep|>three<|close|>argument<|sep|><|close|>call<|sep|>',
        [("ping", {"n": "three"})],
    ),
    Case(
        "example",
        '<|open|>tools<|sep|><|open|>call tool="ping" index="1"<|sep|><|open|>argument key="n" type="number"<|sep|>3<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>',
        [("ping", {"n": 3})],
    ),
    Case(
        "spaces in the tags",
        '<|open|> tools<|sep|><|open|> call tool="exec" index="1"<|sep|><|open|> argument key="cmd" type="string"<|sep|>a "b"<|close|> argument<|sep|><|close|> call<|sep|><|close|> tools<|sep|><|close|> message<|sep|>',
        [("exec", {"cmd": 'a "b"'})],
    ),
    Case(
        "channels",
        "<|open|>think<|sep|>Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|><|close|>message<|sep|>",
        says="Yes.",
        thinks="Hm.",
    ),
    Case(
        "channels with spaces in the tags",
        "<|open|> think<|sep|>Hm.<|close|> think<|sep|><|open|> response<|sep|>Yes.<|close|> response<|sep|>",
        says="Yes.",
        thinks="Hm.",
    ),
    Case(
        "think not closed",
        '<|open|>think<|sep|>Hm.<|open|>tools<|sep|><|open|>call tool="noop" index="1"<|sep|><|close|>call<|sep|><|close|>tools<|sep|>',
        [("noop", {})],
        thinks="Hm.",
    ),
    Case(
        "escaped attributes",
        '<|open|>call tool="ping" index="2"<|sep|><|open|>argument key="a&amp;&quot;" type="number"<|sep|>1<|close|>argument<|sep|><|close|>call<|sep|>',
        [("ping", {'a&"': 1})],
    ),
    Case(
        "two calls",
        '<|open|>tools<|sep|><|open|>call tool="noop" index="1"<|sep|><|close|>call<|sep|><|open|>call tool="get_x" index="2"<|sep|><|close|>call<|sep|><|close|>tools<|sep|>',
        [("noop", {}), ("get_x", {})],
    ),
    Case(
        "cut",
        '<|open|>call tool="noop" index="1"<|sep|>',
        says='<|open|>call tool="noop" index="1"<|sep|>',
        finish=FinishReason.LENGTH,
    ),
    Case("not closed", '<|open|>call tool="noop" index="1"<|sep|>', [("noop", {})]),
    Case(
        "a call inside a value",
        f'<|open|>call tool="exec" index="1"<|sep|>{_argument("cmd", _QUOTED_K3)}<|close|>call<|sep|>',
        [("exec", {"cmd": _QUOTED_K3})],
    ),
    Case(
        "half an argument inside a value",
        f'<|open|>call tool="exec" index="1"<|sep|>{_argument("cmd", "a <|open|>argument b")}<|close|>call<|sep|>',
        [("exec", {"cmd": "a <|open|>argument b"})],
    ),
]

_CB, _CE, _SEP = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>"
_CSB, _CSE = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_D, _DE = "<｜DSML｜", "</｜DSML｜"

DEEPSEEK = [
    Case(
        "v3",
        f'On it.{_CSB}{_CB}function{_SEP}roll\n```json\n{{"sides": 20}}\n```{_CE}{_CSE}',
        [("roll", {"sides": 20})],
        "On it.",
    ),
    Case(
        "v3, two",
        f'{_CSB}{_CB}function{_SEP}roll\n```json\n{{"sides": 20}}\n```{_CE}\n{_CB}function{_SEP}noop\n```json\n{{}}\n```{_CE}{_CSE}<｜end▁of▁sentence｜>',
        [("roll", {"sides": 20}), ("noop", {})],
    ),
    Case("v3.1", f'{_CSB}{_CB}roll{_SEP}{{"sides": 20}}{_CE}{_CSE}', [("roll", {"sides": 20})]),
    Case(
        "v3.1, text after", f'{_CSB}{_CB}roll{_SEP}{{"sides": 20}}{_CE}{_CSE}Done.', [("roll", {"sides": 20})], "Done."
    ),
    Case(
        "function<NAME>",
        f'{_CSB}{_CB}function<roll>\n```json\n{{"sides": 6}}\n```{_CE}{_CSE}',
        [("roll", {"sides": 6})],
    ),
    Case(
        "tools object",
        f'{_CSB}\n{_CB}\nfunction\n```json\n{{"tools": [{{"name": "roll", "arguments": {{"sides": 6}}}}]}}```\n{_CE}\n{_CSE}',
        [("roll", {"sides": 6})],
    ),
    Case(
        "newlines between, fence at the brace",
        f'{_CSB}\n{_CB}\nfunction\n{_SEP}\nroll\n```json\n{{"sides": 6}}```\n{_CE}\n{_CSE}',
        [("roll", {"sides": 6})],
    ),
    Case("not closed", f'{_CSB}{_CB}roll{_SEP}{{"sides": 20}}', [("roll", {"sides": 20})]),
    Case("r1: only the closer", f"</think>\n\n{_CSB}{_CB}noop{_SEP}{{}}{_CE}{_CSE}", [("noop", {})]),
    *(
        Case(
            f"spelled with {bar} and {space!r}",
            f'{_CSB}{_CB}roll{_SEP}{{"sides": 20}}{_CE}{_CSE}'.replace("｜", bar).replace("▁", space),
            [("roll", {"sides": 20})],
        )
        for bar in "｜|"
        for space in "_ ▁"
    ),
    Case(
        "dsml v4",
        f'{_D}tool_calls>\n{_D}invoke name="seek">\n{_D}parameter name="t" string="false">12.5{_DE}parameter>\n{_DE}invoke>\n{_DE}tool_calls>',
        [("seek", {"t": 12.5})],
    ),
    Case(
        "dsml v3.2",
        f'{_D}function_calls>\n{_D}invoke name="seek">\n{_D}parameter name="label" string="true">12{_DE}parameter>\n{_DE}invoke>\n{_DE}function_calls>',
        [("seek", {"label": "12"})],
    ),
    Case(
        "dsml v4.1",
        f'{_D} calls>\n{_D} invoke name="seek">\n{_D} parameter name="t" string="false">1{_DE} parameter>\n{_DE} invoke>\n{_DE} calls>',
        [("seek", {"t": 1})],
    ),
    Case(
        "dsml, attribute missing",
        f'{_D}tool_calls>{_D}invoke name="seek">{_D}parameter name="t">2{_DE}parameter>{_D}parameter name="other">[1]{_DE}parameter>{_D}parameter name="more">a b{_DE}parameter>{_DE}invoke>{_DE}tool_calls>',
        [("seek", {"t": 2, "other": [1], "more": "a b"})],
    ),
    Case(
        "dsml, the other version closes the wrapper",
        f'{_D}tool_calls>{_D}invoke name="noop">{_DE}invoke>{_DE}function_calls>',
        [("noop", {})],
    ),
    Case(
        "dsml, left open in reasoning",
        f'<think>Hm.{_D}tool_calls>{_D}invoke name="noop">{_DE}invoke>{_DE}tool_calls>',
        [("noop", {})],
        thinks="Hm.",
    ),
    Case(
        "dsml, JSON body",
        f'{_D}tool_calls>{_D}invoke name="seek">{{"t": 3}}{_DE}invoke>{_DE}tool_calls>',
        [("seek", {"t": 3})],
    ),
    Case(
        "dsml, no wrapper",
        f'Now {_D}invoke name="seek">{_D}parameter name="t" string="false">1{_DE}parameter>{_DE}invoke>',
        [("seek", {"t": 1})],
        "Now ",
    ),
    Case(
        "dsml, wrapper toolcalls", f'{_D}toolcalls>{_D}invoke name="noop">{_DE}invoke>{_DE}toolcalls>', [("noop", {})]
    ),
    Case("dsml, wrapper tool", f'{_D}tool>{_D}invoke name="noop">{_DE}invoke>{_DE}tool>', [("noop", {})]),
    Case("dsml, section not closed", f'{_D}tool_calls>{_D}invoke name="noop">{_DE}invoke>', [("noop", {})]),
    Case(
        "dsml, invoke not closed",
        f'{_D}tool_calls>{_D}invoke name="seek">{_D}parameter name="t" string="false">1{_DE}parameter>{_DE}tool_calls>',
        [("seek", {"t": 1})],
    ),
    Case(
        "dsml, parameter not closed",
        f'{_D}tool_calls>{_D}invoke name="seek">{_D}parameter name="t" string="false">1{_D}parameter name="label" string="true">x{_DE}parameter>{_DE}invoke>{_DE}tool_calls>',
        [("seek", {"t": 1, "label": "x"})],
    ),
    Case(
        "dsml, doubled bars",
        '<｜｜DSML｜｜tool_calls><｜｜DSML｜｜invoke name="noop"></｜｜DSML｜｜invoke></｜｜DSML｜｜tool_calls>',
        [("noop", {})],
    ),
    Case(
        "dsml, doubled bars and a space",
        '<｜｜DSML｜｜ calls><｜｜DSML｜｜ invoke name="noop"></｜｜DSML｜｜ invoke></｜｜DSML｜｜ calls>',
        [("noop", {})],
    ),
    Case(
        "dsml, double-struck bar",
        '<‖DSML‖tool_calls><‖DSML‖invoke name="noop"></‖DSML‖invoke></‖DSML‖tool_calls>',
        [("noop", {})],
    ),
    Case(
        "dsml, ASCII bars",
        '<|DSML|tool_calls><|DSML|invoke name="noop"></|DSML|invoke></|DSML|tool_calls>',
        [("noop", {})],
    ),
    Case(
        "dsml, line breaks of a file",
        f'{_D}tool_calls>{_D}invoke name="exec">{_D}parameter name="cmd" string="true">\na\n{_DE}parameter>{_DE}invoke>{_DE}tool_calls>',
        [("exec", {"cmd": "\na\n"})],
    ),
    Case(
        "dsml, two invokes",
        f'{_D}tool_calls>{_D}invoke name="noop">{_DE}invoke>{_D}invoke name="seek">{_DE}invoke>{_DE}tool_calls>',
        [("noop", {}), ("seek", {})],
    ),
]

MISTRAL = [
    Case("one object", '[TOOL_CALLS]{"name": "mute", "arguments": {"ch": 3}}', [("mute", {"ch": 3})]),
    Case(
        "list",
        '[TOOL_CALLS] [{"name": "mute", "arguments": {"ch": 3}}, {"name": "noop", "arguments": {}}]',
        [("mute", {"ch": 3}), ("noop", {})],
    ),
    Case(
        "list with ids",
        '[TOOL_CALLS][{"name": "mute", "arguments": {"ch": 3}, "id": "abcdefghi"}]',
        [("mute", {"ch": 3})],
        ids=("abcdefghi",),
    ),
    Case("v11", '[TOOL_CALLS]mute{"ch": 3}', [("mute", {"ch": 3})]),
    Case("v13", '[TOOL_CALLS]mute[ARGS]{"ch": 3}', [("mute", {"ch": 3})]),
    Case("small 3.2", '[TOOL_CALLS]mute[CALL_ID]123456789[ARGS]{"ch": 3}', [("mute", {"ch": 3})], ids=("123456789",)),
    Case(
        "several, text after",
        'Hi.[TOOL_CALLS]mute{"ch": 3}[TOOL_CALLS]noop{} bye',
        [("mute", {"ch": 3}), ("noop", {})],
        "Hi. bye",
    ),
    Case("doubled marker", '[TOOL_CALLS][TOOL_CALLS]mute[ARGS]{"ch": 3}', [("mute", {"ch": 3})]),
    Case("no arguments", "[TOOL_CALLS]noop", [("noop", {})]),
    Case(
        "arguments in a string", '[TOOL_CALLS][{"name": "mute", "arguments": "{\\"ch\\": 3}"}]', [("mute", {"ch": 3})]
    ),
    Case("stray closer", '[TOOL_CALLS]mute{"ch": 3}[/TOOL_CALLS]', [("mute", {"ch": 3})]),
    Case("name before the marker", 'mute[TOOL_CALLS]{"ch": 3}', [("mute", {"ch": 3})], "mute"),
    Case("junk before the list", '[TOOL_CALLS]: \n[{"name": "mute", "arguments": {"ch": 3}}]', [("mute", {"ch": 3})]),
    Case("thinking", "[THINK]Hm.[/THINK][TOOL_CALLS]noop[ARGS]{}", [("noop", {})], thinks="Hm."),
    Case("xLAM behind the marker", '[TOOL_CALLS][{"name": "noop", "arguments": {}}]', [("noop", {})]),
]

GRANITE = [
    Case("3.0", '<|tool_call|> [{"name":"wake","arguments":{"at":"07:30"}}]', [("wake", {"at": "07:30"})]),
    Case("Phi-4-mini", '<|tool_call|>[{"name":"wake","arguments":{}}]<|/tool_call|>', [("wake", {})]),
    Case("3.1", '<tool_call>[{"name":"wake","arguments":{"at":"07:30"}}]', [("wake", {"at": "07:30"})]),
    Case(
        "4",
        '<tool_call>\n{"name": "wake", "arguments": "{\\"at\\": \\"07:30\\"}"}\n</tool_call>',
        [("wake", {"at": "07:30"})],
    ),
    Case(
        "4.2 thinks", '<think>Hm.<tool_call>{"name": "wake", "arguments": {}}</tool_call>', [("wake", {})], thinks="Hm."
    ),
    Case(
        "20b",
        '<function_call> {"name":"wake","arguments":{}}<function_call> {"name":"noop","arguments":{}}',
        [("wake", {}), ("noop", {})],
    ),
]

HARMONY = [
    Case(
        "example",
        '<|channel|>analysis<|message|>Need rain data.<|end|><|start|>assistant to=functions.rain<|channel|>commentary <|constrain|>json<|message|>{"day":"fri"}<|call|>',
        [("rain", {"day": "fri"})],
        thinks="Need rain data.",
    ),
    Case(
        "recipient behind the channel",
        '<|channel|>commentary to=functions.rain <|constrain|>json<|message|>{"day":"fri"}<|call|>',
        [("rain", {"day": "fri"})],
    ),
    Case(
        "call in analysis", '<|channel|>analysis to=functions.rain<|message|>{"day":"fri"}', [("rain", {"day": "fri"})]
    ),
    Case(
        "final",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
        says="Yes.",
        thinks="Hm.",
    ),
    Case(
        "commentary without recipient",
        '<|channel|>commentary<|message|>Checking.<|end|><|start|>assistant<|channel|>commentary to=functions.rain<|message|>{"day":"fri"}<|call|>',
        [("rain", {"day": "fri"})],
        "Checking.",
    ),
    Case(
        "final in json is an answer",
        '<|start|>assistant<|channel|>final <|constrain|>json<|message|>{"a": 1}<|return|>',
        says='{"a": 1}',
    ),
    Case(
        "body without a recipient",
        '<|channel|>commentary <|constrain|>json<|message|>{"day":"fri"}<|end|>',
        says='{"day":"fri"}',
    ),
    Case(
        "prefix of another namespace",
        '<|channel|>commentary to=repo_browser.rain<|message|>{"day":"fri"}<|call|>',
        [("rain", {"day": "fri"})],
    ),
    Case(
        "built-in tool that is offered",
        '<|start|>assistant to=container.exec<|channel|>commentary<|message|>{"cmd":"ls"}<|call|>',
        [("exec", {"cmd": "ls"})],
    ),
    Case(
        "what the body is, before the recipient",
        '<|channel|>commentary<|constrain|>json to=functions.rain<|message|>{"day":"fri"}<|call|>',
        [("rain", {"day": "fri"})],
    ),
    Case(
        "stripped call behind its channel",
        'assistantcommentary to=functions.rain <|constrain|>json<|message|>{"day":"fri"}<|call|>',
        [("rain", {"day": "fri"})],
    ),
    Case("stripped channels", "analysisHm. I seeassistantfinalYes.", says="Yes.", thinks="Hm. I see"),
    Case("stripped call", 'to=functions.rain {"day":"fri"}', [("rain", {"day": "fri"})]),
    Case(
        "stripped call with words",
        'analysisHm.assistantcommentary to=functions.rain commentary json{"day":"fri"}',
        [("rain", {"day": "fri"})],
        thinks="Hm.",
    ),
]

COMMAND = [
    Case(
        "example",
        '<|START_ACTION|>[{"tool_call_id":"0","tool_name":"scan","parameters":{"deep":true}}]<|END_ACTION|>',
        [("scan", {"deep": True})],
        ids=("0",),
    ),
    Case(
        "thinking",
        '<|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[{"tool_call_id":"0","tool_name":"scan","parameters":{}}, {"tool_call_id":"1","tool_name":"noop","parameters":{}}]<|END_ACTION|>',
        [("scan", {}), ("noop", {})],
        thinks="Hm.",
    ),
    Case(
        "response",
        "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>",
        says="Yes.",
        thinks="Hm.",
    ),
    Case("text", "<|START_TEXT|>Yes.<|END_TEXT|>", says="Yes."),
    Case(
        "thinking opened in the prompt",
        "Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>",
        says="Yes.",
        thinks="Hm.",
        opened=True,
    ),
    Case(
        "R+", 'Action: ```json\n[{"tool_name": "scan", "parameters": {"deep": true}}]\n```', [("scan", {"deep": True})]
    ),
]

_Q = '<|"|>'
GEMMA = [
    Case(
        "example",
        f"<|tool_call>call:paint{{wall:{_Q}north, left{_Q},coats:2}}<tool_call|>",
        [("paint", {"wall": "north, left", "coats": 2})],
    ),
    Case(
        "two",
        "<|tool_call>call:noop{}<tool_call|><|tool_call>call:paint{coats:1}<tool_call|>",
        [("noop", {}), ("paint", {"coats": 1})],
    ),
    Case(
        "nested",
        f"<|tool_call>call:forecast{{place:{{name:{_Q}a{_Q}}},days:[1,2]}}<tool_call|>",
        [("forecast", {"place": {"name": "a"}, "days": [1, 2]})],
    ),
    Case("call missing", "<|tool_call>:paint{coats:1}<tool_call|>", [("paint", {"coats": 1})]),
    Case(
        "string not opened",
        f"<|tool_call>call:paint{{wall:north, left{_Q},coats:2}}<tool_call|>",
        [("paint", {"wall": "north, left", "coats": 2})],
    ),
    Case(
        "markers in a string",
        f"<|tool_call>call:paint{{wall:{_Q}a <tool_call|> b{_Q}}}<tool_call|>",
        [("paint", {"wall": "a <tool_call|> b"})],
    ),
    Case(
        "a call in a string",
        f"<|tool_call>call:paint{{wall:{_Q}so <|tool_call>call:paint{{wall:{_Q}a{_Q}}}<tool_call|> it is{_Q}}}<tool_call|>",
        [("paint", {"wall": f"so <|tool_call>call:paint{{wall:{_Q}a{_Q}}}<tool_call|> it is"})],
    ),
    Case(
        "an opener in a string",
        f"<|tool_call>call:paint{{wall:{_Q}so <|tool_call> it is{_Q}}}<tool_call|>",
        [("paint", {"wall": "so <|tool_call> it is"})],
    ),
    Case(
        "two, the first not closed",
        "<|tool_call>call:noop{}<|tool_call>call:paint{coats:1}<tool_call|>",
        [("noop", {}), ("paint", {"coats": 1})],
    ),
    Case(
        "as Python",
        "<|tool_call>call:paint(wall='(<tool_call|>', coats=2)<tool_call|>",
        [("paint", {"wall": "(<tool_call|>", "coats": 2})],
    ),
    Case("as Python, not closed", '<|tool_call>call:paint(wall="a")', [("paint", {"wall": "a"})]),
    Case("stray <", "<<|tool_call>call:paint{coats:1}<tool_call|>", [("paint", {"coats": 1})], "<"),
    Case("delimited key", f"<|tool_call>call:paint{{{_Q}wall{_Q}:{_Q}a{_Q}}}<tool_call|>", [("paint", {"wall": "a"})]),
    Case("thinking", "<|channel>thought\nHm.<channel|>Yes.", says="Yes.", thinks="Hm."),
    Case("no markers", "call:paint{coats:1}", [("paint", {"coats": 1})]),
    Case(
        "FunctionGemma",
        "<start_function_call>call:paint{wall:<escape>a<escape>,coats:<escape>2<escape>}<end_function_call>",
        [("paint", {"wall": "a", "coats": "2"})],
    ),
]

OTHERS = [
    Case(
        "phi",
        'Ok functools[{"name": "noop", "arguments": {}}, {"name": "dim", "arguments": {"lamp": 1}}]',
        [("noop", {}), ("dim", {"lamp": 1})],
        "Ok ",
    ),
    Case(
        "seed",
        "<seed:think>Hm.</seed:think><seed:tool_call>\n<function=exec>\n<parameter=cmd>ls</parameter>\n</function>\n</seed:tool_call>",
        [("exec", {"cmd": "ls"})],
        thinks="Hm.",
    ),
    Case(
        "seed, what is left of its budget",
        "<seed:think>Hm.<seed:cot_budget_reflect>Used 1.</seed:cot_budget_reflect>So.</seed:think>Yes.",
        says="Yes.",
        thinks="Hm.<seed:cot_budget_reflect>Used 1.</seed:cot_budget_reflect>So.",
    ),
    Case("firefunction", 'functools[{"name": "noop", "arguments": {}}]', [("noop", {})]),
    Case(
        "step 3",
        '<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="get_x"><steptml:parameter name="x">4</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>',
        [("get_x", {"x": 4})],
    ),
    Case(
        "step 3, separator missing",
        '<｜tool_calls_begin｜><｜tool_call_begin｜><steptml:invoke name="get_x"><steptml:parameter name="x">4</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>',
        [("get_x", {"x": 4})],
    ),
    Case(
        "internlm",
        '<|action_start|> <|plugin|>\n{"name": "get_x", "parameters": {"x": 1}}<|action_end|>',
        [("get_x", {"x": 1})],
    ),
    Case(
        "internlm, tight",
        '<|action_start|><|plugin|>{"name": "get_x", "parameters": {"x": 1}}<|action_end|>',
        [("get_x", {"x": 1})],
    ),
    Case("longcat, JSON", '<longcat_tool_call>{"name": "noop", "arguments": {}}</longcat_tool_call>', [("noop", {})]),
    Case(
        "longcat, tags",
        "<longcat_tool_call>get_x\n<longcat_arg_key>x</longcat_arg_key>\n<longcat_arg_value>1</longcat_arg_value>\n</longcat_tool_call>",
        [("get_x", {"x": 1})],
    ),
    Case(
        "apertus",
        '<|inner_prefix|>Hm.<|inner_suffix|><|tools_prefix|>[{"get_x": {"x": 1}}, {"noop": {}}]<|tools_suffix|>',
        [("get_x", {"x": 1}), ("noop", {})],
        thinks="Hm.",
    ),
    Case(
        "minicpm",
        '<function name="exec"><param name="cmd"><![CDATA[a < b]]></param></function>',
        [("exec", {"cmd": "a < b"})],
    ),
    Case(
        "minicpm, tags in the frame",
        '<function name="exec"><param name="cmd"> <![CDATA[<param name="x">a</param></function> ]]> b]]> </param></function>',
        [("exec", {"cmd": '<param name="x">a</param></function> ]]> b'})],
    ),
    Case(
        "minicpm, a frame without an end",
        '<function name="exec"><param name="cmd"><![CDATA[a</param></function>',
        [("exec", {"cmd": "<![CDATA[a"})],
    ),
    Case(
        "minicpm, spaces lost", '<functionname="exec"><paramname="cmd">ls</param></function>', [("exec", {"cmd": "ls"})]
    ),
    Case("minicpm, Ġ", '<functionĠname="exec"><paramĠname="cmd">ls</param></function>', [("exec", {"cmd": "ls"})]),
    Case(
        "horizon, JSON",
        '<ifm|think>Hm.</ifm|think><ifm|tool_calls><ifm|tool_call>{"name": "noop", "arguments": {}}</ifm|tool_call></ifm|tool_calls>',
        [("noop", {})],
        thinks="Hm.",
    ),
    Case(
        "horizon, tags",
        "<ifm|tool_calls><ifm|tool_call>get_x<ifm|arg_key>x</ifm|arg_key><ifm|arg_type>integer</ifm|arg_type><ifm|arg_value>1</ifm|arg_value></ifm|tool_call></ifm|tool_calls>",
        [("get_x", {"x": 1})],
    ),
    Case(
        "dots",
        '<dots_function_call><invoke name="get_x"><parameter name="x">1</parameter></invoke></dots_function_call>',
        [("get_x", {"x": 1})],
    ),
    Case(
        "dots, JSON",
        '<dots_function_call>{"name": "get_x", "arguments": {"x": 1}}</dots_function_call>',
        [("get_x", {"x": 1})],
    ),
    Case("gigachat 3", '<|message_sep|>function call<|role_sep|>\n{"name": "noop", "arguments": {}}', [("noop", {})]),
    Case("gigachat 3.1", '<|function_call|>{"name": "noop", "arguments": {}}', [("noop", {})]),
    Case("functionary", '>>>get_x\n{"x": 1}', [("get_x", {"x": 1})]),
    Case("functionary, text and calls", ">>>all\nHi.", says="Hi."),
    Case("functionary, two", '>>>get_x\n{"x": 1}\n>>>noop\n{}', [("get_x", {"x": 1}), ("noop", {})]),
    Case(
        "inkling",
        '<|message_model|>get_x<|content_invoke_tool_json|>{"name": "get_x", "args": {"x": 1}}<|end_message|>',
        [("get_x", {"x": 1})],
    ),
    Case(
        "muse",
        '<atem:function_calls><atem:invoke name="get_x"><atem:parameter name="x">1</atem:parameter></atem:invoke></atem:function_calls>',
        [("get_x", {"x": 1})],
    ),
]

FAMILIES = {
    "kimi": KIMI,
    "kimi k3": K3,
    "deepseek": DEEPSEEK,
    "mistral": MISTRAL,
    "granite": GRANITE,
    "harmony": HARMONY,
    "command": COMMAND,
    "gemma": GEMMA,
    "others": OTHERS,
}
