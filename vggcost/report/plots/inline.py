"""A picture's SVG as a part of a page: in the page's colours, without what a page may not have twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from vggcost.report.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMED_COLOURS = {style.LIGHT.ink: "var(--ink)", style.LIGHT.paper: "var(--paper)", style.LIGHT.faint: "var(--faint)"}
"""The colours of a light picture that are a page's to say; dark pictures differ in no others."""

_REFERENCE = re.compile(r"#([\w.-]+)")
_LONG = re.compile(r"-?\d+\.\d{3,}")
_COORDINATES = ("d", "x", "y", "width", "height", "points")
_TO_NOTHING = re.compile(r"rotate\(-?0 [^)]*\)")
"""What matplotlib turns by no angle."""


class Styles:
    """The style sheet of the pictures of one page: its policy takes no style that stands on an element."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, declarations: str) -> str:
        """The class that stands for declarations, the same one for the same."""
        return self._names.setdefault(declarations, f"p{len(self._names)}")

    def sheet(self) -> str:
        """The rules of every class that was asked for."""
        return "".join(f".{name}{{{declarations}}}\n" for declarations, name in self._names.items())


def inlined(svg: str, prefix: str, label: str, styles: Styles) -> str:
    """Return the element of a picture that `picture` made, light, as SVG.

    prefix begins every name in it that something refers to, which no other picture of the page may have. label is what
    is said of it to who cannot see it. Its styles become classes of `styles`.
    """
    root = ET.fromstring(svg)  # noqa: S314  # it is a picture of ours
    referred = {mark for element in root.iter() for value in element.attrib.values() for mark in _marks(value)}
    names = {
        element.attrib["id"]: f"{prefix}-{place}"
        for place, element in enumerate(each for each in root.iter() if each.get("id") in referred)
    }
    made = _inlined(root, names, styles)[0]
    box = made.get("viewBox", "")
    made.attrib = {"viewBox": box, "role": "img", "aria-label": label}
    return ET.tostring(made, encoding="unicode")


def _marks(value: str) -> list[str]:
    """The names that an attribute refers to; a colour is none of them where nothing bears its name."""
    return _REFERENCE.findall(value)


def _inlined(element: ET.Element, names: Mapping[str, str], styles: Styles) -> list[ET.Element]:
    """An element as a page has it; what it holds where it is a group that says nothing itself; nothing of metadata."""
    tag = element.tag.rpartition("}")[2]
    if tag in ("metadata", "title", "style"):
        return []
    made = ET.Element(tag, _attributes(element, names, styles))
    made.text = element.text if tag in ("text", "tspan") else None
    for child in element:
        made.extend(_inlined(child, names, styles))
    if tag == "g" and not made.attrib:
        return list(made)
    return [] if tag == "defs" and not len(made) else [made]


def _attributes(element: ET.Element, names: Mapping[str, str], styles: Styles) -> dict[str, str]:
    given = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    declared = [part.strip().partition(": ") for part in given.pop("style", "").split(";") if part.strip()]
    if "fill" in given:
        declared.append(("fill", ": ", given.pop("fill")))
    found = {name: text for name, value in given.items() if (text := _attribute(name, value, names))}
    # What refers to a name is an attribute: the name is this picture's alone, and its class would be, too.
    found.update({name: _renamed(value, names) for name, _, value in declared if "url(" in value})
    kept = [f"{name}:{NAMED_COLOURS.get(value, value)}" for name, _, value in declared if "url(" not in value]
    return {**found, "class": styles.name(";".join(kept))} if kept else found


def _attribute(name: str, value: str, names: Mapping[str, str]) -> str:
    """An attribute's text in a page; an empty one where it says nothing there."""
    if name == "id":
        return names.get(value, "")
    if name == "transform":
        return _TO_NOTHING.sub("", value).strip()
    if name in _COORDINATES:
        return _LONG.sub(_rounded, " ".join(value.split()))
    return _renamed(value, names)


def _renamed(value: str, names: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda mark: f"#{names.get(mark[1], mark[1])}", value)


def _rounded(number: re.Match[str]) -> str:
    """A coordinate to a hundredth of a point, which nobody sees."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
