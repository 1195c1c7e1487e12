"""“Ask it now” of a validator model."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.urls import reverse

from proxysite.dashboards.asking import GOOD, LOOP
from tests.rows import make_validator
from validation.detectors import TextDetectors

pytestmark = pytest.mark.django_db

VALID = '{"is_valid": true}'
GARBAGE = '{"is_valid": false, "issue_type": "repetition", "confidence": 0.97}'


@pytest.fixture
def judge():
    """A validator model that says `judge.said` of good texts and loops."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            good, loop = httpd.said
            text = loop if LOOP in body["messages"][1]["content"] else good
            answer = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
            self.send_response(httpd.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.status, httpd.said = 200, (VALID, GARBAGE)
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def says(client, row):
    url = reverse("admin:validation_validator_ask_now", args=[row.pk])
    (message,) = client.post(url, follow=True).context["messages"]
    return message.level_tag, str(message)


def test_what_it_is_shown_is_a_good_text_and_a_loop():
    assert TextDetectors().feed(GOOD) is None
    assert TextDetectors().feed(LOOP)


def test_it_says_what_the_model_makes_of_them(admin_client, judge):
    level, text = says(admin_client, make_validator(base_url=judge.url))
    assert level == "success"
    assert text.endswith("A good text is valid to it, a loop is repetition to it (0.97).")


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ((VALID, VALID), "a loop is valid to it. That is not right: other settings or another model may do better."),
        ((GARBAGE, GARBAGE), "A good text is repetition to it (0.97), a loop is repetition to it (0.97). That is not"),
        ((VALID, GARBAGE.replace("repetition", "none")), "a loop is none to it (0.97). That is not right:"),
        ((VALID, "I like it."), "judge answered, but gave no verdict: there is no verdict in it: 'I like it.'"),
    ],
)
def test_a_model_that_judges_badly_is_told(admin_client, judge, said, end):
    judge.said = said
    level, text = says(admin_client, make_validator(base_url=judge.url))
    assert level == "error"
    assert end in text


def test_one_that_cannot_be_asked_is_told(admin_client, judge):
    judge.status = 500
    assert "gave no verdict: it answered 500" in says(admin_client, make_validator(base_url=judge.url))[1]
    nobody = make_validator(name="nobody", base_url="http://127.0.0.1:1")
    assert says(admin_client, nobody)[1].startswith("The validator “nobody” at http://127.0.0.1:1 cannot be reached")
    keyless = make_validator(name="keyless", api_key="env:NOT_THERE_AT_ALL")
    assert "NOT_THERE_AT_ALL" in says(admin_client, keyless)[1]


def test_a_link_asks_nothing(admin_client):
    url = reverse("admin:validation_validator_ask_now", args=[make_validator().pk])
    assert admin_client.get(url).status_code == 405
