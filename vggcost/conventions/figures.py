"""What a tool prints beside a count, as rules over the same rows: memory, and what a step of training costs.

A `Figure` is a row of weights over AMOUNTS, which are read from a table, or so many times what a convention counts. Its
text is made as the tool makes it. vggcost's own definitions are figures too, so that a number is looked for among all.
"""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.conventions.counting import total
from vggcost.conventions.rows import convention
from vggcost.costs import memory, training
from vggcost.costs.memory_totals import totals_of
from vggcost.costs.table import table
from vggcost.formulas.forward import elements
from vggcost.formulas.memory import tensor_bytes
from vggcost.network.blocks import Add, Residual
from vggcost.network.layers import BatchNorm2d, Conv2d, Linear, MaxPool2d, ReLU
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.costs.memory_totals import MemoryTotals
    from vggcost.costs.table import Row, Table
    from vggcost.network.layer import Layer

OWN = "vggcost"
"""What stands in a tool's place where a figure is vggcost's own definition."""

BYTES, VALUES = "B", "values"
"""The units of a figure beside MAC and FLOP."""

FLOAT32 = "float32"
TAKEN_FOR_FLOAT32 = (FLOAT32, "tf32")
"""Dtypes whose elements have the four bytes that some tools take every element to have."""


class Weighed(Record):
    """Something of a network that a figure weighs [elements]: its words, and how it is read from a table."""

    words: str
    of: Callable[[Table], int]


def _outputs(*kinds: type[Layer]) -> Callable[[Table], int]:
    return lambda counted: sum(row.output_elements for row in counted.rows if isinstance(row.layer, kinds))


def _inputs(*kinds: type[Layer]) -> Callable[[Table], int]:
    return lambda counted: sum(elements(row.input) for row in counted.rows if isinstance(row.layer, kinds))


def _of_rows(which: Callable[[Row], Any]) -> Callable[[Table], int]:
    return lambda counted: sum(row.output_elements for row in counted.rows if which(row))


def _straight(layers: Sequence[Layer]) -> Iterator[str]:
    """Yield the names of the residual blocks whose shortcut is the identity, at any depth."""
    for layer in layers:
        if isinstance(layer, Residual):
            if not layer.shortcut:
                yield layer.name
            yield from _straight((*layer.body, *layer.shortcut))


def _identity_outputs(counted: Table) -> int:
    straight = set(_straight(counted.network.layers))
    return sum(row.output_elements for row in counted.rows if isinstance(row.layer, Add) and row.name in straight)


def _image(counted: Table) -> int:
    return elements(counted.input)


_TORCHSTAT = (Conv2d, Linear, BatchNorm2d, ReLU, MaxPool2d)

AMOUNTS: Mapping[str, Weighed] = {
    "image": Weighed("of the input", _image),
    "params": Weighed("parameters", lambda counted: counted.params),
    "weight_layer_params": Weighed(
        "parameters of convolutions and linear layers",
        lambda counted: sum(row.params for row in counted.rows if row.layer.weighted),
    ),
    "statistics": Weighed("running statistics", lambda counted: sum(row.layer.buffers() for row in counted.rows)),
    "outputs": Weighed("outputs of all layers", _of_rows(lambda _: True)),
    "module_outputs": Weighed("outputs of modules", _of_rows(lambda row: row.path is not None)),
    "block_outputs": Weighed("outputs of residual blocks", _outputs(Add)),
    "identity_outputs": Weighed("outputs of empty shortcuts", _identity_outputs),
    "learned_outputs": Weighed("outputs of layers with parameters", _of_rows(lambda row: row.params)),
    "weight_layer_outputs": Weighed("outputs of convolutions and linear layers", _outputs(Conv2d, Linear)),
    "max_pool_outputs": Weighed("outputs of max-pools", _outputs(MaxPool2d)),
    "torchstat_inputs": Weighed("inputs of the kinds that torchstat knows", _inputs(*_TORCHSTAT)),
    "torchstat_outputs": Weighed("outputs of the kinds that torchstat knows", _outputs(*_TORCHSTAT)),
}
"""Every amount that a figure weighs; for the whole batch, where it belongs to one."""


