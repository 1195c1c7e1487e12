"""What a person does with bad answers, done in a real browser."""

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LIST = "/admin/validation/validationfailure/"


def test_a_bad_answer_is_looked_at_labelled_and_judged_again(page):
    """The loop is marked, and its attempts stand side by side."""
    page.goto(LIST)
    page.locator("#result_list tr.data-row a").first.click()
    page.get_by_role("heading", name="Attempt 2", exact=True).wait_for()
    left, right = (page.locator("#attempts > section").nth(number).bounding_box() for number in range(2))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    expect(page.locator("#attempts mark.sp-first")).to_have_count(2)
    assert page.locator("#attempts mark.sp-repeat").count() > 2
    page.get_by_role("button", name="Right", exact=True).click()
    expect(page.get_by_text("1 labelled as right.")).to_be_visible()
    page.get_by_role("button", name="Judge again").click()
    expect(page.get_by_text("With today's settings this answer is still flagged.")).to_be_visible()
    expect(page.get_by_text("still flagged, by repetition")).to_be_visible()


def test_all_of_them_are_exported_as_json_lines(page):
    page.goto(LIST)
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Run").click()
    lines = download.value.path().read_text().splitlines()
    assert {json.loads(line)["detector"] for line in lines} == {"repetition", "nonsense"}


def test_they_are_found_by_search_and_filter(page):
    rows = page.locator("#result_list tr.data-row")
    page.goto(f"{LIST}?q=check+the+list")
    expect(rows).to_have_count(2)
    page.goto(LIST)
    page.get_by_text("Filters").first.click()
    page.get_by_role("link", name="nonsense").click()
    expect(rows).to_have_count(1)
