"""A browser, and an installation that has something to look at."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright

from tests.end_to_end.proxy import PASSWORD, Installation

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    known = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
    found = (*map(shutil.which, names), *(path for path in known if Path(path).exists()))
    return next((path for path in found if path), None)


def launched(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))


def filled(data_dir: Path) -> Installation:
    """An installation with sample rows and an administrator."""
    data_dir.mkdir(parents=True, exist_ok=True)
    installation = Installation(data_dir, DEMO_UPSTREAM="true")
    installation.set_up("from docs.sample_data import fill; fill()")
    return installation


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="How to call it").wait_for()
