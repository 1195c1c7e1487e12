"""Tables 2.2 and 2.3 of the reference, row by row: system prompts and the parts of messages."""

from dataclasses import replace

import pytest

from routing.dialects.capabilities import capabilities
from routing.errors import BadRequest
from routing.kinds import Kind
from tests.routing.dialects.rows.checking import (
    ABSENT,
    GPT,
    O3,
    a_to_r,
    a_tool_turns,
    c_to_r,
    c_tool_turns,
    holds,
    r_to_a,
)
from tests.routing.dialects.support import (
    CHAT,
    MESSAGES,
    a_to_c,
    assistant,
    c_to_a,
    converted,
    r_to_c,
    text,
    user,
)

OPENAI, VLLM, OLLAMA = Kind.OPENAI, Kind.VLLM, Kind.OLLAMA
BILLING = text("x-anthropic-billing-header: cc_version=1; hash")
FOLDING = replace(capabilities(VLLM, "m", CHAT), late_system=False)
URL, PNG = "https://x/y.png", "data:image/png;base64,AAAA"


def system(said: str) -> dict:
    return {"role": "system", "content": said}


def developer(said: str) -> dict:
    return {"role": "developer", "content": said}


def source(kind: str = "image", **of) -> dict:
    return {"type": kind, "source": of}


def base64(kind: str = "image", media_type: str = "image/png") -> dict:
    return source(kind, type="base64", media_type=media_type, data="AAAA")


def image_url(url, **more) -> dict:
    return {"type": "image_url", "image_url": {"url": url, **more}}


PDF = base64("document", "application/pdf")
PDF_URI = "data:application/pdf;base64,AAAA"


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(lambda: a_to_c(system="X"), {"messages": [system("X"), user("hi")]}, "", id="2.2.1 chat"),
        pytest.param(lambda: a_to_r(system="X"), {"instructions": "X"}, "", id="2.2.1 responses"),
        pytest.param(
            lambda: a_to_c(system=[text("A"), text("B")]), {"messages": [system("A\nB"), user("hi")]}, "", id="2.2.2"
        ),
        pytest.param(lambda: a_to_r(system=[BILLING, text("B")]), {"instructions": "B"}, "", id="2.2.3"),
        pytest.param(
            lambda: c_to_a(messages=[system("A"), developer("B"), user("hi")]),
            {"system": "A\nB", "messages": [user("hi")]},
            "",
            id="2.2.4",
        ),
        pytest.param(
            lambda: c_to_a(messages=[system("A"), user("hi"), developer("B"), user("go")]),
            {"system": "A\nB"},
            "moved to its beginning",
            id="2.2.5",
        ),
        pytest.param(
            lambda: a_to_c(messages=[*a_tool_turns(), system("S")]),
            {"messages.2.role": "tool", "messages.3": system("S")},
            "",
            id="2.2.6 after the tool messages",
        ),
        pytest.param(
            lambda: a_to_c(
                messages=[*a_tool_turns()[:2], {"role": "system", "content": [text("S")]}, a_tool_turns()[2]]
            ),
            {"messages.2.role": "tool", "messages.3": system("S")},
            "",
            id="2.2.6 never between calls and results",
        ),
        pytest.param(
            lambda: converted({"messages": [user("a"), system("S")]}, MESSAGES, CHAT, of=FOLDING),
            {"messages": [user("a"), user("S")]},
            "",
            id="2.2.6 folded where templates refuse it",
        ),
        pytest.param(
            lambda: r_to_c(input=[developer("D"), user("hi")]), {"messages": [system("D"), user("hi")]}, "", id="2.2.7"
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, O3, system="X"), {"messages.0": developer("X")}, "", id="2.2.7 models that think"
        ),
        pytest.param(
            lambda: r_to_c(instructions="I", input=[system("S"), developer("D"), user("hi"), developer("L")]),
            {"messages": [system("I\nS\nD"), user("hi"), system("L")]},
            "",
            id="2.2.8 locally",
        ),
        pytest.param(
            lambda: r_to_c(OPENAI, GPT, instructions="I", input=[user("hi"), developer("L")]),
            {"messages": [developer("I"), user("hi"), developer("L")]},
            "",
            id="2.2.8 at OpenAI",
        ),
        pytest.param(
            lambda: r_to_a(instructions="I", input=[developer("D"), user("hi")]), {"system": "I\nD"}, "", id="2.2.8"
        ),
        *(
            pytest.param(
                lambda build=build, field=field: build(**{field: [{"role": "ctx", "content": "hi"}]}),
                {f"{sent}.0.role": "user"},
                "ctx",
                id=f"2.2.9 {build.__name__}",
            )
            for build, field, sent in (
                (a_to_c, "messages", "messages"),
                (c_to_a, "messages", "messages"),
                (r_to_c, "input", "messages"),
                (a_to_r, "messages", "input"),
            )
        ),
        pytest.param(lambda: a_to_c(system=""), {"messages": [user("hi")]}, "", id="2.2.10 no text"),
        pytest.param(lambda: a_to_c(system=[]), {"messages": [user("hi")]}, "", id="2.2.10 no block"),
        pytest.param(lambda: c_to_a(messages=[system(""), user("hi")]), {"system": ABSENT}, "", id="2.2.10 messages"),
        pytest.param(lambda: r_to_a(instructions=""), {"system": ABSENT}, "", id="2.2.10 instructions"),
    ],
)
def test_system_prompts(build, expected, warned):
    holds(build(), expected, warned)


