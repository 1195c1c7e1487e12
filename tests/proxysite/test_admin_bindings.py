import pytest
from django.urls import reverse

from routing.models import BindingTarget, ModelBinding
from tests.proxysite.admin_forms import filled, filled_list
from tests.rows import make_binding, make_upstream

pytestmark = pytest.mark.django_db

LIST = reverse("admin:routing_modelbinding_changelist")
ADD = reverse("admin:routing_modelbinding_add")


def text_of(client, url=LIST, **query):
    return " ".join(client.get(url, query).content.decode().split())


def trial(client, name):
    return client.get(LIST, {"try": name}).context["trial"]


def test_the_list_sums_up_the_targets(admin_client):
    binding = make_binding("glm-*", make_upstream())
    zai = make_upstream(name="zai")
    BindingTarget.objects.create(binding=binding, upstream=zai, upstream_model="glm-4.6", priority=1)
    shown = text_of(admin_client)
    assert shown.index(">local<") < shown.index(">zai<") < shown.index("(glm-4.6)")


def test_a_binding_without_a_target_leads_nowhere(admin_client):
    make_binding("glm-*")
    assert "nowhere" in text_of(admin_client)


def test_a_name_is_tried_against_the_configuration_in_force(admin_client):
    make_binding("*", make_upstream())
    make_binding("glm-*", make_upstream(name="zai"), position=1)
    found = trial(admin_client, "GLM-4.6")
    assert found.binding.pattern == "glm-*"
    assert [target.upstream.name for target in found.first] == ["zai"]


def test_the_targets_for_later_come_in_the_order_they_are_tried(admin_client):
    binding = make_binding("glm-*", make_upstream())
    for priority, name in ((2, "last"), (1, "second")):
        BindingTarget.objects.create(binding=binding, upstream=make_upstream(name=name), priority=priority)
    found = trial(admin_client, "glm-4.6")
    assert [target.upstream.name for target in found.later] == ["second", "last"]


def test_a_name_that_nothing_matches_is_said_to_be_refused(admin_client):
    make_binding("glm-*", make_upstream())
    assert trial(admin_client, "qwen").binding is None
    assert "no binding" in text_of(admin_client, **{"try": "qwen"})


def test_a_name_whose_binding_leads_nowhere_is_said_to_be_refused(admin_client):
    make_binding("*", make_upstream())
    make_binding("glm-*", make_upstream(name="zai", enabled=False), position=1)
    shown = text_of(admin_client, **{"try": "glm-5"})
    assert "with a 503: it has no usable upstream (“zai” is switched off)" in shown


def test_a_tried_name_is_escaped(admin_client):
    assert "<script>x" not in text_of(admin_client, **{"try": "<script>x</script>"})


def test_trying_a_name_keeps_the_list_as_it_was(admin_client):
    make_binding("glm-*", make_upstream())
    make_binding("qwen-*")
    page = admin_client.get(LIST, {"try": "x", "q": "glm"})
    assert [row.pattern for row in page.context["cl"].result_list] == ["glm-*"]


def test_a_position_changes_in_the_list(admin_client):
    binding = make_binding("glm-*", make_upstream())
    admin_client.post(LIST, filled_list(admin_client.get(LIST), **{"form-0-position": "7"}))
    assert ModelBinding.objects.get(pk=binding.pk).position == 7


def test_a_binding_is_added_with_its_targets(admin_client):
    upstream = make_upstream()
    inline = {"targets-0-upstream": upstream.pk, "targets-0-upstream_model": "glm-4.6"}
    answer = admin_client.post(ADD, filled(admin_client.get(ADD), pattern="GLM-*", **inline))
    assert answer.status_code == 302
    assert str(BindingTarget.objects.get()) == "GLM-* → local (glm-4.6)"


def test_a_binding_needs_a_target(admin_client):
    answer = admin_client.post(ADD, filled(admin_client.get(ADD), pattern="glm-*"))
    assert answer.status_code == 200
    assert not ModelBinding.objects.exists()


def test_the_same_pattern_in_other_letters_is_refused(admin_client):
    upstream = make_upstream()
    make_binding("glm-*", upstream)
    data = filled(admin_client.get(ADD), pattern="GLM-*", **{"targets-0-upstream": upstream.pk})
    assert "There is a binding for this pattern already" in admin_client.post(ADD, data).content.decode()
