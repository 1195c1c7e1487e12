"""A real browser in front of the real server, whose database is filled with `docs/sample_data.py`."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.site import chromium, filled, launched, log_in
from tests.end_to_end.proxy import Proxy

# The fixtures end with this package: while Playwright's synchronous API runs, no other test could have an event loop.


@pytest.fixture(scope="package")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with filled(tmp_path_factory.mktemp("browser") / "data").serve() as proxy:
        yield proxy
    proxy.assert_no_complaints()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium or Chrome is installed")
    with sync_playwright() as playwright:
        browser = launched(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def logged_in(browser: Browser, serving: Proxy) -> dict:
    """The cookies of somebody who has logged in."""
    page = browser.new_page(base_url=serving.url)
    log_in(page)
    cookies = page.context.storage_state()
    page.close()
    return cookies


@pytest.fixture(scope="package")
def context(browser: Browser, serving: Proxy, logged_in: dict) -> Iterator[BrowserContext]:
    """One for all pages, which read styles and scripts from its cache as a person's browser does."""
    context = browser.new_context(
        base_url=serving.url,
        storage_state=logged_in,
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of the admin.  Nothing may go wrong in its console."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None
    )
    yield page
    page.close()
    assert complaints == []
