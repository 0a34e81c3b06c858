"""Options that take a comma list, and what is asked for with each of their values."""

from __future__ import annotations

from argparse import Namespace

from vggcost.cli.request import request
from vggcost.errors import VggcostError, in_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from vggcost.cli.request import Request


def each_once(read: Callable[[str, str], Any], what: str) -> Callable[[str, str], tuple[Any, ...]]:
    """Return what reads a comma list of that which a reader takes, none of it twice; what is its name for people."""

    def read_all(text: str, option: str) -> tuple[Any, ...]:
        found = tuple(read(part, option) for part in text.split(","))
        if len(set(found)) < len(found):
            hint = size_hint(text) if option == "--size" else ""
            raise VggcostError(f"{option} is {in_part(text)!r}; give each {what} once{hint}")
        return found

    return read_all


def size_hint(text: str) -> str:
    """What to type for a size whose sides are written as a list: 224,224."""
    return f"; one image is {text.replace(',', 'x')}" if text.count(",") == 1 else ""


def every_request(args: Namespace, default: Sequence[str] = ("D",)) -> Iterator[Request]:
    """Yield what is asked for at each width and each size; see `vggcost.cli.request.request`."""
    for width in args.width or (None,):
        for size in args.size or (None,):
            yield request(Namespace(**{**vars(args), "width": width, "size": size}), default)
