"""The document of `latex` with numbers in siunitx's S columns, for a text that loads siunitx beside the others."""

from __future__ import annotations

from vggcost.report.formats import latex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.report.document import Document


def render(document: Document) -> str:
    """Return what `latex` does, with numbers aligned at their points and their separators set by siunitx."""
    return latex.render(document, siunitx=True)
