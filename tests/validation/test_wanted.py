"""What repeats because the client asked for it."""

import pytest

from routing.dialects import Dialect
from tests.validation.test_detectors import PROSE, name
from validation.detectors import TextDetectors
from validation.wanted import Wanted, asked_for, shown_in, texts_of

LINE = "All work and no play makes Jack a dull boy.\n"


def wants(*texts):
    return Wanted(lambda: texts).copies


@pytest.mark.parametrize(
    ("wish", "unit", "copies"),
    [
        ("Write “All work and no play makes Jack a dull boy” 500 times.", LINE, 500),
        ("Write “All work and no play makes Jack a dull boy” 1,500 times.", LINE[9:] + LINE[:9], 1500),
        ("say HA a hundred times", "aH", 100),
        ("Schreibe „ja“ 300 mal", " ja", 300),
        ("「はい」と50回書いてください", "はい", 50),
        ("Print 🎉 40 times", "🎉", 40),
        ("Write ja 30 times, then nein 90 times", "nein ", 90),
        ("Write hello in a loop", "hello ", 0),
        ("Write hello 100 times", "goodbye ", 0),
        ("Write hello 100 times", " ", 0),
        ("Summarise chapter 12, it is worth reading", "reading ", 0),
        ("x" * 300 + " 100 times", "x" * 300, 0),
    ],
)
def test_somebody_who_names_a_text_and_says_how_often_wants_it_so_often(wish, unit, copies):
    assert asked_for(wish, unit) == copies


@pytest.mark.parametrize(
    ("text", "unit", "copies"),
    [("0, 0, 0, 0, 0", ", 0", 5), ("a b a b", "a b ", 0), ("--" + "ab" * 3 + "--" + "ab" * 9, "ba", 9), ("", "a", 0)],
)
def test_the_longest_row_in_a_text_is_counted_wherever_the_unit_begins(text, unit, copies):
    assert shown_in(text, unit) == copies


def test_the_texts_of_a_request_are_read_once_and_only_if_something_repeats():
    asked = []
    wanted = Wanted(lambda: asked.append(1) or ["Say hello 100 times"])
    assert asked == []
    assert wanted.copies("hello ") == wanted.copies("hello\n") == 125
    assert wanted.copies("nothing ") == 0
    assert asked == [1]


def test_what_stands_in_arguments_is_sought_as_what_it_stands_for():
    assert wants("end\nend\nend\nend\n", "Write the file again.")("end\\n") == 1.25 * 5


def test_a_request_that_cannot_be_read_wants_nothing():
    assert wants(*texts_of({"messages": "odd"}, Dialect.CHAT))("hello ") == 0


@pytest.mark.parametrize(
    ("body", "client", "texts"),
    [
        ({"prompt": "Say it"}, Dialect.COMPLETIONS, ["Say it"]),
        ({"text": "Say it"}, Dialect.GENERATE, ["Say it"]),
        ({"prompt": [1, 2]}, Dialect.COMPLETIONS, []),
    ],
)
def test_a_bare_prompt_is_all_that_the_client_says(body, client, texts):
    assert texts_of(body, client) == texts


def test_all_texts_of_a_conversation_count_and_what_the_user_said_last_comes_last():
    page = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "document"}}
    picture = {"type": "image", "source": {"type": "url", "url": "http://a/b.png"}}
    call = {"type": "tool_use", "id": "1", "name": "read", "input": {"a": "b"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "first"}, page, picture]},
        {"role": "assistant", "content": [{"type": "text", "text": "said"}, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "result"}]},
    ]
    found = texts_of({"model": "m", "max_tokens": 9, "messages": messages}, Dialect.MESSAGES)
    assert found == ["first", "document", "said", '{"a":"b"}', "result", "first"]


def judged(text, wanted, stream="text"):
    detectors = TextDetectors(stream=stream, wanted=wanted)
    for start in range(0, len(text), 16):
        detectors.feed(text[start : start + 16])
    return detectors.close("stop"), detectors


@pytest.mark.parametrize("count", [60, 200])
@pytest.mark.parametrize("numbered", [False, True])
def test_as_many_copies_as_were_asked_for_are_no_garbage(count, numbered):
    text = PROSE + "".join(f"{number}. {LINE}" if numbered else LINE for number in range(1, count + 1)) + PROSE
    assert name(judged(text, None)[0]) in ("repetition", "counter")
    assert judged(text, wants(f"Write {LINE} {count} times"))[0] is None


def test_what_goes_on_for_longer_than_was_asked_is_garbage():
    assert name(judged(PROSE + LINE * 400, wants(f"Write {LINE} 200 times"))[0]) == "repetition"


def test_what_was_asked_for_is_not_held_back():
    _, detectors = judged(PROSE + LINE * 100, wants(f"Write {LINE} 200 times"))
    assert detectors.suspicion is None
    assert detectors.safe > len(PROSE + LINE * 95)


def test_another_text_that_repeats_behind_the_wanted_one_is_garbage():
    text = LINE * 50 + PROSE + "I will check the file again. " * 50
    verdict, _ = judged(text, wants(f"Write {LINE} 50 times"))
    assert verdict.onset > len(LINE * 50 + PROSE)


def test_a_file_whose_lines_repeat_can_be_written_again():
    rows = '{"path": "zeros.csv", "content": "' + "0.0,0.0,zero,zero\\n" * 200
    assert name(judged(rows, None, "arguments")[0]) == "repetition"
    assert judged(rows, wants("0.0,0.0,zero,zero\n" * 200, "Write it again."), "arguments")[0] is None
