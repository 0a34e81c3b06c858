"""Random names in every place of every document: each format, read back, has them, and shows nothing that acts."""

from __future__ import annotations

import random

from named_documents import DOCUMENTS, everywhere, outcome_of
from shown_names import ATTACKS, shows

from vggcost.errors import VggcostError
from vggcost.report import check_files
from vggcost.report.formats import NAMES, rendered

WHAT = "random names in every format"
FULL, SHORT = 5_000, 100
WHOLE_DOCUMENTS = 50
"""Every so many names stand in the documents of commands, too, which take longer to make."""

_SIGNS = sorted({sign for attack in ATTACKS for sign in attack})
_PLANES = ((0, 0x250), (0x590, 0x700), (0x2000, 0x2070), (0xD7F0, 0xE010), (0xFE00, 0x10010), (0xE0000, 0xE0080))
"""Where signs stand that do something: controls, other directions of writing, halves of pairs, tags."""


def drawn(chance):
    """A name: one of the known attacks, a mixture of two, signs that mean something, or any signs at all."""
    kind = chance.randrange(4)
    if kind == 0:
        name = chance.choice(ATTACKS)
    elif kind == 1:
        one, other = chance.choice(ATTACKS), chance.choice(ATTACKS)
        name = one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other) + 1) :]
    elif kind == 2:
        name = "".join(chance.choices(_SIGNS, k=chance.randint(1, 20)))
    else:
        name = "".join(chr(chance.randrange(*chance.choice(_PLANES))) for _ in range(chance.randint(1, 20)))
    return name.strip() or "x"


def broken(number, seed, _):
    """Yield each name that a format does not show as text."""
    chance = random.Random(seed)  # noqa: S311  # names, not secrets
    for turn in range(number):
        name = drawn(chance)
        for what, why in wrong(name, whole=turn % WHOLE_DOCUMENTS == 0):
            yield f"{name!a} in {what}: {why}"


def wrong(name, *, whole):
    """Yield where a name is not shown as text, and how."""
    for fmt in NAMES:
        yield from _tried(fmt, lambda fmt=fmt: rendered(everywhere(name), fmt), name)
    for fmt in check_files.FORMATS:
        yield from _tried(fmt, lambda fmt=fmt: check_files.rendered([outcome_of(name)], fmt, name), name)
    if not str(VggcostError(f"{name} is wrong")).isprintable():
        yield "a refusal", "not printable"
    for what in DOCUMENTS if whole else ():
        document = DOCUMENTS[what](name)
        for fmt in NAMES:
            # A CSV may have no place for the name, and a narrow column of the screen breaks it.
            wanted = "" if fmt in ("csv", "table") else name
            yield from _tried(f"{what} as {fmt}", lambda fmt=fmt, made=document: rendered(made, fmt), wanted, fmt)


def _tried(what, render, name, fmt=None):
    try:
        if not shows(fmt or what, render(), name):
            yield what, "the name is not there"
    except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
        yield what, f"{type(error).__name__}: {str(error)[:80]!a}"
