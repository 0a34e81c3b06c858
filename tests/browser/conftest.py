"""A real browser for pages: headless Chromium, and axe-core, which judges whether everybody can use a page.

Where one of the two is not there, what needs it is skipped with its reason: CHROMIUM names another browser than the
usual places have, VGGCOST_AXE the axe.min.js of npm's axe-core.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

WORDS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.torch)  # it takes longer than the inner loop has


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """The browser of all tests of a process."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    service = shutil.which("chromedriver")
    if not chromium or not service:
        pytest.skip("there is no chromium with its chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in (*WORDS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(service))
    yield made
    made.quit()


class Browser:
    """What tests ask of a page that is open."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, *, width=1280, dark=False):
        """Open a file at a width [CSS pixels], light or dark, and forget what was told of the page before."""
        self.requests(), self.messages()
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.driver.get(Path(path).as_uri())

    def run(self, script, *words):
        """Return what a script says of the page."""
        return self.driver.execute_script(script, *words)

    def messages(self):
        """The console's messages since the page was opened, or since they were asked for."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """The addresses that were asked for since then, the page's own among them."""
        import json

        logged = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        urls = [each["params"]["request"]["url"] for each in logged if each["method"] == "Network.requestWillBeSent"]
        # The browser's own first page, and its sign for a picture that is not there, which comes from itself.
        return [url for url in urls if not url.startswith(("chrome:", "data:"))]


@pytest.fixture
def browser(driver):
    return Browser(driver)


@pytest.fixture
def axe(browser):
    """Return what axe-core finds wrong with the page that is open, a line a finding: ``axe()``."""
    place = os.environ.get("VGGCOST_AXE", "")
    if not place:
        pytest.skip("VGGCOST_AXE does not name the axe.min.js of npm's axe-core")
    script = Path(place).read_text(encoding="utf-8")

    def run():
        # A page's policy forbids scripts; what the driver runs is not the page's.
        browser.run(script + "; window.axe = axe;")
        found = browser.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run({resultTypes: ['violations']}).then(done, error => done({violations: [error]}));"
        )
        return [f"{each.get('id')}: {each.get('help')}: {each.get('nodes')}" for each in found["violations"]]

    return run
