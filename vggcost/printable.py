"""Text from outside made safe to show: signs that nobody sees, or that move what is seen, are written out.

Each medium's own signs are its format's: see `vggcost.report.formats`.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with every sign that Python's repr would not print written as an escape.

    These are the control signs of a terminal, separators of lines, what turns the direction of writing, what has no
    width, and halves of surrogate pairs, as file names that are not UTF-8 have them.

    >>> printable("conv\x1b[31m\u202e1\n"), printable("Größe 3")
    ('conv\\x1b[31m\\u202e1\\n', 'Größe 3')
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _written_out(sign) for sign in text)


def printable_lines(text: str) -> str:
    r"""Return a text whose lines are each printable; a line ends at ``\n`` and nothing else.

    >>> printable_lines("a\nb\r\u2028c\n")
    'a\nb\\r\\u2028c\n'
    """
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def one_line(text: str) -> str:
    r"""Return a text as one printable line, with one space where there was white space.

    >>> one_line("a\n  b\x00")
    'a b\\x00'
    """
    return printable(" ".join(text.split()))


def shown(value: object, longest: int = 60) -> str:
    """Return a value as code writes it, in one line and cut where it is long, whatever its own repr does.

    >>> shown("x" * 100, 10), shown([1, 2])
    ("'xxxxxx...", '[1, 2]')
    """
    try:
        text = one_line(repr(value))
    except Exception:  # noqa: BLE001  # a value's own code may raise anything, and a refusal must not
        text = f"a {type(value).__name__}"
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _written_out(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")
