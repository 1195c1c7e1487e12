import pytest
from django.urls import reverse

from tests.proxysite.admin_forms import filled, filled_list
from tests.rows import make_policy, make_validator
from validation.models import ValidationPolicy, Validator

pytestmark = pytest.mark.django_db

LIST = reverse("admin:validation_validationpolicy_changelist")
ADD = reverse("admin:validation_validationpolicy_add")


def page_of(row):
    return reverse(f"admin:validation_{row._meta.model_name}_change", args=[row.pk])


def test_a_new_policy_needs_nothing_but_save(admin_client):
    answer = admin_client.post(ADD, filled(admin_client.get(ADD)))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row = ValidationPolicy.objects.get()
    assert (row.model_pattern, row.detectors, row.ladder) == (
        "*",
        [],
        ["penalty", "temperature", "seed", "next_target"],
    )


def test_a_detector_that_is_unticked_no_longer_looks(admin_client):
    row = make_policy()
    page = admin_client.get(page_of(row))
    ticked = page.context["adminform"].form["detectors"].value()
    admin_client.post(page_of(row), filled(page, detectors=[name for name in ticked if name != "nonsense"]))
    row.refresh_from_db()
    assert "nonsense" not in row.detectors
    assert len(row.detectors) == len(ticked) - 1


def test_no_detector_at_all_is_said_with_the_switch(admin_client):
    row = make_policy()
    page = filled(admin_client.get(page_of(row)), detectors=[])
    assert "Tick at least one" in admin_client.post(page_of(row), page).content.decode()
    del page["builtin"]
    assert admin_client.post(page_of(row), page).status_code == 302


def test_a_second_policy_for_a_pattern_is_refused(admin_client):
    make_policy("GLM-*")
    answer = admin_client.post(ADD, filled(admin_client.get(ADD), model_pattern="glm-*"))
    assert "There is a policy for this pattern already" in answer.content.decode()


def test_retries_and_threshold_are_tweaked_in_the_list(admin_client):
    row = make_policy(validator=make_validator())
    page = filled_list(admin_client.get(LIST), **{"form-0-max_retries": 4, "form-0-confidence_threshold": 0.5})
    admin_client.post(LIST, page)
    row.refresh_from_db()
    assert (row.max_retries, row.confidence_threshold) == (4, 0.5)


def test_a_validators_key_is_never_shown_and_stays_when_nothing_is_entered(admin_client):
    row = make_validator(api_key="planted-key-7f3a")
    page = admin_client.get(page_of(row))
    assert "planted-key" not in page.content.decode()
    admin_client.post(page_of(row), filled(page, model="other"))
    saved = Validator.objects.get()
    assert (saved.model, saved.api_key.reveal()) == ("other", "planted-key-7f3a")


def test_a_validator_must_speak_something(admin_client):
    row = make_validator()
    page = filled(admin_client.get(page_of(row)))
    del page["supports_openai"]
    assert "at least one dialect" in admin_client.post(page_of(row), page).content.decode()


@pytest.mark.parametrize(
    ("written", "ladder"),
    [
        ("seed, penalty", ["seed", "penalty"]),
        ("Seed → next target", ["seed", "next_target"]),
        ("no_thinking", ["no_thinking"]),
        ("", []),
    ],
)
def test_a_ladder_is_written_in_words(admin_client, written, ladder):
    row = make_policy()
    page = admin_client.get(page_of(row))
    assert page.context["adminform"].form["ladder"].value() == "penalty, temperature, seed, next_target"
    assert admin_client.post(page_of(row), filled(page, ladder=written)).status_code == 302
    row.refresh_from_db()
    assert row.ladder == ladder


def test_a_rung_that_there_is_not_is_refused(admin_client):
    row = make_policy()
    answer = admin_client.post(page_of(row), filled(admin_client.get(page_of(row)), ladder="seed, moonlight"))
    assert "Enter a list of what each retry changes" in answer.content.decode()
    assert "seed, moonlight" in answer.content.decode()


def test_the_prompt_that_comes_with_the_proxy_is_shown_where_there_is_no_other(admin_client):
    assert (
        "You check text that another language model wrote."
        in admin_client.get(page_of(make_validator())).content.decode()
    )
