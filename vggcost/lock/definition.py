"""What an entry is made of: a target and what is given beside it, from a command line, a table of TOML or a lock."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

GIVEN = ("call", "input", "size", "batch")
"""What may be given beside every target, or beside programs."""

VARIANT = ("batch_norm", "classes", "in_channels", "bias", "adaptive_pool", "head", "width")
"""What may be given beside a network of vggcost's own: the options of a variant."""

BUDGETS = ("max_params", "max_macs", "max_memory")
"""What an entry may not exceed."""


class Definition(Record):
    """An entry that is to be made: what is read, and how.

    target is a configuration's name, a file or a program, relative to the working directory. given has those of GIVEN
    and VARIANT that are given: call is a text, input a tuple of texts, size (height, width) [pixels]. conventions are
    names of rows. budgets has those of BUDGETS that are set, as numbers of elements, MAC and bytes [B].
    """

    name: str
    target: str
    given: Mapping[str, Any] = {}  # a Record holds a read-only copy
    conventions: tuple[str, ...] = ()
    budgets: Mapping[str, int] = {}
