import pytest
from django.urls import reverse

from proxysite import live
from routing.models import ParallelLimit, ThrottleRule
from tests.proxysite.records import make_record
from tests.rows import make_binding, make_policy, make_rule, make_upstream, make_validator

pytestmark = pytest.mark.django_db

EXPLAIN = reverse("explain")


def explained(client, **data):
    return client.post(EXPLAIN, {"dialect": "chat", "model": "glm-4.6", "body": "", **data})


def rows(page):
    return {row.name: (row.final, row.origin) for row in page.context["rows"]}


@pytest.fixture
def upstream():
    row = make_upstream(supports_anthropic=True, supports_generate=True)
    make_binding("*", row)
    return row


def test_it_shows_route_and_url(admin_client, upstream):
    page = explained(admin_client)
    assert page.context["plan"].url == "http://127.0.0.1:8080/v1/chat/completions"
    assert page.context["binding"].pattern == "*"


def test_it_tells_the_origin_of_each_parameter(admin_client, upstream):
    make_rule({"temperature": 0.1, "top_p": 0.9, "top_k": 40, "seed": 1}, preset="low", layer="default")
    make_rule({"top_p": 0.8, "top_k": 20}, preset="middle", layer="model")
    make_rule({"top_k": 10}, preset="high", layer="enforced")
    page = explained(admin_client, body='{"messages": [], "seed": 7}')
    assert rows(page) == {
        "temperature": ("0.1", "default: low"),
        "top_p": ("0.8", "model: middle"),
        "top_k": ("10", "enforced: high"),
        "seed": ("7", "request"),
    }


def test_a_layer_that_loses_is_shown_too(admin_client, upstream):
    make_rule({"temperature": 0.1}, preset="low", layer="default")
    row = explained(admin_client, body='{"messages": [], "temperature": 1}').context["rows"][0]
    assert (row.default, row.request, row.final) == ("0.1 (low)", "1", "1")


def test_a_parameter_under_another_name_is_one_row(admin_client, upstream):
    make_rule({"max_tokens": 100}, preset="short", layer="enforced")
    page = explained(admin_client, body='{"messages": [], "max_completion_tokens": 500}')
    assert rows(page) == {"max_tokens": ("100", "enforced: short")}


def test_parameters_of_generate_are_found_where_they_live(admin_client, upstream):
    make_rule({"temperature": 0.1}, preset="low", layer="default")
    page = explained(admin_client, dialect="generate", body='{"text": "x", "sampling_params": {"top_p": 1}}')
    assert rows(page) == {"temperature": ("0.1", "default: low"), "top_p": ("1", "request")}


def test_what_the_upstream_drops_is_shown(admin_client, upstream):
    upstream.drop_params = ["logprobs"]
    upstream.save()
    page = explained(admin_client, body='{"messages": [], "logprobs": true}')
    assert [(change["name"], change["after"]) for change in page.context["changes"]] == [("logprobs", "not set")]
    assert rows(page)["logprobs"][0] == "not set"


def test_what_is_left_out_is_said(admin_client):
    make_binding("*", make_upstream(kind="openai"))
    make_rule({"min_p": 0.1}, preset="low", layer="default")
    page = explained(admin_client)
    assert "min_p (default, preset low) is left out" in page.content.decode()
    assert rows(page) == {"min_p": ("not set", "not sent")}


@pytest.mark.parametrize("dialect", ["chat", "messages", "generate"])
def test_an_empty_body_is_filled_with_a_smallest_one(admin_client, upstream, dialect):
    assert explained(admin_client, dialect=dialect).context["plan"].model_sent == "glm-4.6"


def test_a_refusal_is_explained_as_well(admin_client):
    assert "No binding matches the model" in explained(admin_client).content.decode()


def test_a_binding_that_leads_nowhere_is_a_refusal(admin_client, upstream):
    upstream.enabled = False
    upstream.save()
    assert "“local” is switched off" in explained(admin_client).content.decode()


