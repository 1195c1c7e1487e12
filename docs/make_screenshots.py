"""Makes the pictures of the admin that the README shows: `python -m docs.make_screenshots`.

Starts the real server on sample rows, logs in with a real browser, and writes docs/images/admin-*.png.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from docs.live_scene import played, staged
from tests.browser.site import chromium, filled, launched, log_in
from tests.end_to_end.proxy import Proxy

IMAGES = Path(__file__).parent / "images"
PORT = 8001  # the usual one, because the pictures show it

# name, path, theme, height
PICTURES = (
    ("index", "/admin/", "light", 1000),
    ("presets", "/admin/sampling/samplingpreset/", "light", 760),
    ("request", "/admin/routing/requestrecord/{newest}/change/", "dark", 1000),
    ("failure", "/admin/validation/validationfailure/{bad}/change/", "light", 1000),
    ("explain", "/admin/explain/?record={newest}", "dark", 1100),
)


def main() -> None:
    path = chromium()
    if path is None:
        sys.exit("No Chromium or Chrome is installed.")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        installation = filled(Path(directory) / "data")
        newest = installation.rows("SELECT max(id) AS id FROM routing_requestrecord")[0]["id"]
        bad = installation.rows("SELECT max(id) AS id FROM validation_validationfailure")[0]["id"]
        command = [sys.executable, "manage.py", "serve", "--port", str(PORT)]
        with (
            staged(installation),
            Proxy(installation, PORT, command) as proxy,
            played(proxy),
            sync_playwright() as playwright,
        ):
            browser = launched(playwright, path)
            for name, page_path, theme, height in PICTURES:
                page = browser.new_page(
                    base_url=proxy.url, color_scheme=theme, viewport={"width": 1440, "height": height}
                )
                log_in(page)
                page.goto(page_path.format(newest=newest, bad=bad))
                page.wait_for_load_state("networkidle")
                page.screenshot(path=IMAGES / f"admin-{name}.png")
                page.close()
            browser.close()


if __name__ == "__main__":
    main()
