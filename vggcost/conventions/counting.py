"""A convention applied to a network: what it counts of every layer, in sum, and how that differs from the textbook."""

from __future__ import annotations

from vggcost.conventions.rows import TEXTBOOK
from vggcost.conventions.special_rules import RULES, Count
from vggcost.network import blocks, layers
from vggcost.network.ledger import MACS, PRIMITIVES
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vggcost.conventions.convention import Convention
    from vggcost.costs.table import Row, Table

KINDS = {kind.__name__: kind for kind in (*layers.KINDS, *blocks.KINDS) if kind.family}
"""The layer kinds that have primitives, by name."""

NOT_COUNTED = "not counted"
NOTHING_TO_COUNT = "nothing is computed"


class Tally(Record):
    """A network under a convention: a count a row, and their sum.

    total is None where the tool gives none, and reason then says why; otherwise the counts sum to the total.
    """

    convention: Convention
    counts: tuple[Count, ...]
    total: int | None
    reason: str | None = None


class Part(Record):
    """A piece of what a convention counts more (or, below 0, less) than the textbook: amount = times * of."""

    times: int
    of: int
    words: str

    @property
    def amount(self) -> int:
        """What it adds to the total."""
        return self.times * self.of

    @property
    def text(self) -> str:
        """``+ 13,547,520 conv bias`` or ``+ 2 x 13,555,712 ReLU elements``."""
        times = "" if abs(self.times) == 1 else f"{abs(self.times)} x "
        return f"{'-' if self.amount < 0 else '+'} {times}{abs(self.of):,} {self.words}"


def tally(convention: Convention, counted: Table) -> Tally:
    """Count every row of a table; rows without a number leave the network without a total."""
    counts = []
    before = None
    for row in counted.rows:
        counts.append(count(convention, row, before))
        before = row
    values = [one.value for one in counts if one.value is not None]
    if len(values) == len(counts):
        return Tally(convention, tuple(counts), sum(values))
    reasons = dict.fromkeys(one.note or "" for one in counts if one.value is None)
    return Tally(convention, tuple(counts), None, "; ".join(reasons))


def total(convention: Convention, counted: Table) -> int | None:
    """Return what `tally` gives as its total, from the ledger's sums: quicker where thousands are searched."""
    ledger, batch = counted.ledger, counted.input[0]
    whole = sum(weight * ledger[name] for name, weight in convention.weights.items())
    shared = sum(weight * ledger[name] for name, weight in convention.image_weights.items())
    result: int = whole + shared // batch
    if convention.rules:
        before = None
        for row in counted.rows:
            if row.kind in convention.rules:
                value = count(convention, row, before).value
                if value is None:
                    return None
                result += value
            before = row
    return result