@pytest.mark.parametrize(
    ("build", "expected", "warned"),
    [
        pytest.param(
            lambda: c_to_a(messages=[user([text("a"), text(" "), text("")]), assistant(" "), user("b")]),
            {"messages": [user("a"), user("b")]},
            "",
            id="2.3.1 blank texts",
        ),
        pytest.param(
            lambda: a_to_c(messages=[user([text("a"), text("b")])]), {"messages": [user("a\nb")]}, "", id="2.3.1"
        ),
        pytest.param(
            lambda: a_to_r(messages=[user("a"), assistant("b"), user("c")]),
            {"input.0.content.0.type": "input_text", "input.1.content.0.type": "output_text"},
            "",
            id="2.3.1 at responses",
        ),
        pytest.param(
            lambda: a_to_c(messages=[user([base64()])]), {"messages.0.content": [image_url(PNG)]}, "", id="2.3.2"
        ),
        pytest.param(
            lambda: a_to_c(messages=[user([source(type="base64", data="AAAA")])]),
            {"messages.0.content.0.image_url.url": "data:image/jpeg;base64,AAAA"},
            "",
            id="2.3.2 of no type",
        ),
        pytest.param(
            lambda: a_to_r(messages=[user([base64()])]),
            {"input.0.content": [{"type": "input_image", "image_url": PNG}]},
            "",
            id="2.3.2 at responses",
        ),
        pytest.param(
            lambda: c_to_a(messages=[user([image_url(PNG, detail="low")])]),
            {"messages.0.content": [base64()]},
            "",
            id="2.3.2 back",
        ),
        pytest.param(
            lambda: a_to_c(messages=[user([source(type="url", url=URL)])]),
            {"messages.0.content": [image_url(URL)]},
            "",
            id="2.3.3",
        ),
        pytest.param(
            lambda: a_to_r(messages=[user([source(type="url", url=URL)])]),
            {"input.0.content.0.image_url": URL},
            "",
            id="2.3.3 at responses",
        ),
        pytest.param(
            lambda: c_to_a(messages=[user([{"type": "image_url", "image_url": URL}])]),
            {"messages.0.content": [source(type="url", url=URL)]},
            "",
            id="2.3.5 a bare text",
        ),
        pytest.param(
            lambda: c_to_a(messages=[user([image_url("DATA:image/PNG;charset=utf-8;base64,AA\n AA")])]),
            {"messages.0.content": [base64()]},
            "",
            id="2.3.5 parameters, capitals, white space",
        ),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, messages=[user([PDF])]),
            {"messages.0.content.0.file": {"filename": "document.pdf", "file_data": PDF_URI}},
            "",
            id="2.3.6",
        ),
        pytest.param(
            lambda: a_to_r(messages=[user([{**PDF, "title": "T"}])]),
            {"input.0.content.0": {"type": "input_file", "filename": "T", "file_data": PDF_URI}},
            "",
            id="2.3.6 at responses",
        ),
        *(
            pytest.param(
                lambda build=build: build(messages=[user([source("document", type="text", data="D")])]),
                {place: "D"},
                "",
                id=id,
            )
            for id, build, place in (
                ("2.3.7 chat", a_to_c, "messages.0.content"),
                ("2.3.7 responses", a_to_r, "input.0.content.0.text"),
            )
        ),
        pytest.param(
            lambda: a_to_c(messages=[user([source("document", type="content", content=[text("D"), base64()])])]),
            {"messages.0.content": [text("D"), image_url(PNG)]},
            "",
            id="2.3.8 parts",
        ),
        pytest.param(
            lambda: a_to_r(messages=[user([source("document", type="content", content="D")])]),
            {"input.0.content": [{"type": "input_text", "text": "D"}]},
            "",
            id="2.3.8 a text",
        ),
        pytest.param(
            lambda: a_to_r(messages=[user([source("document", type="url", url=URL)])]),
            {"input.0.content": [{"type": "input_file", "file_url": URL}]},
            "",
            id="2.3.9 at responses",
        ),
        *(
            pytest.param(
                lambda build=build: build(
                    messages=[user([{"type": "search_result", "source": "s", "title": "T", "content": [text("C")]}])]
                ),
                {place: "T\ns\nC"},
                "search result",
                id=f"2.3.13 {build.__name__}",
            )
            for build, place in ((a_to_c, "messages.0.content"), (a_to_r, "input.0.content.0.text"))
        ),
        *(
            pytest.param(
                lambda build=build: build(messages=[user([text("a"), {"type": "container_upload", "file_id": "f"}])]),
                {place: "a"},
                "container_upload",
                id=f"2.3.14 {build.__name__}",
            )
            for build, place in ((a_to_c, "messages.0.content"), (a_to_r, "input.0.content.0.text"))
        ),
        pytest.param(
            lambda: c_to_a(messages=[user("a"), assistant(None, refusal="no"), user("b")]),
            {"messages.1": assistant("no")},
            "",
            id="2.3.15 refusal",
        ),
        pytest.param(
            lambda: c_to_r(messages=[user("a"), assistant([{"type": "refusal", "refusal": "no"}]), user("b")]),
            {"input.1.content": [{"type": "refusal", "refusal": "no"}]},
            "",
            id="2.3.15 at responses",
        ),
    ],
)
def test_parts_of_messages(build, expected, warned):
    holds(build(), expected, warned)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        pytest.param(
            lambda: c_to_a(messages=[user([image_url("data:image/tiff;base64,AA")])]), "tiff", id="2.3.2 types"
        ),
        pytest.param(
            lambda: a_to_c(OLLAMA, messages=[user([source(type="url", url=URL)])]), "base64", id="2.3.3 Ollama"
        ),
        pytest.param(lambda: a_to_c(messages=[user([source(type="file", file_id="f")])]), "file id", id="2.3.4 chat"),
        pytest.param(
            lambda: a_to_r(messages=[user([source(type="file", file_id="f")])]), "file id", id="2.3.4 responses"
        ),
        pytest.param(
            lambda: r_to_a(input=[user([{"type": "input_image", "file_id": "f"}])]), "file id", id="2.3.4 messages"
        ),
        pytest.param(
            lambda: c_to_a(messages=[user([image_url("data:image/png,AA")])]), "base64", id="2.3.5 not base64"
        ),
        pytest.param(lambda: a_to_c(messages=[user([PDF])]), "application/pdf", id="2.3.6 locally"),
        pytest.param(
            lambda: a_to_c(OPENAI, GPT, messages=[user([source("document", type="url", url=URL)])]),
            "address",
            id="2.3.9",
        ),
        *(
            pytest.param(
                lambda build=build: build(messages=[user([source("document", type="file", file_id="f")])]),
                "its id",
                id=f"2.3.10 {build.__name__}",
            )
            for build in (a_to_c, a_to_r)
        ),
        pytest.param(
            lambda: c_to_a(messages=[user([{"type": "file", "file": {"file_id": "f"}}])]), "its id", id="2.3.11 chat"
        ),
        pytest.param(
            lambda: r_to_a(input=[user([{"type": "input_file", "file_id": "f"}])]), "its id", id="2.3.11 responses"
        ),
        *(
            pytest.param(
                lambda build=build: build(
                    messages=[user([{"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}])]
                ),
                "input_audio",
                id=f"2.3.12 {build.__name__}",
            )
            for build in (c_to_a, c_to_r)
        ),
        *(
            pytest.param(
                lambda build=build: build(messages=[user([{"type": "mcp_x"}])]), "mcp_x", id=f"2.3.14 {build.__name__}"
            )
            for build in (a_to_c, a_to_r, c_to_a)
        ),
    ],
)
def test_parts_that_cannot_be_sent_are_refused(build, said):
    with pytest.raises(BadRequest, match=said):
        build()


@pytest.mark.parametrize("content", ["hi", [text("hi")], text("hi"), ["hi"]])
def test_2_3_1_content_in_every_form_is_the_same(content):
    assert a_to_c(messages=[user(content)]).body["messages"] == [user("hi")]
    assert c_to_a(messages=[user(content)]).body["messages"] == [user("hi")]
    assert r_to_c(input=[user(content)]).body["messages"] == [user("hi")]


def test_2_3_1_missing_content_is_no_content():
    assert c_to_a(messages=[{"role": "assistant", **c_tool_turns()[1]}, *c_tool_turns()]).body["messages"]
    assert a_to_c(messages=[{"role": "user"}, user("hi")]).body["messages"] == [user("hi")]
