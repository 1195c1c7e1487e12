"""How many tokens a request is, estimated, and what the estimate learns."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.dialects import Dialect, tokens
from routing.dialects.conversion import parse
from routing.dialects.request import (
    Audio,
    Document,
    Image,
    Reasoning,
    Refusal,
    Request,
    Role,
    Text,
    Tool,
    Turn,
    Unknown,
)
from routing.dialects.tokens import Calibration, count_body, estimate, of_text

LONG = "word " * 400


def of_parts(*parts, **fields) -> int:
    return estimate(Request(turns=[Turn(Role.USER, list(parts))], **fields))


def of_messages(**fields) -> int:
    """The body of messages/count_tokens: no max_tokens, no stream."""
    messages = [{"role": "user", "content": "hi"}]
    return estimate(parse({"model": "m", "messages": messages, **fields}, Dialect.MESSAGES))


def of_responses(**fields) -> int:
    return estimate(parse({"model": "m", "input": "hi", **fields}, Dialect.RESPONSES))


def user(*blocks: dict) -> list[dict]:
    return [{"role": "user", "content": list(blocks)}]


def test_1_1_a_messages_client_is_answered_a_number():
    assert count_body(7, Dialect.MESSAGES) == {"input_tokens": 7}


def test_1_1_a_responses_client_is_answered_an_object():
    assert count_body(7, Dialect.RESPONSES) == {"object": "response.input_tokens", "input_tokens": 7}


def test_text_is_a_quarter_of_its_characters():
    assert of_text("") == 0
    assert of_text("a") == 1
    assert of_text("a" * 400) == 100


def test_scripts_without_spaces_are_denser():
    assert of_text("語" * 100) == 100
    assert 30 < of_text("я" * 100) < 100
    assert of_text("👋") >= 1


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(first, second):
    assert of_text(first + second) >= max(of_text(first), 0)


def test_half_a_surrogate_pair_is_counted_as_well():
    assert of_text("a\ud800") >= 1


def test_a_request_is_never_nothing():
    assert estimate(Request()) == 1
    assert estimate(Request(), 0.1) == 1


def test_system_counts():
    assert of_messages(system=LONG) - of_messages() > 400
    assert of_messages(system=[{"type": "text", "text": LONG}]) - of_messages() > 400
    assert of_responses(instructions=LONG) - of_responses() > 400


def test_tools_count_with_name_description_and_schema():
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "description": LONG} for n in range(3)}}
    tool = {"name": "f", "description": LONG, "input_schema": schema}
    assert of_messages(tools=[tool]) - of_messages() > 4 * 400
    function = {"type": "function", "name": "f", "description": LONG, "parameters": schema}
    assert of_responses(tools=[function]) - of_responses() > 4 * 400


def test_tools_of_the_upstream_count():
    tool = {"type": "web_search_20250305", "name": "web_search"}
    assert of_messages(tools=[tool]) - of_messages() == tokens.PER_TOOL


def test_the_grammar_of_a_custom_tool_counts():
    grammar = {"type": "grammar", "syntax": "lark", "definition": LONG}
    custom = {"type": "custom", "name": "patch", "format": grammar}
    assert of_responses(tools=[custom]) - of_responses() > 400


def test_images_count_wherever_they_stand():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    assert of_messages(messages=user(image)) > tokens.PER_IMAGE
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [image, {"type": "text", "text": LONG}]}
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"x": LONG}}]}
    assert of_messages(messages=[call, *user(result)]) > tokens.PER_IMAGE + 2 * 400
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    assert of_responses(input=[{"role": "user", "content": [picture]}]) > tokens.PER_IMAGE


def test_the_size_of_an_image_in_bytes_says_nothing():
    assert of_parts(Image("image/png", "A" * 1_000_000)) == of_parts(Image(url="https://example.org/a.png"))


def test_an_image_without_detail_is_cheap():
    assert of_parts(Image(url="u", detail="low")) == tokens.PER_MESSAGE + tokens.PER_SMALL_IMAGE


def test_tool_results_and_calls_count():
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": json.dumps({"x": LONG})}
    output = {"type": "function_call_output", "call_id": "c1", "output": LONG}
    assert of_responses(input=[call, output]) > 2 * 400


def test_documents_count_by_what_is_known_of_them():
    assert of_parts(Document(text=LONG, title=LONG, context=LONG)) > 3 * 400
    assert 2500 < of_parts(Document(data="A" * 75_000)) < 3500
    assert of_parts(Document("text/plain", data="A" * 5000)) > 900
    assert of_parts(Document(parts=[Text(LONG)])) > 400
    assert of_parts(Document(url="https://example.org/a.pdf")) > tokens.PER_UNSEEN_DOCUMENT
    assert of_parts(Document(file_id="f1")) > tokens.PER_UNSEEN_DOCUMENT
    assert of_parts(Document()) == tokens.PER_MESSAGE


def test_sound_counts_by_its_length():
    assert 5 < of_parts(Audio("A" * 44_000, "wav")) < 60


def test_reasoning_and_refusals_count():
    assert of_parts(Reasoning(LONG)) > 400
    assert of_parts(Refusal(LONG)) > 400


def test_a_part_that_nobody_knows_counts_as_its_json():
    assert of_parts(Unknown("odd", {"said": LONG})) > 400
    assert of_parts(Unknown("odd")) == tokens.PER_MESSAGE


def test_a_schema_for_the_answer_counts():
    schema = {"type": "object", "description": LONG}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    assert of_responses(text=wanted) - of_responses() > 400


def test_a_number_that_json_cannot_carry_is_no_error():
    assert estimate(Request(tools=[Tool("f", schema={"maximum": 2**80})])) > tokens.PER_TOOL


def test_the_ratio_is_multiplied():
    assert of_messages(system=LONG) * 2 == pytest.approx(estimate(Request(system=[Text(LONG)]), 2), rel=0.05)


def test_a_model_that_nobody_knows_has_the_ratio_one():
    assert Calibration().ratio("m") == 1


def test_the_ratio_follows_what_is_reported():
    calibration = Calibration()
    for _ in range(40):
        calibration.learn("m", estimated=1000, reported=1500)
    assert calibration.ratio("m") == pytest.approx(1.5, abs=0.01)
    for _ in range(200):
        calibration.learn("m", estimated=1000, reported=800)
    assert calibration.ratio("m") == pytest.approx(0.8, abs=0.01)


def test_calibrated_estimates_do_not_drift():
    calibration = Calibration()
    for _ in range(200):
        ratio = calibration.ratio("m")
        calibration.learn("m", estimated=round(1000 * ratio), reported=1500, ratio=ratio)
    assert calibration.ratio("m") == pytest.approx(1.5, abs=0.01)


def test_one_short_request_says_little():
    calibration = Calibration()
    calibration.learn("m", estimated=5, reported=40)
    assert calibration.ratio("m") < 1.2


def test_a_long_request_says_much():
    calibration = Calibration()
    calibration.learn("m", estimated=20_000, reported=26_000)
    assert calibration.ratio("m") == pytest.approx(1.3, abs=0.02)


def test_names_compare_without_case_and_models_do_not_mix():
    calibration = Calibration()
    calibration.learn("GLM-4.7", estimated=10_000, reported=20_000)
    assert calibration.ratio("glm-4.7") > 1.5
    assert calibration.ratio("other") == 1


@pytest.mark.parametrize(
    ("estimated", "reported"), [(1000, None), (1000, 0), (0, 50), (1000, 50), (1000, 20_000), (-5, 50)]
)
def test_what_cannot_be_the_count_of_this_prompt_is_ignored(estimated, reported):
    calibration = Calibration()
    calibration.learn("m", estimated=estimated, reported=reported)
    assert calibration.dump() == {}


@given(
    st.lists(st.tuples(st.sampled_from(["a", "B", "ü"]), st.integers(1, 200_000), st.integers(0, 400_000)), max_size=30)
)
def test_a_restart_through_json_changes_nothing(seen):
    calibration = Calibration()
    for model, estimated, reported in seen:
        calibration.learn(model, estimated=estimated, reported=reported)
    again = Calibration.load(json.loads(json.dumps(calibration.dump())))
    assert again.dump() == calibration.dump()
    assert all(again.ratio(model) == calibration.ratio(model) for model in ("a", "B", "ü"))
    assert all(0.1 <= calibration.ratio(model) <= 10 for model in ("a", "B", "ü"))


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "x",
        {"m": None},
        {"m": [1]},
        {"m": [1, "x"]},
        {"m": [0, 1]},
        {"m": [1, -1]},
        {"m": [float("nan"), 1]},
        {"m": [float("inf"), 1]},
        {"m": [1, 100]},
    ],
)
def test_stored_nonsense_is_forgotten(stored):
    assert Calibration.load(stored).dump() == {}


def test_stored_nonsense_does_not_cost_the_rest():
    assert Calibration.load({"m": [100, 150], "n": "?"}).ratio("M") == 1.5


def test_the_models_it_remembers_are_limited_and_the_oldest_goes():
    calibration = Calibration()
    for number in range(1000):
        calibration.learn(f"m{number}", estimated=10_000, reported=20_000)
    calibration.learn("m0", estimated=10_000, reported=20_000)
    calibration.learn("new", estimated=10_000, reported=20_000)
    assert len(calibration.dump()) == 1000
    assert calibration.ratio("m1") == 1
    assert calibration.ratio("m0") > 1.5
