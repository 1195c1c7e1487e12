"""What resembles a call and is none: it passes byte for byte, and one character at a time too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dialects.events import FinishReason, Reasoning, Text
from tests.validation.repair.support import answer, calls_of, repair, text_of, told

_CALL = '<tool_call>\n{"name": "noop", "arguments": {}}\n</tool_call>'
_KIMI = "<|tool_calls_section_begin|><|tool_call_begin|>functions.noop:0<|tool_call_argument_begin|>{}<|tool_call_end|>"

NEGATIVES = {
    "plain": "A plain answer, nothing else.",
    "comparison": "if a < b and c <d: x[0] = f(y)  # < [",
    "html": "<div class='x'><tool>a</tool></div> <function name='f'> <invoke> <tool_call",
    "in a fence": f"Look:\n```xml\n{_CALL}\n```\nThat is how.",
    "in a fence of tildes": f"Look:\n~~~\n{_CALL}\n~~~\nThat is how.",
    "in a longer fence": f"````\n```\n{_CALL}\n```\n{_CALL}\n````\n",
    "in a fence without an end": f"Look:\n```\n{_CALL}",
    "in an indented fence": f"1. So:\n   ```\n   {_CALL}\n   ```\n",
    "in a fence that an item of a list begins with": f"So:\n- ```\n  {_CALL}\n  ```\n1. ```\n   {_CALL}\n   ```\n",
    "in an indented block": f"So:\n\n    {_KIMI}\n\n\t{_KIMI}\n\nDone.",
    "reasoning's tags on lines of their own": "<answer\nMy format is\n<think>\nthoughts\n</think>\nand then the answer.",
    "reasoning's closer in a fence": "So it says:\n```\n</think>\n```\nThat ends it.",
    "reasoning's tags behind others": "My tags: <reasoning>\n\n</reasoning>\n",
    "a word that looks like an item": "So\n12 <tool_call> 3) a",
    "a long line of blanks": "a\n" + " " * 300 + "<tool_call>",
    "JSON with what is no argument beside a tool's name": '<tool_call>{"name": "noop", "count": 3}</tool_call>',
    "a JSON answer with an argument beside a tool's name": '{"name": "get_x", "x": 3}',
    "LM Studio's brackets, words": "[noop] is a tool.",
    "LM Studio's brackets, no end": "[noop]\n{}",
    "Gemma's code, words": "```tool_code\nnoop() # and so on\nfor x in y: pass\n```",
    "Qwen-Agent's words": "✿FUNCTION✿: none of them",
    "a name and words in a call": "<tool_call>noop {} and so on</tool_call>",
    "a name and a broken object in a call": "<tool_call>noop {",
    "a name and Python's positions": "<tool_call>get_x(1)</tool_call>",
    "a commentary": "commentary on functions",
    "a commentary to nobody": "commentary to=functions.nobody {}",
    "Gemma's Python, cut": "<|tool_call>call:paint(coats=1",
    "in inline code": 'Write `<tool_call>{"name": "noop", "arguments": {}}</tool_call>` to call.',
    "in double backticks": 'Write ``<tool_call>{"name": "noop", "arguments": {}}</tool_call> ` `` to call.',
    "in HTML's code": f"<p>Write <code>{_CALL}</code> to call.</p>".replace("\n", ""),
    "in HTML's code with a class": f'<p>Write <code class="x">{_CALL}</code> to call.</p>'.replace("\n", ""),
    "in HTML's block": f"So:\n<pre>\n{_CALL}\n</pre>\nThat is how.",
    "in HTML's block with a class": f'So:\n<pre class="x"><code>\n{_CALL}\n{_KIMI}</code></pre>\nThat is how.',
    "in HTML's block that an answer begins with": f"<pre>{_CALL}</pre>",
    "in HTML's block without an end": f"So:\n<pre>\n{_CALL}",
    "in HTML's block within its line": f"Look <pre>{_CALL}</pre>".replace("\n", ""),
    "in quotation marks": 'It says "<tool_call>{"name": "noop", "arguments": {}}</tool_call>" then.',
    "in typographic quotation marks": 'It says “<tool_call>{"name": "noop", "arguments": {}}</tool_call>” then.',
    "in a quoted line": '> <tool_call>{"name": "noop", "arguments": {}}</tool_call>\n\nHe said that.',
    "unknown name": 'Ok. <tool_call>{"name": "unknown", "arguments": {}}</tool_call> Done.',
    "unknown name, kimi": _KIMI.replace("noop", "unknown") + "<|tool_calls_section_end|>",
    "unknown name, qwen": "<tool_call>\n<function=unknown>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>",
    "unknown name, glm": "<tool_call>unknown<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>",
    "unknown name, dsml": '<｜DSML｜tool_calls><｜DSML｜invoke name="unknown"></｜DSML｜invoke></｜DSML｜tool_calls>',
    "unknown name, deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>unknown<｜tool▁sep｜>{}<｜tool▁call▁end｜>",
    "unknown name, mistral": "[TOOL_CALLS]unknown[ARGS]{}",
    "unknown name, harmony": "<|channel|>commentary to=functions.unknown<|message|>{}<|call|>",
    "unknown name, gemma": "<|tool_call>call:unknown{}<tool_call|>",
    "unknown name, llama": '{"name": "unknown", "parameters": {}}',
    "unknown name, kimi k3": '<|open|>call tool="unknown" index="1"<|sep|><|close|>call<|sep|>',
    "unknown name, minimax": ']<]minimax[>[<tool_call>]<]minimax[>[<invoke name="unknown">]<]minimax[>[</invoke>',
    "one unknown name in a list": '<tool_calls>[{"name":"noop","arguments":{}},{"name":"no","arguments":{}}]</tool_calls>',
    "counter that fits no tool": "<|tool_call_begin|>3<|tool_call_argument_begin|>{}<|tool_call_end|>",
    "counter with broken arguments": "<|tool_call_begin|>3<|tool_call_argument_begin|>{a}<|tool_call_end|>",
    "id of nothing": '<|tool_call_begin|>call_a1<|tool_call_argument_begin|>{"name": "no"}<|tool_call_end|>',
    "a source reference": "See functions.rb:7 and functions.noop:3, please.",
    "a host": "It runs at functions.local:9000 {not here}.",
    "an id without an object": "The id is functions.noop:3 here.",
    "an id with a colon only": "The id is functions.noop:x{} here.",
    "the beginning of a word": "fun, func, functio",
    "the end of a line is a bracket": "a <",
    "a marker named in prose": "The token <|tool_calls_section_begin|> starts a section, <tool_call> a call.",
    "a marker, then a long text": "<|tool_calls_section_begin|>" + "words " * 60,
    "a JSON answer": '{"answer": 42, "name": "noop", "parameters": {}}',
    "a JSON answer with a name": '{"name": "Ada", "born": 1815}',
    "a JSON answer with a tool's name": '{"name": "noop", "count": 3, "parameters": [1]}',
    "JSON, then words": '{"name": "noop", "parameters": {}} is what I would call.',
    "a JSON list": "[1, 2, 3]",
    "a list of names": '[{"name": "noop"}, {"name": "Ada"}]',
    "a link": "[noop](https://example.org) is a tool.",
    "pythonic with words": "[noop()] is what I would call.",
    "pythonic inside a sentence": "So I call [noop()].",
    "pythonic with positions": "[trim(7)]",
    "pythonic with more than literals": "[trim(clip=f(7))]",
    "pythonic with a splat": "[trim(**a)]",
    "not closed": 'Ok <tool_call>{"name": "noop", "arguments": {"a": "b',
    "not closed, xml": "<tool_call><function=write><parameter=content>half of a",
    "not closed, glm": "<tool_call>add_note<arg_key>text</arg_key><arg_value>half",
    "a number that may go on": '<tool_call>{"name": "ping", "arguments": {"n": 12',
    "brackets that do not match": '<tool_call>{"name": "noop", "arguments": {]}</tool_call>',
    "not JSON": "<tool_call>{name: noop}</tool_call>",
    "arguments that are no object": '<tool_call>{"name": "noop", "arguments": [1]}</tool_call>',
    "required is missing where the end is": '<tool_call>{"name": "shell", "arguments": {}}',
    "required is missing without markers": "functions.shell:0{}",
    "markup in a key": "<tool_call>add_note<arg_key>a</arg_value>b</arg_key><arg_value>x</arg_value></tool_call>",
    "markup in a value": "<tool_call>add_note<arg_key>text</arg_key><arg_value>a</arg_key>b</arg_value></tool_call>",
    "glm without a key": "<tool_call>add_note<arg_key></arg_key><arg_value>x</arg_value></tool_call>",
    "glm, words behind the name": "<tool_call>noop is a tool</tool_call>",
    "qwen, words in the call": "<function=noop>words</function>",
    "qwen, no key": "<function=write><parameter=>a</parameter></function>",
    "json body not closed": '<function=get_x>{"x": 1} words',
    "m3, words": "]<]minimax[>[<tool_call> a",
    "m3, not nested": ']<]minimax[>[<invoke name="fan">]<]minimax[>[<speed>1]<]minimax[>[</invoke>',
    "m3, closed twice": ']<]minimax[>[<invoke name="fan">]<]minimax[>[</speed>]<]minimax[>[</invoke>',
    "m3, no tag": ']<]minimax[>[<invoke name="fan">]<]minimax[>[speed]<]minimax[>[</invoke>',
    "m3, a parameter that is not declared is not opened": ']<]minimax[>[<invoke name="fan">1]<]minimax[>[</size>]<]minimax[>[</invoke>',
    "m3, text in the call": ']<]minimax[>[<invoke name="fan">speed]<]minimax[>[</invoke>',
    "k3, no argument": '<|open|>call tool="noop" index="1"<|sep|>words',
    "k3, no key": '<|open|>call tool="noop" index="1"<|sep|><|open|>argument<|sep|>',
    "k3, argument not closed": '<|open|>call tool="exec" index="1"<|sep|><|open|>argument key="cmd" type="string"<|sep|>ls',
    "k3, closes another": '<|open|>call tool="noop" index="1"<|sep|><|close|>tools<|sep|>',
    "k3, words": "<|open|>letters",
    "gemma, no call": "<|tool_call>paint{}",
    "gemma, words": "<|tool_call>call:paint please",
    "gemma, one delimiter": '<|tool_call>call:paint{<|"|>}<tool_call|>',
    "gemma, no markers, words": "call:paint me tomorrow",
    "gemma, no markers, cut": "call:paint{coats:1",
    "deepseek, words": "<｜tool▁calls▁begin｜> is a token.",
    "deepseek, no begin of the call": "<｜tool▁calls▁begin｜>roll<｜tool▁sep｜>{}<｜tool▁call▁end｜>",
    "deepseek, no separator": "<｜tool▁call▁begin｜>roll {}",
    "deepseek, no object": "<｜tool▁call▁begin｜>roll<｜tool▁sep｜>words",
    "deepseek, tools of nothing": "<｜tool▁call▁begin｜>function\n```json\n[1]\n```",
    "mistral, words": "[TOOL_CALLS]noop words",
    "mistral, nothing": "[TOOL_CALLS]",
    "mistral, keys of no tool": '[TOOL_CALLS]{"nothing": 1}',
    "mistral, no object": "[TOOL_CALLS]noop{",
    "Calling tool, words": "[Calling tool: noop]",
    "Calling tool, not closed": "[Calling tool: noop({})",
    "harmony, words": "<|channel|>words<|message|>a",
    "stripped harmony, a word": "analysis of the data",
    "stripped harmony, not offered": 'to=functions.unknown {"a": 1}',
    "stripped harmony, no object": "to=functions.rain please",
    "harmony, no object": "<|start|>assistant to=functions.rain<|message|>words",
    "functionary, words": ">>> noop\nand so on",
    "functionary, unknown": ">>>unknown\n{}",
    "command R+, no fence": "Action: go on.",
    "command R+, no list": "Action: ```json\n{}\n```",
    "command R+, no end": 'Action: ```json\n[{"tool_name": "noop", "parameters": {}}]',
    "command R+, no call": "Action: ```json\n[1]\n```",
    "a fenced answer": '```json\n{"a": 1}\n```',
    "a fenced list of others": "```json\nwords\n```",
    "a fenced call, then words": '```json\n{"name": "noop", "parameters": {}}\n```\nThat is how.',
    "python tag, code": "<|python_tag|>print(1)",
    "python tag, no call": "<|python_tag|>trim is",
    "inkling, words": "<|message_model|>words",
    "an object where a list of calls should be": "<|START_ACTION|>words<|END_ACTION|>",
    "a closer of reasoning inside a line": "The tag </think> ends it.",
    "python tag, JSON of another": '<|python_tag|>{"a": 1}',
    "longer names": "<tool_call>" + "n" * 300,
    "a closing bracket alone": "[TOOL_CALLS]noop[ARGS] ]",
    "id run together with nothing": "<|tool_call_begin|>functionsnone5<|tool_call_argument_begin|>{}<|tool_call_end|>",
    "an id, then words": "<|tool_call_begin|>functions.noop:0<|tool_call_argument_begin|>words",
    "mistral, not an object": "[TOOL_CALLS][1]",
    "mistral, an object not closed": '[TOOL_CALLS]{"ch": 3',
    "a list where a literal key should be": "<tool_call>{'a': f(1)}</tool_call>",
    "Python's keys that are no text": "<tool_call>{1: 2}</tool_call>",
    "Python's minus before a text": "<tool_call>[-'a', 1]</tool_call>",
    "two keys and no name": '<tool_call>{"noop": {}, "trim": {}}</tool_call>',
    "one key that is no tool": '<tool_call>{"a": {}}</tool_call>',
    "hunyuan, a word of another tag": "<tool_calls:x>\n<tool_call:y>noop</tool_call:y></tool_calls:x>",
    "hunyuan, no tag": "<tool_calls: they follow",
    "hunyuan, unknown name behind a known one": "<tool_calls:x><tool_call:x>noop</tool_call:x><tool_call:x>no</tool_call:x>",
    "harmony, a recipient without a name": '<|channel|>commentary to=<|constrain|>json<|message|>{"day":"fri"}<|call|>',
    "gemma, markers in prose": "The token <|tool_call> begins a call and <tool_call|> ends it.",
    "hunyuan, not closed": '<tool_calls>[{"name":"noop","arguments":{}}]',
    "glm, cut in the name and key": "<tool_call>add_notetext</arg_key><arg_value>x",
    "a number that JSON has not": '<tool_call>{"name": "ping", "arguments": {"n": NaN}}</tool_call>',
    "glm, cut in a key": "<tool_call>add_note<arg_key>text",
    "a name that is no text": '{"name": 5}',
    "a call and a semicolon, then words": '{"name": "trim", "parameters": {}}; words',
    "an expression": "<|python_tag|>trim(clip=1) + 2",
    "lines of which one is no call": "<function_calls>\nnoop()\nwords here\n</function_calls>",
    "no argument name": "<function= >x</function>",
    "many backticks": "`` ` `` and ``` and `a`",
}

every_negative = pytest.mark.parametrize("text", NEGATIVES.values(), ids=NEGATIVES.keys())


@every_negative
@pytest.mark.parametrize("finish", [FinishReason.STOP, FinishReason.LENGTH])
def test_it_stays_text(text, finish):
    assert told(answer([text], repair(), finish))[:-2] == [("Text", text)]
    assert told(answer(list(text), repair(), finish))[:-2] == [("Text", text)]


@every_negative
def test_it_stays_reasoning(text):
    if "</think>" not in text and "</reasoning>" not in text:
        for pieces in ([text], text):
            assert told(answer([Reasoning(piece) for piece in pieces], repair()))[:-2] == [("Reasoning", text)]


@every_negative
def test_it_stays_text_behind_other_text(text):
    whole = f"Hello.\n\n{text}"
    assert text_of(answer(list(whole), repair())) == whole


@pytest.mark.parametrize(
    "before",
    [
        "Say <code>a</code> and then ",
        "So the tag <code> is opened\nby nobody. ",
        "So:\n<pre>\n<code>a</code>\n</pre>\n",
        "Its end </code> came first. ",
        "So is `<code>` closed. ",
        "And <pre> in a line\n",
    ],
)
def test_behind_tags_of_code_a_call_is_a_call(before):
    for pieces in ([before + _CALL], list(before + _CALL)):
        assert calls_of(answer(pieces, repair())) == [("noop", {})]


@pytest.mark.parametrize("text", [_CALL, _KIMI, "[TOOL_CALLS]noop{}", "functions.noop:0{}"])
def test_without_tools_nothing_is_a_call(text):
    assert text_of(answer([text], repair({}))) == text


def test_a_family_that_was_not_chosen_stays_text():
    assert text_of(answer([_CALL], repair(families=["kimi"]))) == _CALL


ALPHABET = ["<", "<pre>", "<code>", "</code>", "</pre>", "tool_call", ">", "</", "`", "```", "\n", "{", "}", '"', "name", ":", "noop", "function=", "functions.", "[",
            "TOOL_CALLS]", "<|", "|>", "think", " ", "a", ">", "~", "<tool_call>", "</tool_call>", "<function=noop>",
            "</function>", "<parameter=a>", "</parameter>", "<arg_key>", "</arg_value>", '{"name": "noop"}', "\\"]  # fmt: skip


@given(st.lists(st.sampled_from(ALPHABET), max_size=30), st.sampled_from([Text, Reasoning]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_however_it_is_cut_it_says_the_same(words, kind, cut):
    text = "".join(words)
    finish = FinishReason.LENGTH if cut else FinishReason.STOP
    whole = told(answer([kind(text)] if text else [], repair(), finish))
    assert told(answer([kind(piece) for piece in text], repair(), finish)) == whole
    assert told(answer([kind(word) for word in words], repair(), finish)) == whole
