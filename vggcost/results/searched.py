"""The numbers of what was counted, a network's or a program's, as `vggcost.conventions.explain` searches them."""

from __future__ import annotations

from functools import partial

from vggcost import units
from vggcost.conventions.rows import CONVENTIONS, TEXTBOOK
from vggcost.conventions.searched import Described, Searched, Section, searched_network
from vggcost.costs.table import Row, table
from vggcost.formulas.forward import flops
from vggcost.results.cost import Cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vggcost.conventions.convention import Convention
    from vggcost.results.audit import Audit, OperationCost

    Layers = Mapping[str, tuple[OperationCost, ...]]


def searched(counted: Cost | Audit) -> Iterator[Searched]:
    """Yield a network, and its features alone; or a program, and each of its outermost modules alone."""
    if isinstance(counted, Cost):
        yield from _network(counted)
        return
    layers = {convention.name: counted.under(convention).layers for convention in CONVENTIONS}
    every = range(len(counted.layers))
    yield _program(counted, layers, every, "")
    modules: dict[str, list[int]] = {}
    for place in every:
        modules.setdefault((counted.layers[place].path or "").partition(".")[0], []).append(place)
    for module, places in modules.items():
        if module and 1 < len(places) < len(every):
            yield _program(counted, layers, places, module)


def _network(cost: Cost) -> Iterator[Searched]:
    yield searched_network(cost.table)
    network = cost.network
    behind = next(
        (place for place, layer in enumerate(network.layers) if layer.kind in ("AdaptiveAvgPool2d", "Flatten")), 0
    )
    if behind:
        variant = network.variant.replace(classifier=False)
        yield searched_network(table(network.replace(variant=variant, layers=network.layers[:behind]), cost.input))


class OperationsSection(Section):
    """Operations of a program; layers has a row for each of them, by the convention's name."""

    layers: Layers

    def counted(self, by: Convention | None, row: Row) -> int:
        """What one operation counts by a convention, or its parameters."""
        if by is None:
            return row.params
        (place,) = (place for place, each in enumerate(self.rows) if each is row)
        return self.layers[by.name][place].count or 0


class DescribedProgram(Described):
    """What a program is; counts are what each convention counts of it, by its name, and macs its MACs."""

    counts: Mapping[str, int | None]

    def layer_words(self, row: Row) -> str:
        """One of its layers by the name that it has there."""
        return row.name

    def beside(self, by: Convention) -> str:
        """What a convention counts beside the multiply-accumulates, in sum."""
        macs, count = self.counts[TEXTBOOK.name] or 0, self.counts[by.name] or 0
        again = f"+ {macs:,} MACs again (1 MAC = 2 FLOP)" if by.unit == "FLOP" else ""
        rest = count - (flops(macs) if again else macs)
        other = f"{'-' if rest < 0 else '+'} {abs(rest):,} in other operations" if rest else ""
        return f"{again} {other}".strip()


def _program(audit: Audit, layers: Layers, places: Sequence[int], module: str) -> Searched:
    """A whole program, or one of its modules, which is the operations at these places."""
    own = {name: tuple(rows[place] for place in places) for name, rows in layers.items()}
    counts = {name: _sum(audit, rows) for name, rows in own.items()}
    rows = tuple(
        Row(
            operation.layer,
            operation.input or (),
            operation.output or (),
            operation.params,
            operation.macs,
            operation.ledger,
        )
        for operation in (audit.reading.operations[place] for place in places)
    )
    kept = own[TEXTBOOK.name]
    numbers = (sum(row.params for row in kept), sum(row.weight_bytes for row in kept), *counts.values())
    section = OperationsSection(rows, numbers, own)
    return Searched(
        audit.short_name, (int(bool(module)), 0), (section,), numbers, partial(_described, audit, module, counts)
    )


def _sum(audit: Audit, rows: Sequence[OperationCost]) -> int | None:
    """What a convention counts of some rows; None where it has no number for one of them, or the program cannot run."""
    if not audit.runs or any(row.count is None for row in rows):
        return None
    return sum(row.count or 0 for row in rows)


def _described(audit: Audit, module: str, counts: Mapping[str, int | None]) -> Described:
    inputs = audit.reading.inputs
    image = audit.reading.image
    at = units.shape_text(image) if image else " and ".join(map(units.shape_text, inputs))
    alone = f", {module} alone" if module else ""
    title = f"{audit.short_name}{alone}, at {at}"
    identity = {"name": audit.short_name, "title": title, "options": {}}
    return DescribedProgram(title, inputs, identity, counts)