class Sizes(Record):
    """A network at an input in a dtype, and what figures read of it, each once."""

    counted: Table
    dtype: str = FLOAT32

    @cached_property
    def _amounts(self) -> dict[str, int]:
        return {}

    def amount(self, name: str) -> int:
        """One of AMOUNTS [elements]."""
        if name not in self._amounts:
            self._amounts[name] = AMOUNTS[name].of(self.counted)
        return self._amounts[name]

    @cached_property
    def totals(self) -> MemoryTotals:
        """The memory, activations written in place, and where the dtype has gradients that of a step of SGD."""
        each = units.dtype_bytes(self.dtype)
        forward = memory.lived(self.counted, each, training=False, in_place=True)
        trains = self.counted.params and self.dtype not in training.INTEGERS
        sgd = training.Training()
        step = (sgd, training.lived(self.counted, each, sgd, in_place=True)) if trains else None
        return totals_of(self.counted, each, forward, step)

    @cached_property
    def of_one_image(self) -> Sizes:
        """The same for one image of the batch."""
        batch, *image = self.counted.input
        return self if batch == 1 else self.replace(counted=table(self.counted.network, (1, *image)))


class Figure(Record):
    """What one tool prints: whose words and text are the tool's own.

    Its value [unit] is `weights` over AMOUNTS, each of `element_bytes` (those of the dtype where None, and 1 for
    VALUES), with `beside` more bytes; or `times` what the convention `of_count` counts; or the sum of the numbers of
    `vggcost.costs.memory_totals.MemoryTotals` that `of_totals` names. `text` writes a value as the tool does, None
    where it prints none. proof is as a `vggcost.conventions.convention.Convention`'s. `definition` names the definition
    of vggcost's whose place it takes, and `why` says what it does otherwise.
    """

    name: str
    tool: str
    release: str | None
    words: str
    unit: str
    proof: str
    source: str
    why: str
    text: Callable[[int], str] | None = None
    weights: Mapping[str, int] = {}
    element_bytes: int | None = None
    beside: int = 0
    one_image: bool = False
    of_count: str | None = None
    times: int = 1
    of_totals: tuple[str, ...] = ()
    definition: str | None = None

    @property
    def title(self) -> str:
        """Tool and release: ``torchinfo 1.8.0``."""
        return f"{self.tool} {self.release}" if self.release else self.tool

    @property
    def label(self) -> str:
        """The tool with its words, or a definition's key with what it is."""
        return f"{self.name} ({self.words})" if self.made_here else f"{self.title}, {self.words}"

    @property
    def made_here(self) -> bool:
        """Whether it is a definition of vggcost's own."""
        return self.tool == OWN

    def refusal(self, dtype: str) -> str | None:
        """Why the tool gives none in a dtype; None where it gives one."""
        if self.element_bytes is None or self.text is None or dtype in TAKEN_FOR_FLOAT32:
            return None
        return f"it takes every element for four bytes and feeds float32, which a network in {dtype} refuses"

    def value(self, sizes: Sizes) -> int | None:
        """The exact number behind what the tool prints of a network [unit]; None where it gives none."""
        if self.refusal(sizes.dtype):
            return None
        if self.of_totals:
            numbers = [getattr(sizes.totals, name) for name in self.of_totals]
            return None if None in numbers else sum(numbers)
        if self.of_count is not None:
            count = total(convention(self.of_count), sizes.counted)
            return None if count is None else count * self.times
        return sum(amount for _, _, amount in self.parts(sizes))

    def parts(self, sizes: Sizes) -> Iterator[tuple[int, str, int]]:
        """Yield the pieces of a value that has weights: a weight, what it weighs in words, and the product [unit]."""
        each = self.element_bytes or units.dtype_bytes(sizes.dtype)
        weighed = sizes.of_one_image if self.one_image else sizes
        for name, weight in self.weights.items():
            amount = weighed.amount(name)
            if amount:
                yield weight, AMOUNTS[name].words, weight * tensor_bytes(amount, each)
        if self.beside:
            yield 1, "of the Python object that holds the input", self.beside

    def consists(self, sizes: Sizes) -> str:
        """Its parts in words, each with what it is in the figure's unit; nothing where it is no such sum."""
        if self.of_totals or self.refusal(sizes.dtype):
            return ""
        if self.of_count is not None:
            return f"{self.times} x {total(convention(self.of_count), sizes.counted):,} that {self.of_count} counts"
        return " + ".join(
            f"{amount:,} {words}" if weight == 1 else f"{weight} x {amount // weight:,} {words}"
            for weight, words, amount in self.parts(sizes)
        )


class Quote(Record):
    """A number in print that no rule gives, beside what the rows under which it stands really sum to.

    figure names what sums those rows, network the configuration that they are of, at its own size; said is who prints
    what.
    """

    text: str
    said: str
    figure: str
    network: str
