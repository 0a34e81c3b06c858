"""What the theme leaves out for people who use a keyboard or a screen reader, added to every page that was built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ADDED = (
    # What scrolls must be reached by the keyboard.
    (re.compile(r"<pre>"), '<pre tabindex="0">'),
    (re.compile(r'<table class="docutils'), '<table tabindex="0" class="docutils'),
    (re.compile(r'<math display="block"'), '<math tabindex="0" display="block"'),
    # A heading says of which level it is, and one of two landmarks of a kind what it is.
    (re.compile(r'<p class="caption" role="heading">'), '<p class="caption" role="heading" aria-level="2">'),
    (re.compile(r'<aside class="sidebar-drawer">'), '<aside class="sidebar-drawer" aria-label="All pages">'),
    (re.compile(r'<aside class="toc-drawer'), '<aside aria-label="This page" class="toc-drawer'),
)
"""What stands in the pages of the theme, and what is to stand there."""


def _added(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for found, meant in ADDED:
            text = found.sub(meant, text)
        if page.name == "search.html" and "<h1" not in text:
            text = re.sub('<article role="main"[^>]*>', r'\g<0><h1 class="visually-hidden">Search</h1>', text, count=1)
        page.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx add it when it has built."""
    app.connect("build-finished", _added)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
