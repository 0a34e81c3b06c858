"""A whole page of HTML: documents and pictures in sections, in one file that asks nothing of anybody.

Its policy forbids every load and every script, and knows its style sheet by its hash. Texts come into it through
`escape`, documents through their format and pictures through `vggcost.report.plots.inline`, which escape theirs.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from vggcost.printable import printable
from vggcost.record import Record
from vggcost.report.document import SCREEN
from vggcost.report.formats import html

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.report.document import Document
    from vggcost.report.plots.inline import Styles


class PageFigure(Record):
    """A picture: its SVG, light, its title, what it shows in words, and how wide it is printed [inches]."""

    svg: str
    title: str
    caption: str
    width_inches: float


class PagePart(Record):
    """A document of a section, under a heading of its own where there is one."""

    document: Document
    heading: str = ""
    figures: Sequence[PageFigure] = ()


class PageSection(Record):
    """What stands under a heading that the page's contents name."""

    heading: str
    parts: Sequence[PagePart]


WIDE_INCHES = 5.0
"""A picture that is wider has a row to itself."""


def page(title: str, sections: Sequence[PageSection]) -> str:
    """Return the page, in ASCII; the same for the same title and sections."""
    styles = _styles(sections)
    main = "".join(_section(place, section, styles) for place, section in enumerate(sections, 1))
    sheet = (files("vggcost.report") / "page.css").read_text(encoding="utf-8") + (styles.sheet() if styles else "")
    known = b64encode(sha256(sheet.encode()).digest()).decode("ascii")
    shown = escape(printable(title))
    links = "".join(
        f'<li><a href="#section-{place}">{escape(printable(section.heading))}</a></li>\n'
        for place, section in enumerate(sections, 1)
    )
    return html.in_ascii(
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{known}'; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{shown}</title>
<style>{sheet}</style>
</head>
<body>
<a class="skip" href="#main">Skip the contents</a>
<header>
<h1>{shown}</h1>
</header>
<nav aria-label="Contents">
<ul>
{links}</ul>
</nav>
<main id="main">
{main}</main>
<footer><p>Written by vggcost report; vggcost report --check says whether it is up to date.</p></footer>
</body>
</html>
"""
    )


def _styles(sections: Sequence[PageSection]) -> Styles | None:
    """What gathers the styles of the pictures; None where there are none."""
    if not any(part.figures for section in sections for part in section.parts):
        return None
    from vggcost.report.plots.inline import Styles

    return Styles()


def _section(place: int, section: PageSection, styles: Styles | None) -> str:
    inside = "".join(
        piece
        for number, part in enumerate(section.parts, 1)
        for piece in _part(f"figure-{place}-{number}", part, styles)
    )
    return (
        f'<section aria-labelledby="section-{place}">\n<h2 id="section-{place}">{escape(printable(section.heading))}'
        f"</h2>\n{inside}</section>\n"
    )


def _part(prefix: str, part: PagePart, styles: Styles | None) -> Iterator[str]:
    if part.heading:
        yield f"<h3>{escape(printable(part.heading))}</h3>\n"
    yield html.render(part.document, SCREEN, in_page=True)
    if styles is None or not part.figures:
        return
    yield '<div class="figures">\n'
    for number, figure in enumerate(part.figures, 1):
        yield _figure(f"{prefix}-{number}", figure, styles)
    yield "</div>\n"


def _figure(prefix: str, figure: PageFigure, styles: Styles) -> str:
    from vggcost.report.plots.inline import inlined

    label = printable(f"{figure.title}: {figure.caption}")
    width = "wide" if figure.width_inches > WIDE_INCHES else "narrow"
    return (
        f'<figure class="{width}">\n<div class="scrolls" role="group" tabindex="0" aria-label="{escape(label)}">\n'
        f"{inlined(figure.svg, prefix, label, styles)}\n</div>\n<figcaption>{escape(figure.caption)}</figcaption>\n"
        "</figure>\n"
    )
