import json
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.urls import reverse

from tests.proxysite.failures import GOOD, LOOP, make_failure
from tests.proxysite.records import make_record
from tests.rows import make_policy
from validation.failures import Channel, ToolCall, admin_path
from validation.models import ValidationFailure

pytestmark = pytest.mark.django_db

LIST = reverse("admin:validation_validationfailure_changelist")
LONG_LOOP = {"text": GOOD + LOOP * 40, "offset": len(GOOD + LOOP * 10)}


def page_of(row):
    return reverse("admin:validation_validationfailure_change", args=[row.pk])


def listed(client, **query):
    return {row.request_id for row in client.get(LIST, query).context["cl"].result_list}


def act(client, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, data)


def shown(answer):
    return answer.content.decode()


def test_a_failure_can_neither_be_added_nor_changed(admin_client):
    assert admin_client.get(reverse("admin:validation_validationfailure_add")).status_code == 403
    assert admin_client.post(page_of(make_failure()), {"model": "other"}).status_code == 403


def test_the_list_filters_and_searches(admin_client):
    make_failure(request_id="loop")
    make_failure(request_id="salad", detector="nonsense", model="qwen", upstream="rack", excerpt="blorb")
    make_failure(request_id="wrong", label="false_alarm", outcome="error")
    assert listed(admin_client, detector="nonsense") == {"salad"}
    assert listed(admin_client, model="qwen") == {"salad"}
    assert listed(admin_client, upstream="rack") == {"salad"}
    assert listed(admin_client, outcome="error") == {"wrong"}
    assert listed(admin_client, label="false_alarm") == {"wrong"}
    assert listed(admin_client, label="none") == {"loop", "salad"}
    assert listed(admin_client, q="blorb") == {"salad"}
    assert listed(admin_client, q="sal") == {"salad"}


def test_the_list_reads_no_answers(admin_client, django_assert_max_num_queries):
    make_failure()
    with django_assert_max_num_queries(20) as queries:
        admin_client.get(LIST)
    about = [query["sql"] for query in queries if "validation_validationfailure" in query["sql"]]
    assert about
    assert not [sql for sql in about if '"request_body"' in sql or '."text"' in sql]


def test_the_link_that_a_client_gets_leads_to_its_failures(admin_client):
    make_failure(request_id="req_a")
    make_failure(request_id="req_b")
    page = admin_client.get(admin_path("req_a"))
    assert [row.request_id for row in page.context["cl"].result_list] == ["req_a"]


def test_the_page_marks_the_loop_and_shows_all_attempts(admin_client):
    first = make_failure(request_id="req_x", parameters={"temperature": 0.6})
    second = make_failure(request_id="req_x", attempt=2, parameters={"temperature": 0.9}, outcome="error")
    make_failure(request_id="req_y")
    text = shown(admin_client.get(page_of(first)))
    assert f'<mark class="sp-first">{LOOP}</mark><mark class="sp-repeat">{LOOP}</mark>' in text
    assert page_of(second) in text
    assert text.count("sp-marked") == 2
    assert "<b>0.9</b>" in text


def test_a_loop_in_tool_arguments_is_marked_there(admin_client):
    calls = [ToolCall(name="write", arguments=GOOD + LOOP * 4)]
    row = make_failure(channel=Channel.ARGUMENTS, tool_calls=calls, text="Let me write that.")
    text = shown(admin_client.get(page_of(row)))
    assert f'<mark class="sp-first">{LOOP}</mark>' in text
    assert "Let me write that." in text


def test_the_page_escapes_what_models_and_clients_sent(admin_client):
    planted = "<script>alert(1)</script>"
    row = make_failure(
        text=planted * 3, excerpt=planted, model=planted, explanation=planted, next_step=planted,
        parameters={planted: planted}, request_body=planted.encode(), reasoning=planted, onset=5, offset=50,
        tool_calls=[ToolCall(name=planted, arguments=planted)],
    )  # fmt: skip
    assert planted not in shown(admin_client.get(page_of(row)))
    assert planted not in shown(admin_client.get(LIST))


def test_a_label_says_who_gave_it_and_can_be_taken_back(admin_client):
    row = make_failure()
    url = reverse("admin:failure_label", args=[row.pk])
    assert admin_client.post(url, {"set_label": "right"}).url == page_of(row)
    row.refresh_from_db()
    assert (row.label, row.labelled_by) == ("right", "admin")
    assert row.labelled_at is not None
    admin_client.post(url, {"set_label": ""})
    row.refresh_from_db()
    assert (row.label, row.labelled_by, row.labelled_at) == ("", "", None)
    assert admin_client.post(url, {"set_label": "maybe"}).status_code == 404
    assert admin_client.get(url).status_code == 405


