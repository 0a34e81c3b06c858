"""Every way to write a document: a row here and a file beside it, whose `render` takes a `Document` to its text.

Which one is needed is known at run time, so that a run loads one.
"""

from __future__ import annotations

from vggcost.errors import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.report.document import Document

FORMATS = {
    "table": ("screen", "txt"),
    "markdown": ("markdown", "md"),
    "csv": ("csv", "csv"),
    "json": ("json", "json"),
    "latex": ("latex", "tex"),
    "html": ("html", "html"),
    "latex-siunitx": ("latex_siunitx", "tex"),
    "typst": ("typst", "typ"),
}
"""What --format takes: the file that renders it, and the ending of a file's name that implies it."""

NAMES = tuple(FORMATS)
NO_MORE: Mapping[str, str] = {}


def checked(word: str, more: Mapping[str, str] = NO_MORE) -> str:
    """Return the name of a format; more are those that one command has beside these, each with its ending.

    Raises:
        VggcostError: there is none of this name.
    """
    names = (*FORMATS, *more)
    if not isinstance(word, str) or word not in names:
        raise unknown("format", word, names)
    return word


def implied(path: str | None, more: Mapping[str, str] = NO_MORE) -> str | None:
    """Return the format that a file's ending implies; None for another ending.

    >>> implied("costs.tex")
    'latex'
    """
    ending = (path or "").lower().rpartition(".")[2]
    endings = {its_ending: name for name, (_, its_ending) in reversed(FORMATS.items())}  # the first of those of one
    return {**endings, **{more[name]: name for name in more}}.get(ending)


def rendered(document: Document, fmt: str) -> str:
    """Return a document in a format, ending in a newline.

    Raises:
        VggcostError: there is no such format, or its table cannot have the shape that is asked for.
    """
    from importlib import import_module

    module, _ = FORMATS[checked(fmt)]
    if document.listing is not None:
        from vggcost.report.shaping import shaped

        document = shaped(document, fmt)
    text: str = import_module(f"{__name__}.{module}").render(document)
    return text
