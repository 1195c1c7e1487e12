import pytest
from django.urls import reverse

from sampling.models import SamplingPreset
from tests.proxysite.admin_forms import filled, filled_list
from tests.rows import make_rule

pytestmark = pytest.mark.django_db

LIST = reverse("admin:sampling_samplingpreset_changelist")


def make_preset(name="coding", **parameters):
    return SamplingPreset.objects.create(name=name, parameters=parameters)


def page_of(preset):
    return reverse("admin:sampling_samplingpreset_change", args=[preset.pk])


def save_list(client, **changes):
    names = {f"form-0-{name}": value for name, value in changes.items()}
    return client.post(LIST, filled_list(client.get(LIST), **names))


def stored(preset):
    return SamplingPreset.objects.get(pk=preset.pk).parameters


def test_a_temperature_changes_in_the_list(admin_client):
    preset = make_preset(temperature=0.6)
    assert save_list(admin_client, temperature="0.3").status_code == 302
    assert stored(preset) == {"temperature": 0.3}


def test_a_change_in_the_list_touches_no_other_parameter(admin_client):
    others = {"min_p": None, "stop": ["END"], "chat_template_kwargs": {"thinking": True}, "top_p": 1}
    preset = make_preset(temperature=0.6, **others)
    save_list(admin_client, temperature="0.3")
    assert stored(preset) == {"temperature": 0.3, **others}


def test_a_number_in_an_empty_input_adds_the_parameter(admin_client):
    preset = make_preset(seed=7)
    save_list(admin_client, top_k="40")
    assert stored(preset) == {"seed": 7, "top_k": 40}


def test_an_emptied_input_removes_the_parameter(admin_client):
    preset = make_preset(temperature=0.6, seed=7)
    save_list(admin_client, temperature="")
    assert stored(preset) == {"seed": 7}


def test_zero_is_a_value(admin_client):
    preset = make_preset(temperature=0.6)
    save_list(admin_client, temperature="0")
    assert stored(preset) == {"temperature": 0}


@pytest.mark.parametrize(("typed", "kept"), [("1", int), ("1.0", float), ("0.5", float)])
def test_a_number_keeps_the_form_it_was_typed_in(admin_client, typed, kept):
    preset = make_preset()
    save_list(admin_client, temperature=typed)
    assert type(stored(preset)["temperature"]) is kept


def test_a_parameter_that_is_switched_off_shows_as_off_and_stays_so(admin_client):
    preset = make_preset(temperature=None)
    assert 'placeholder="off"' in admin_client.get(LIST).content.decode()
    save_list(admin_client, top_p="0.9")
    assert stored(preset) == {"temperature": None, "top_p": 0.9}


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("temperature", "-1", "It must be at least 0."),
        ("top_p", "1.5", "It must be at most 1."),
        ("top_k", "1.5", "It must be a whole number."),
        ("min_p", "warm", "Enter a number."),
        ("temperature", "nan", "Enter a number."),
    ],
)
def test_a_wrong_number_is_refused_where_it_stands(admin_client, name, typed, sentence):
    preset = make_preset(temperature=0.6)
    answer = save_list(admin_client, **{name: typed})
    assert sentence in answer.content.decode()
    assert stored(preset) == {"temperature": 0.6}


def test_a_broken_preset_does_not_break_the_list(admin_client):
    preset = SamplingPreset.objects.create(name="broken", parameters=["temperature"])
    assert "not an object" in admin_client.get(LIST).content.decode()
    save_list(admin_client, temperature="0.5")
    assert stored(preset) == {"temperature": 0.5}


def test_a_value_that_is_no_number_stays_when_another_changes(admin_client):
    preset = SamplingPreset.objects.create(name="broken", parameters={"temperature": "warm"})
    save_list(admin_client, top_p="0.9")
    assert stored(preset) == {"temperature": "warm", "top_p": 0.9}


def test_the_list_says_which_rules_use_a_preset(admin_client):
    rule = make_rule({"temperature": 0.6}, layer="enforced", model_pattern="glm-*")
    text = admin_client.get(LIST).content.decode()
    assert reverse("admin:sampling_samplingrule_change", args=[rule.pk]) in text
    assert "enforced <b>glm-*</b>" in text


def test_someone_who_may_only_look_gets_no_inputs(client, django_user_model):
    from django.contrib.auth.models import Permission

    make_preset(temperature=0.6)
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_samplingpreset"))
    client.force_login(reader)
    text = client.get(LIST).content.decode()
    assert "0.6" in text
    assert "form-0-temperature" not in text


def save_form(client, preset, text):
    return client.post(page_of(preset), filled(client.get(page_of(preset)), parameters=text), follow=True)


def test_a_preset_is_edited_as_json(admin_client):
    preset = make_preset()
    save_form(admin_client, preset, '{"top_p": 0.9, "chat_template_kwargs": {"thinking": false}}')
    assert stored(preset) == {"top_p": 0.9, "chat_template_kwargs": {"thinking": False}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"temperature": 0.6,\n "top_p" 0.9}', "This is not JSON: line 2, column 10"),
        ('{"temperature": 0.6, "temperature": 0.7}', "“temperature” stands there twice."),
        ("[1]", "Enter an object of parameters"),
        ('{"temperature": "warm"}', "temperature must be a number."),
        ('{"top_p": 2}', "top_p must be at most 1."),
        ('{"temperature": NaN}', "temperature must be a finite number."),
        ('{"note": "\\ud800"}', "a text that is not Unicode"),
        ("[" * 3000, "This is nested too deeply."),
    ],
)
def test_a_mistake_in_the_json_is_named(admin_client, text, sentence):
    preset = make_preset(seed=7)
    page = save_form(admin_client, preset, text).content.decode()
    assert sentence in page
    assert stored(preset) == {"seed": 7}


def test_what_was_typed_is_still_there_after_a_mistake(admin_client):
    page = save_form(admin_client, make_preset(), '{"temperature": oops}').content.decode()
    assert "{&quot;temperature&quot;: oops}" in page


def test_an_unknown_parameter_is_saved_with_a_warning(admin_client):
    preset = make_preset()
    page = save_form(admin_client, preset, '{"temprature": 0.6}').content.decode()
    assert "Not in the table of known parameters: temprature." in page
    assert stored(preset) == {"temprature": 0.6}


def test_the_form_explains_the_known_parameters(admin_client):
    text = admin_client.get(page_of(make_preset())).content.decode()
    assert "Multiplies down the likelihood" in text
    assert "0 … 1" in text
