"""Every page of the documentation in a real browser, on a phone and on a desktop."""

from __future__ import annotations

import pytest
from site_of_docs import built

pytest.importorskip("sphinx")

PHONE, DESKTOP = 360, 1280
PARTS = 4
"""The pages are shared out, for several processes."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return built(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_fit_for_everybody(browser, axe, site, part):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 60
    for page in pages[part::PARTS]:
        for width in (PHONE, DESKTOP):
            browser.open(page, width=width)
            assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == [], page
            assert browser.messages() == [], page
            assert browser.run("return document.documentElement.scrollWidth") <= width, page
            assert axe() == [], page
