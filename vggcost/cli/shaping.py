"""The words that shape a table, which commands with one share: its columns, rows, order, caption."""

from __future__ import annotations

from vggcost.cli.options import Read
from vggcost.errors import VggcostError
from vggcost.report.document import Shape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from vggcost.cli.options import Parser

MOST_DECIMALS = 9
"""A share has no more digits behind its point than these: the next ones are noise in every table."""

_FIELDS = ("columns", "rows", "sort", "transpose", "caption", "label", "precision")


def add_shape(parser: Parser, *, layers: bool = True, paper: bool = True) -> None:
    """Add how the table is shaped.

    layers: whether its rows are layers, of which some may be left out; paper: whether it may be the one of a paper.
    """
    group = parser.add_argument_group("the table's shape, in every format alike")
    group.add_argument(
        "--columns",
        action=Read,
        read=_read_columns,
        metavar="NAME,NAME",
        help="these columns, by their names in JSON; share behind one is its share in percent: name,params,share,macs",
    )
    if layers:
        group.add_argument(
            "--rows",
            action=Read,
            read=_read_rows,
            metavar="WHICH",
            help="weights: layers with parameters (what LaTeX and Typst show); all: every layer; blocks: a row a block",
        )
    group.add_argument(
        "--sort",
        metavar="NAME",
        help="by this column, numbers with the largest first and texts from A to Z; NAME:asc and NAME:desc say which",
    )
    group.add_argument("--transpose", action="store_true", help="a row a column, and a column a row")
    if paper:
        what = "a caption, which makes a float of LaTeX's and Typst's table"
        group.add_argument("--caption", metavar="TEXT", help=what)
        what = "what the text refers to, as in \\ref{NAME}"
        group.add_argument("--label", action=Read, read=_read_label, metavar="NAME", help=what)
    group.add_argument(
        "--precision",
        action=Read,
        read=_read_precision,
        metavar="N",
        help="digits behind the point of shares (1), and of counts with --human",
    )


def shape_from(args: Namespace) -> Shape | None:
    """Return how the table is to be shaped; None where nothing is asked for."""
    given: dict[str, Any] = {name: vars(args).get(name) for name in _FIELDS}
    given["transpose"] = bool(given["transpose"])
    return Shape(**given) if any(value not in (None, False) for value in given.values()) else None


def _read_columns(text: str, option: str) -> tuple[str, ...]:
    """The names of a comma list; the shaper knows which there are.

    Raises:
        VggcostError: one is empty.
    """
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        raise VggcostError(f"{option} is {text[:80]!r}; give names such as name,output,params,share,macs")
    return names


def _read_rows(text: str, _: str) -> str:
    from vggcost.report.shaping import checked_rows

    return checked_rows(text.strip().lower())


def _read_label(text: str, option: str) -> str:
    """A name that LaTeX, Typst and HTML take as it is.

    Raises:
        VggcostError: it has other signs.
    """
    if not text or not text.isascii() or not all(sign.isalnum() or sign in ":._-" for sign in text):
        raise VggcostError(f"{option} is {text[:80]!r}; give letters, digits and : . _ - alone, as tab:vgg16")
    if not text[0].isalpha() or text[-1] in ":.":
        raise VggcostError(f"{option} is {text[:80]!r}; begin with a letter and end with a letter or a digit")
    return text


def _read_precision(text: str, option: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and int(digits[:6]) <= MOST_DECIMALS and len(digits) <= 6):
        raise VggcostError(f"{option} is {text[:80]!r}; give a whole number from 0 to {MOST_DECIMALS}")
    return int(digits)