def test_who_may_only_look_labels_nothing(client):
    row = make_failure()
    user = User.objects.create_user("guest", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_validationfailure"))
    client.force_login(user)
    assert "Was this right?" not in shown(client.get(page_of(row)))
    assert client.post(reverse("admin:failure_label", args=[row.pk]), {"set_label": "right"}).status_code == 403
    assert client.post(reverse("admin:rejudge", args=[row.pk])).status_code == 403
    for action in ("judge_again", "label_right", "label_false_alarm", "export"):
        assert "attachment" not in act(client, action, row).headers.get("content-disposition", "")
    assert "Judge again" not in shown(client.get(LIST))
    row.refresh_from_db()
    assert (row.label, row.rejudged_at) == ("", None)


def test_many_are_labelled_at_once(admin_client):
    rows = [make_failure(), make_failure()]
    act(admin_client, "label_false_alarm", *rows)
    assert set(ValidationFailure.objects.values_list("label", flat=True)) == {"false_alarm"}


def test_parameters_are_shown_as_the_request_had_them(admin_client):
    failure = make_failure(parameters={"stream": False, "stop": ["\n"], "reasoning": {"effort": "low"}})
    page = unescape(admin_client.get(page_of(failure)).content.decode())
    for shown in ("stream <b>false</b>", r'stop <b>["\n"]</b>', 'reasoning <b>{"effort": "low"}</b>'):
        assert shown in page


@pytest.mark.parametrize(("released", "told"), [(0, "nothing of it"), (1, "1 character"), (240, "240 characters")])
def test_it_tells_how_much_the_client_had_seen(admin_client, released, told):
    page = admin_client.get(page_of(make_failure(released=released))).content.decode()
    assert f"the client had seen {told}</dd>" in page


def test_many_are_judged_again_with_todays_settings(admin_client):
    make_policy("glm-*")
    loop, fine = make_failure(**LONG_LOOP), make_failure(text=GOOD)
    nothing = make_failure(text="")
    act(admin_client, "judge_again", loop, fine, nothing)
    for row in (loop, fine, nothing):
        row.refresh_from_db()
    assert (loop.rejudged_detector, loop.rejudged_issue) == ("repetition", "repetition")
    assert (fine.rejudged_detector, fine.rejudged_offset) == ("", None)
    assert nothing.rejudged_at is None
    assert "not flagged any more" in shown(admin_client.get(page_of(fine)))
    assert "still flagged, by repetition" in shown(admin_client.get(page_of(loop)))


def test_an_empty_answer_is_still_empty():
    make_policy("glm-*")
    row = make_failure(detector="empty", text="", excerpt="", finish_reason="stop")
    call_command("rejudge")
    row.refresh_from_db()
    assert row.rejudged_detector == "empty"


TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object", "required": ["path"]}}}]
ASKED = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Read."}], "tools": TOOLS}).encode()


@pytest.mark.parametrize(
    ("fields", "flagged"),
    [
        ({"text": "Look:\n```python\nprint(1)", "finish_reason": "stop", "request_body": ASKED}, ""),
        (
            {"tool_calls": [ToolCall(name="read", arguments='{"path": ')], "finish_reason": "tool_calls"},
            "tool_arguments",
        ),
        ({"tool_calls": [ToolCall(name="read", arguments='{"path": ')]}, ""),
        ({"tool_calls": [ToolCall(name="read", arguments="{}")], "finish_reason": "tool_calls"}, ""),
        (
            {
                "tool_calls": [ToolCall(name="read", arguments="{}")],
                "finish_reason": "tool_calls",
                "request_body": ASKED,
            },
            "tool_arguments",
        ),
        ({"tool_calls": [ToolCall(name="read", arguments='{"path": "a"}')] * 5}, "repeated_calls"),
        ({"finish_reason": "odd", "request_body": b"not JSON"}, ""),
        ({"finish_reason": "stop", "client_dialect": "none", "request_body": b"[]"}, ""),
    ],
)
def test_what_only_the_end_of_an_answer_tells_is_judged_again(fields, flagged):
    make_policy("glm-*", confidence_threshold=0.9)
    row = make_failure(**{"text": GOOD, **fields})
    call_command("rejudge")
    row.refresh_from_db()
    assert row.rejudged_detector == flagged


def test_of_a_text_that_was_not_kept_whole_the_rest_is_judged():
    make_policy("glm-*")
    row = make_failure(left_out=100, **LONG_LOOP)
    call_command("rejudge")
    row.refresh_from_db()
    assert row.rejudged_detector == "repetition"
    assert row.rejudged_offset > 100


@pytest.mark.parametrize(
    ("dialect", "body", "flagged"),
    [
        ("completions", b'{"prompt": "Once upon a time"}', "repetition"),
        ("completions", b'{"prompt": "def f():", "suffix": "f()"}', ""),
        ("generate", b'{"text": "<|fim_prefix|>def f()<|fim_middle|>"}', ""),
        ("generate", b"cut off in the mid", "repetition"),
        ("", b"[]", "repetition"),
    ],
)
def test_what_went_on_from_a_prompt_is_judged_as_it_was_then(dialect, body, flagged):
    make_policy("glm-*")
    row = make_failure(client_dialect=dialect, request_body=body, finish_reason="stop", text=GOOD + LOOP * 12)
    call_command("rejudge")
    row.refresh_from_db()
    assert row.rejudged_detector == flagged


def test_what_todays_threshold_is_not_sure_enough_of_is_not_flagged():
    make_policy("glm-*", confidence_threshold=1.0)
    row = make_failure(**LONG_LOOP)
    call_command("rejudge")
    row.refresh_from_db()
    assert row.rejudged_detector == ""


def test_one_is_judged_again_from_its_page(admin_client):
    make_policy("glm-*", detectors=["encoding"])
    row = make_failure(**LONG_LOOP)
    assert admin_client.post(reverse("admin:rejudge", args=[row.pk])).url == page_of(row)
    row.refresh_from_db()
    assert row.rejudged_at is not None
    assert row.rejudged_detector == ""


def test_the_command_judges_those_it_is_told(capsys):
    make_policy("glm-*")
    make_failure(request_id="a", label="right", **LONG_LOOP)
    make_failure(request_id="b", text=GOOD)
    call_command("rejudge")
    call_command("rejudge", label="right")
    call_command("rejudge", request="b")
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "1 are flagged today, 1 are not.",
        "1 are flagged today, 0 are not.",
        "0 are flagged today, 1 are not.",
    ]