def test_a_dialect_the_upstream_does_not_speak_is_a_refusal(admin_client, upstream):
    upstream.supports_generate = False
    upstream.save()
    assert "does not speak generate" in explained(admin_client, dialect="generate").content.decode()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{", "This is not JSON: line 1, column 2"),
        ("[]", "A request body is a JSON object."),
        ("[" * 3000, "This is nested too deeply."),
        (f'{{"seed": {"9" * 5000}}}', "A number in it has too many digits."),
    ],
)
def test_a_mistake_in_the_body_is_named(admin_client, body, sentence):
    assert sentence in explained(admin_client, body=body).content.decode()


def test_a_stored_record_is_explained(admin_client, upstream):
    record = make_record(request_body='{"model": "glm-4.6", "messages": [], "temperature": 1}')
    page = admin_client.get(EXPLAIN, {"record": record.pk})
    assert rows(page) == {"temperature": ("1", "request")}


def test_a_record_without_a_body_is_explained_by_its_model(admin_client, upstream):
    page = admin_client.get(EXPLAIN, {"record": make_record(client_dialect="messages").pk})
    assert page.context["plan"].model_asked == "glm-4.6"
    assert page.context["plan"].url.endswith("/v1/messages")


@pytest.mark.parametrize("pk", ["999", "nonsense"])
def test_a_record_that_is_gone_is_not_found(admin_client, pk):
    assert admin_client.get(EXPLAIN, {"record": pk}).status_code == 404


def test_it_takes_permission(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    assert client.get(EXPLAIN).status_code == 403


def test_it_takes_a_login(client):
    assert client.get(EXPLAIN).status_code == 302


def test_it_shows_the_limits_and_pauses_that_a_request_would_meet(admin_client, upstream):
    assert "no limit" in explained(admin_client).content.decode()
    ParallelLimit.objects.create(model_pattern="GLM-*", limit=2, queue_size=5, queue_timeout_seconds=30)
    ParallelLimit.objects.create(model_pattern="other", limit=7)
    ParallelLimit.objects.create(scope="global", limit=9)
    ThrottleRule.objects.create(end_pause_seconds=4)
    live.reload()
    page = explained(admin_client)
    assert [limit.limit for limit in page.context["limits"]] == [2, 9]
    text = page.content.decode()
    assert "(2 at once, queue of 5, at most 30.0 s)" in text
    assert "4.0 s after each answer" in text


def test_it_says_who_would_judge_the_answer_and_what_follows(admin_client, upstream):
    make_policy("glm-*", validator=make_validator(), max_retries=2, ladder=["seed", "next_target"], delivery="buffer")
    live.reload()
    page = explained(admin_client)
    judging = page.context["judging"]
    assert (judging.pattern, judging.detectors, judging.validator) == ("glm-*", "built-in detectors", "judge")
    assert judging.asked == "every 300 words and at the end"
    text = " ".join(page.content.decode().split())
    assert 'tried again up to 2 times: seed → next target; <span class="sp-quiet">then</span> an error' in text
    assert "nothing goes on before the answer is judged whole" in text


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"detectors": ["repetition"]}, "detectors", "1 detector"),
        ({"validate_on": "suspicion"}, "asked", "every 300 words and at the end where the detectors are in doubt"),
        ({"mid_stream_validation_enabled": False}, "asked", "at the end"),
        ({"builtin": False}, "detectors", ""),
        ({"max_retries": 0}, "retries", "not tried again"),
        ({"ladder": []}, "retries", "tried again once: same"),
        ({"on_exhausted": "message"}, "exhausted", "a message that explains it"),
    ],
)
def test_it_says_so_in_words(admin_client, upstream, fields, name, said):
    make_policy("*", validator=make_validator(), **fields)
    live.reload()
    assert getattr(explained(admin_client).context["judging"], name) == said


def test_a_model_that_no_policy_names_is_judged_by_nobody(admin_client, upstream):
    make_policy("qwen*")
    live.reload()
    page = explained(admin_client)
    assert page.context["judging"] is None
    assert "nobody: no policy names the model" in page.content.decode()
