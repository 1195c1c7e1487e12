import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from proxysite import live
from routing.kinds import Kind
from routing.models import Upstream
from tests.rows import make_upstream

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    """A model server that answers `server.body` with `server.status` and remembers the headers it was asked with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            httpd.asked.append((self.path, dict(self.headers)))
            self.send_response(httpd.status)
            self.send_header("content-length", str(len(httpd.body)))
            self.end_headers()
            self.wfile.write(httpd.body)

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.status, httpd.body, httpd.asked = 200, b"", []
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def models(*names, owner="somebody"):
    return json.dumps({"data": [{"id": name, "owned_by": owner} for name in names]}).encode()


def says(client, upstream: Upstream):
    url = reverse("admin:routing_upstream_test_connection", args=[upstream.pk])
    (message,) = client.post(url, follow=True).context["messages"]
    return message.level_tag, str(message)


def test_an_upstream_that_answers_is_shown_with_its_models(admin_client, server):
    server.body = models("glm-4.6", "glm-4.5")
    upstream = make_upstream(base_url=server.url)
    assert says(admin_client, upstream) == ("success", "local answers. It has 2 models: glm-4.6, glm-4.5.")
    assert server.asked[0][0] == "/v1/models"


def test_many_models_are_cut_short(admin_client, server):
    server.body = models(*"abcdefgh")
    assert says(admin_client, make_upstream(base_url=server.url))[1].endswith("a, b, c, d, e and 3 more.")


def test_the_stored_key_is_tried(admin_client, server):
    server.body = models("glm-4.6")
    says(admin_client, make_upstream(base_url=server.url, api_key="planted-key", credential_mode="own"))
    assert {name.lower(): value for name, value in server.asked[0][1].items()}["authorization"] == "Bearer planted-key"


def test_a_refusal_is_told(admin_client, server):
    server.status = 401
    level, sentence = says(admin_client, make_upstream(base_url=server.url))
    assert level == "error"
    assert "it answered 401" in sentence
    assert "sends no key, because the clients send their own" in sentence


def test_an_answer_that_is_no_list_is_told(admin_client, server):
    server.body = b"<html>welcome</html>"
    level, sentence = says(admin_client, make_upstream(base_url=server.url))
    assert level == "error"
    assert "local can be reached, but did not list its models" in sentence


def test_an_upstream_that_is_not_there_is_told(admin_client, server):
    url = server.url
    server.shutdown()
    server.server_close()
    level, sentence = says(admin_client, make_upstream(base_url=url))
    assert level == "error"
    assert "cannot be reached" in sentence


def test_a_key_that_is_missing_is_told(admin_client):
    level, sentence = says(admin_client, make_upstream(api_key="env:NOT_THERE_AT_ALL", credential_mode="own"))
    assert level == "error"
    assert "the environment has no NOT_THERE_AT_ALL" in sentence


def test_the_demo_needs_no_connection(admin_client):
    assert says(admin_client, make_upstream(base_url="demo:"))[0] == "success"


def test_what_a_server_says_of_itself_is_remembered(admin_client, server):
    server.body = models("qwen", owner="llamacpp")
    says(admin_client, make_upstream(base_url=server.url))
    assert live.detected_kind("local") is Kind.LLAMACPP


def test_names_of_models_are_escaped(admin_client, server):
    server.body = models("<script>alert(1)</script>")
    upstream = make_upstream(base_url=server.url)
    url = reverse("admin:routing_upstream_test_connection", args=[upstream.pk])
    assert "<script>alert(1)" not in admin_client.post(url, follow=True).content.decode()


def test_it_takes_the_permission_to_change_upstreams(client, django_user_model, server):
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_upstream"))
    client.force_login(reader)
    upstream = make_upstream(base_url=server.url)
    url = reverse("admin:routing_upstream_test_connection", args=[upstream.pk])
    assert client.post(url).status_code in (302, 403)
    assert server.asked == []


def test_a_link_or_a_reload_does_nothing(admin_client, server):
    url = reverse("admin:routing_upstream_test_connection", args=[make_upstream(base_url=server.url).pk])
    assert admin_client.get(url).status_code == 405
    assert server.asked == []
