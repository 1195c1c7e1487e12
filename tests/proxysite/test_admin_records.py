import pytest
from django.urls import reverse

from proxysite import live
from routing.models import RequestRecord
from routing.record_admin import COUNTED_AT_MOST, CheapPaginator, change_row, pretty, seconds, timeline
from tests.proxysite.records import make_record
from tests.rows import make_upstream

pytestmark = pytest.mark.django_db

LIST = reverse("admin:routing_requestrecord_changelist")


def page_of(record):
    return reverse("admin:routing_requestrecord_change", args=[record.pk])


def listed(client, **query):
    return {record.request_id for record in client.get(LIST, query).context["cl"].result_list}


def test_a_record_can_neither_be_added_nor_changed(admin_client):
    assert admin_client.get(reverse("admin:routing_requestrecord_add")).status_code == 403
    record = make_record()
    assert admin_client.post(page_of(record), {"model_asked": "other"}).status_code == 403


def test_chosen_records_can_be_deleted(admin_client):
    chosen, kept = make_record(), make_record()
    data = {"action": "delete_selected", "_selected_action": [chosen.pk], "post": "yes"}
    admin_client.post(LIST, data)
    assert list(RequestRecord.objects.all()) == [kept]


def test_the_list_filters(admin_client):
    make_upstream(name="zai")
    make_record(request_id="fine")
    make_record(request_id="failed", outcome="upstream_error", status=502)
    make_record(request_id="left", outcome="client_gone")
    make_record(request_id="zai", upstream="zai", client_dialect="messages")
    make_record(request_id="old", ago_minutes=90, model_asked="qwen")
    assert listed(admin_client, outcome="failed") == {"failed"}
    assert listed(admin_client, outcome="client_gone") == {"left"}
    assert listed(admin_client, upstream="zai") == {"zai"}
    assert listed(admin_client, dialect="messages") == {"zai"}
    assert listed(admin_client, model="qwen") == {"old"}
    assert listed(admin_client, since="1h") == {"fine", "failed", "left", "zai"}


MENDED = [
    {"kind": "call", "family": "kimi", "before": "<|tool_call_begin|>functions.read:0…", "after": "read({})"},
    {
        "kind": "history",
        "family": "write",
        "before": '{"n": "1"}',
        "after": '{"n": 1}',
        "done": "n: text read as integer",
    },
]


def test_the_list_filters_by_what_was_mended(admin_client):
    make_record(request_id="mended", repairs=MENDED)
    make_record(request_id="plain")
    assert listed(admin_client, repairs="some") == {"mended"}
    assert listed(admin_client, repairs="none") == {"plain"}
    assert listed(admin_client) == {"mended", "plain"}


def test_the_list_counts_what_was_mended(admin_client):
    make_record(repairs=MENDED)
    assert '<span class="sp-chip sp-note">2</span>' in admin_client.get(LIST).content.decode()


def test_the_list_tells_which_requests_needed_more_than_one_attempt(admin_client):
    make_record(attempts=1)
    assert "attempts</span>" not in admin_client.get(LIST).content.decode()
    make_record(attempts=3)
    assert "3 attempts</span>" in admin_client.get(LIST).content.decode()


def test_a_record_shows_what_was_mended_with_before_and_after(admin_client):
    page = admin_client.get(page_of(make_record(repairs=MENDED))).content.decode()
    table = page.partition('id="repairs"')[2].partition("</table>")[0]
    assert "&lt;|tool_call_begin|&gt;functions.read:0…" in table
    assert "read({})" in table
    assert "n: text read as integer" in table
    assert 'id="repairs"' not in admin_client.get(page_of(make_record())).content.decode()


def test_the_list_is_searched_by_the_beginning_of_an_id_and_by_model(admin_client):
    make_record(request_id="req_abc")
    make_record(request_id="req_def", model_asked="Qwen3-Coder")
    assert listed(admin_client, q="req_a") == {"req_abc"}
    assert listed(admin_client, q="coder") == {"req_def"}


def test_the_list_neither_reads_bodies_nor_counts_the_table(admin_client, django_assert_max_num_queries):
    make_record(request_body="x" * 1000)
    live.reload()  # which the sidebar asks for, and which is there in a proxy that serves
    with django_assert_max_num_queries(14) as queries:
        admin_client.get(LIST)
    about_records = [query["sql"] for query in queries if "routing_requestrecord" in query["sql"]]
    assert about_records
    assert not [sql for sql in about_records if "request_body" in sql or "COUNT(" in sql]


def test_an_unfiltered_table_is_measured_by_its_keys():
    for _ in range(3):
        make_record()
    assert CheapPaginator(RequestRecord.objects.all(), 2).count == 3
    RequestRecord.objects.all().delete()
    assert CheapPaginator(RequestRecord.objects.all(), 2).count == 0


def test_a_filtered_table_is_counted_up_to_a_limit(django_assert_num_queries):
    make_record(status=502)
    make_record()
    with django_assert_num_queries(1) as queries:
        assert CheapPaginator(RequestRecord.objects.filter(status=502), 2).count == 1
    assert f"LIMIT {COUNTED_AT_MOST}" in queries[0]["sql"]


def test_the_detail_page_escapes_what_clients_and_upstreams_sent(admin_client):
    planted = "<script>alert(1)</script>"
    record = make_record(
        request_body=planted,
        answer_body='{"content": "<script>alert(1)</script>"}',
        model_asked=planted,
        error=planted,
        client=planted,
        warnings=[planted],
        changes=[{"name": planted, "to": planted, "origin": planted}],
    )
    for url in (page_of(record), LIST, reverse("admin:index"), reverse("explain") + f"?record={record.pk}"):
        assert planted not in admin_client.get(url).content.decode()


def test_the_detail_page_shows_what_happened(admin_client):
    record = make_record(
        changes=[{"name": "top_p", "to": 0.95, "origin": "model: glm thinking"}],
        warnings=["min_p is left out"],
        error="The upstream broke off.",
        outcome="cut",
        request_body='{"model":"glm-4.6"}',
    )
    text = admin_client.get(page_of(record)).content.decode()
    for shown in ("model: glm thinking", "min_p is left out", "The upstream broke off.", "cut off", "not set"):
        assert shown in text
    assert "{\n  &quot;model&quot;: &quot;glm-4.6&quot;\n}" in text


def test_a_record_of_an_older_shape_still_opens(admin_client):
    record = make_record(changes=["temperature: 1 → 0.6"], warnings=[])
    assert "temperature: 1 → 0.6" in admin_client.get(page_of(record)).content.decode()


def test_the_timeline_has_the_moments_that_there_were():
    steps = timeline(make_record(took=2.0))
    assert [(step["name"], step["after"], step["percent"]) for step in steps] == [
        ("received", "0 ms", 0),
        ("done", "2.00 s", 100),
    ]


def test_a_change_reads_as_json():
    assert change_row({"name": "stop", "from": None, "to": ["x"], "origin": "enforced: p"}) == {
        "name": "stop",
        "before": "null",
        "after": '["x"]',
        "origin": "enforced: p",
    }


@pytest.mark.parametrize("body", ["data: {}\n\n", '{"a": ' * 20_000, "9" * 5000], ids=["stream", "deep", "long number"])
def test_a_body_that_is_no_json_that_can_be_read_stays_as_it_is(body):
    assert pretty(body) == body


@pytest.mark.parametrize(("duration", "text"), [(0.0014, "1 ms"), (1.5, "1.50 s"), (75.2, "1 min 15 s")])
def test_durations_read_well(duration, text):
    assert seconds(duration) == text
