"""What a person does in the admin, done in a real browser."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.proxy import Proxy
from tests.end_to_end.upstream import PATIENCE

pytestmark = pytest.mark.browser

KEY = "planted-key-7f3a91c2d0"


def answer_of_demo(proxy: Proxy) -> str:
    body = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, timeout=PATIENCE, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def row(page: Page, name: str):
    return page.locator("#result_list tr.data-row", has=page.get_by_role("link", name=name, exact=True))


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_a_temperature_changed_in_the_list_is_in_the_next_answer(page, serving):
    assert "temperature = 0.2" in answer_of_demo(serving)
    page.goto("/admin/sampling/samplingpreset/")
    row(page, "precise").get_by_label("temperature").fill("0.35")
    save(page)
    expect(page.get_by_text("1 sampling preset was changed successfully.")).to_be_visible()
    assert "temperature = 0.35" in answer_of_demo(serving)
    expect(row(page, "precise").get_by_label("temperature")).to_have_value("0.35")
    expect(row(page, "precise").get_by_label("top_p")).to_have_value("0.9")


def test_a_wrong_number_is_told_where_it_stands(page, serving):
    page.goto("/admin/sampling/samplingpreset/")
    row(page, "coding").get_by_label("top_p").fill("7")
    save(page)
    expect(row(page, "coding").get_by_text("It must be at most 1.")).to_be_visible()


def test_an_upstream_is_added_with_a_key_that_is_never_shown_again(page, serving):
    page.goto("/admin/routing/upstream/add/")
    page.locator("#id_name").fill("rented")
    page.get_by_label("Base URL").fill("https://models.example/v1")
    page.locator("nav a", has_text="Key").click()
    page.get_by_label("the key below").check()
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert KEY not in page.content()
    page.locator("nav a", has_text="Key").click()
    expect(page.get_by_label("API key")).to_have_value("")
    expect(page.get_by_label("API key")).to_have_attribute("placeholder", "•••••••• stored")
    (stored,) = serving.installation.rows("SELECT api_key FROM routing_upstream WHERE name = 'rented'")
    assert stored["api_key"]
    assert KEY not in stored["api_key"]


def test_a_connection_is_tested_by_a_button_that_sends_a_post(page, serving):
    page.goto("/admin/routing/upstream/")
    with page.expect_navigation():
        page.locator("#result_list tr.data-row th a", has_text="demo").click()
    with page.expect_request(lambda request: "/test-connection" in request.url) as asked:
        page.get_by_role("link", name="Test connection").click()
    assert asked.value.method == "POST"
    expect(page.get_by_text("there is no connection that could fail")).to_be_visible()


def test_a_names_way_is_shown_above_the_bindings(page, serving):
    page.goto("/admin/routing/modelbinding/")
    page.get_by_label("Model’s name").fill("GLM-4.6")
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#trial")).to_contain_text("goes to zai as glm-4.6")


def test_a_record_leads_to_its_explanation(page, serving):
    page.goto("/admin/routing/requestrecord/?q=req_5f0c2a91b7de4413")
    page.locator("#result_list tr.data-row a").first.click()
    expect(page.locator("#changes")).to_contain_text("model: glm thinking")
    page.get_by_role("link", name="Explain").last.click()
    expect(page.locator("#parameters")).to_contain_text("default: safe length")


LISTS = (
    "routing/upstream",
    "routing/modelbinding",
    "routing/parallellimit",
    "routing/throttlerule",
    "routing/configsection",
    "routing/requestrecord",
    "sampling/samplingpreset",
    "sampling/samplingrule",
    "auth/user",
    "auth/group",
)


@pytest.mark.parametrize("path", ["", "explain/"])
def test_every_page_opens_in_a_browser(page, serving, path):
    assert page.goto(f"/admin/{path}").status == 200
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("path", LISTS)
def test_every_list_and_a_form_of_it_open_in_a_browser(page, serving, path):
    assert page.goto(f"/admin/{path}/").status == 200
    page.wait_for_load_state("networkidle")
    if path != "auth/group":  # of which there is none
        with page.expect_navigation():
            page.locator("#result_list tr.data-row th a").first.click()
        page.wait_for_load_state("networkidle")
        expect(page.locator("form[method=post]").first).to_be_attached()


PHONE = {"width": 420, "height": 900}


def test_on_a_phone_every_value_of_a_record_has_the_whole_line(page, serving):
    page.set_viewport_size(PHONE)
    page.goto("/admin/routing/requestrecord/")
    cells = page.locator("#result_list tr.data-row").first.locator("td.align-middle")
    assert len(set(cells.evaluate_all("cells => cells.map(cell => cell.clientWidth)"))) == 1


def test_on_a_phone_the_names_of_an_upstreams_fields_are_not_broken(page, serving):
    page.set_viewport_size(PHONE)
    page.goto("/admin/routing/upstream/add/")
    heights = "labels => labels.map(label => label.getBoundingClientRect().height)"
    assert len(set(page.locator(".field-line label[for^=id_supports]").evaluate_all(heights))) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_follows_the_theme_of_the_machine(browser, serving, logged_in, theme):
    context = browser.new_context(base_url=serving.url, storage_state=logged_in, color_scheme=theme)
    page = context.new_page()
    page.goto("/admin/")
    assert ("dark" in (page.locator("html").get_attribute("class") or "")) is (theme == "dark")
    context.close()
