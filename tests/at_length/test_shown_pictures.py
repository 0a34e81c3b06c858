"""A picture shows names as text, too."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from named_documents import results_of
from shown_names import plain


def test_a_picture_shows_names_as_text():
    from vggcost.report.plots.curve import curve
    from vggcost.report.plots.picture import drawn

    names = ("_hidden $x_1$ & <b>", "half \udcff \x1b[31m \u202e", "卷积 $$ \\frac{1}{2}")
    picture = drawn(curve(results_of(*names)), "svg", 20.0).decode()
    texts = ["".join(element.itertext()).strip() for element in ET.fromstring(picture).iter()]  # noqa: S314
    assert {element.tag.partition("}")[2] for element in ET.fromstring(picture).iter()}.isdisjoint({"script", "b"})  # noqa: S314
    for name in names:
        assert any(plain(name) in text for text in texts), name