def count(convention: Convention, row: Row, before: Row | None = None) -> Count:
    """Count one row; before is the one that ran before it, which decides where layers are folded.

    The ledger's counts all have the batch as a factor, so the division for tools that count per image is exact.
    """
    rule = convention.rules.get(row.kind)
    if rule:
        ruled = RULES[rule].of(row, before)
        if ruled.value is None or convention.per != "image":
            return ruled
        return ruled.replace(value=ruled.value // _images(row))
    ledger = row.ledger
    whole = sum(convention.weights.get(name, 0) * ledger[name] for name in ledger)
    shared = sum(convention.image_weights.get(name, 0) * ledger[name] for name in ledger)
    value = whole + shared // _images(row)
    return Count(value, None if value else _why_nothing(convention, row))


def by_primitive(convention: Convention, counted: Table) -> dict[str, int] | None:
    """Return what a convention counts of each primitive, which sums to its total; None where it has none.

    What a rule counts stands under the family of its layer kind: ``adaptive_``.
    """
    found: dict[str, int] = {}
    before = None
    for row in counted.rows:
        if row.kind in convention.rules:
            value = count(convention, row, before).value
            if value is None:
                return None
            found[row.layer.family] = found.get(row.layer.family, 0) + value
        else:
            for name, amount in row.ledger.items():
                shared = convention.image_weights.get(name, 0) * amount // _images(row)
                found[name] = found.get(name, 0) + convention.weights.get(name, 0) * amount + shared
        before = row
    return found


def _images(row: Row) -> int:
    """How many images a row's counts are divided by: a scalar's by none, and an empty batch has nothing to divide."""
    return row.input[0] or 1 if row.input else 1


def _why_nothing(convention: Convention, row: Row) -> str:
    if not row.layer.computes:
        return NOTHING_TO_COUNT
    own = [name for name in row.ledger if name in convention.weights or name in convention.image_weights]
    if own:
        return f"counted by its {' and '.join(PRIMITIVES[name] for name in own)}, of which it has none"
    return NOT_COUNTED


def difference(convention: Convention, counted: Table) -> tuple[Part, ...]:
    """What a convention counts beyond or below the textbook's MACs, piece by piece; () where it has no total.

    The amounts sum to the convention's total less the table's MACs, exactly.
    """
    parts = tuple(_ruled_parts(convention, counted))
    if any(part is None for part in parts):
        return ()
    every = (*_mac_parts(convention, counted), *_weighed_parts(convention, counted), *(part for part in parts if part))
    return tuple(part for part in every if part.amount)


def _mac_parts(convention: Convention, counted: Table) -> Iterator[Part]:
    """The multiply-accumulates: how often each is counted more than once, and what a total per image leaves out."""
    batch = counted.input[0]
    shown, extra = {}, {}
    for name in MACS:
        macs = counted.ledger[name]
        shown[name] = macs // batch if name in convention.image_weights else macs
        weight = convention.weights.get(name, 0) + convention.image_weights.get(name, 0)
        extra[name] = weight - TEXTBOOK.weights[name]
    left_out = counted.macs - sum(shown.values())
    others = "image" if batch == 2 else f"{batch - 1} images"
    yield Part(-1, left_out, f"MACs of the other {others} (the total is per image)")
    if len(set(extra.values())) == 1:
        yield Part(extra["conv_macs"], sum(shown.values()), "MACs again (1 MAC = 2 FLOP)")
        return
    for name in MACS:
        kind = "convolution" if name == "conv_macs" else name.removesuffix("_macs")
        words = f"{kind} MACs again (1 MAC = 2 FLOP)" if extra[name] > 0 else f"{kind} MACs"
        yield Part(extra[name], shown[name], words)


def _weighed_parts(convention: Convention, counted: Table) -> Iterator[Part]:
    """Everything that is no multiply-accumulate, primitive by primitive in the ledger's order."""
    batch = counted.input[0]
    for name, words in PRIMITIVES.items():
        if name in TEXTBOOK.weights:
            continue
        amount = counted.ledger[name]
        whole, image = convention.weights.get(name, 0), convention.image_weights.get(name, 0)
        if image and whole and batch == 1:
            yield Part(whole + image, amount, f"{words} (as module and as call)")
        elif not image or not whole:
            yield Part(whole + image, amount // batch if image else amount, words)
        else:
            yield Part(image, amount // batch, f"{words} of one image (as module)")
            yield Part(whole, amount, f"{words} of the batch (as call)")


def _ruled_parts(convention: Convention, counted: Table) -> Iterator[Part | None]:
    """What rules count, one part a rule; None where a rule gives no number."""
    sums: dict[str, int] = {}
    before = None
    for row in counted.rows:
        rule = convention.rules.get(row.kind)
        if rule:
            value = count(convention, row, before).value
            if value is None:
                yield None
                return
            sums[rule] = sums.get(rule, 0) + value
        before = row
    for rule, amount in sums.items():
        yield Part(1, amount, RULES[rule].label)


def rule_text(convention: Convention, kind: str) -> str:
    """What a convention counts of a layer kind, in words: ``multiply-accumulates of convolutions + conv bias``.

    A kind that it leaves out is 0, with the reason.
    """
    rule = convention.rules.get(kind)
    if rule:
        text = RULES[rule].words
        return f"({text}) / N" if convention.per == "image" else text
    whole = _terms(convention.weights, KINDS[kind].family)
    image = _terms(convention.image_weights, KINDS[kind].family)
    if not image:
        return whole or f"0: {NOT_COUNTED if KINDS[kind].computes else NOTHING_TO_COUNT}"
    image = f"({image}) / N" if " " in image else f"{image} / N"
    return f"{image} + {whole}" if whole else image


def _terms(weights: Mapping[str, int], prefix: str) -> str:
    text = ""
    for name, words in PRIMITIVES.items():
        weight = weights.get(name, 0) if name.startswith(prefix) else 0
        if weight:
            sign = ("- " if weight < 0 else "+ ") if text else ("-" if weight < 0 else "")
            times = "" if abs(weight) == 1 else f"{abs(weight)} x "
            text = f"{text} {sign}{times}{words}".strip()
    return text