def test_a_model_that_no_policy_names_any_more_is_not_flagged():
    row = make_failure(**LONG_LOOP)
    call_command("rejudge")
    row.refresh_from_db()
    assert (row.rejudged_detector, row.rejudged_at is None) == ("", False)


@pytest.mark.parametrize("channel", [Channel.REASONING, Channel.ARGUMENTS])
def test_the_channel_that_went_wrong_is_judged_again(channel):
    make_policy()
    long_loop = GOOD + LOOP * 200
    calls = [ToolCall(name="write", arguments=long_loop)]
    row = make_failure(channel=channel, text=GOOD, reasoning=long_loop, tool_calls=calls)
    call_command("rejudge")
    row.refresh_from_db()
    assert row.rejudged_detector == "repetition"


def test_failures_are_exported_as_json_lines(admin_client, tmp_path, capsys):
    first, second = make_failure(), make_failure(label="right")
    answer = act(admin_client, "export", second, first)
    rows = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert [(row["text"], row["label"]) for row in rows] == [(first.text, ""), (second.text, "right")]
    assert answer["content-disposition"] == 'attachment; filename="failures.jsonl"'
    call_command("export_failures", str(tmp_path / "all.jsonl"))
    assert [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()] == rows
    call_command("export_failures", label="right")
    assert json.loads(capsys.readouterr().out) == rows[1]


def test_an_export_that_cannot_be_written_says_why(tmp_path):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_failures", str(tmp_path))


def test_the_command_prunes(settings, capsys):
    settings.ENV = {"RECORDS_KEEP": 1, "RECORDS_KEEP_DAYS": 0, "FAILURES_KEEP": 1, "FAILURES_KEEP_DAYS": 0}
    for _ in range(3):
        make_record()
    make_failure()
    make_failure()
    call_command("prune_records")
    assert capsys.readouterr().out == "Deleted 2 records and 1 failures.\n"


def test_a_requests_record_leads_to_its_bad_answers_and_back(admin_client):
    record, other = make_record(request_id="req_a"), make_record(request_id="req_b")
    failure = make_failure(request_id="req_a")
    page = reverse("admin:routing_requestrecord_change", args=[record.pk])
    assert admin_path("req_a") in shown(admin_client.get(page))
    assert reverse("admin:routing_requestrecord_changelist") + "?q=req_a" in shown(admin_client.get(page_of(failure)))
    page = reverse("admin:routing_requestrecord_change", args=[other.pk])
    assert "Bad answers" not in shown(admin_client.get(page))
