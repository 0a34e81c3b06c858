"""The formulas called with symbols: a network's cost and memory as polynomials in batch, classes and image size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sympy

from vggcost.costs import training as training_costs
from vggcost.costs.arguments import public
from vggcost.costs.memory import lived
from vggcost.costs.memory_totals import totals_of
from vggcost.costs.polynomials import can_be_largest
from vggcost.costs.table import checked_count, summed
from vggcost.errors import VggcostError
from vggcost.formulas import forward, windows
from vggcost.network import catalogue, unfold
from vggcost.network.blocks import Residual
from vggcost.network.layer import walk
from vggcost.network.layers import Linear
from vggcost.network.ledger import Ledger
from vggcost.record import Record
from vggcost.units import dtype_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vggcost.costs.memory_totals import MemoryTotals
    from vggcost.costs.storages import Moment
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training
    from vggcost.network.catalogue import Configuration, Network, Variant
    from vggcost.network.layer import Size, Step
    from vggcost.units import Dtype

N, K, a, b = SYMBOLS = sympy.symbols("N K a b", integer=True, positive=True)
"""Batch, classes, and the image's height and width in units of 32 pixels."""

POOLING = 32
"""What five pools divide an image by; sizes that are no multiple of it leave nested floors, and so no polynomial."""


QUANTITIES = ("params", "macs", "bias_adds", "weight_layer_output_elements", "output_elements")
"""The names of a closed form's expressions."""


PEAKS = ("peak_bytes", "training_peak_bytes")
"""The names of what is a maximum over moments, in the order in which `totals_of` asks for them."""


class ClosedForm(Record):
    """A network's cost as sympy expressions in N, K, a, b.

    params: learned parameters [elements]; macs: multiply-accumulates [MAC]; bias_adds: additions of a bias
    [additions]; weight_layer_output_elements: those of the outputs of convolutions and linear layers; output_elements:
    those of every layer's output. image is (height, width) in pixels, batch the images of one call, unit the pixels
    that a and b count in. usual has the classes, height and width that `at` takes where none are given.
    """

    network: Network
    image: tuple[Size, Size]
    batch: Size
    unit: int
    params: sympy.Expr
    macs: sympy.Expr
    bias_adds: sympy.Expr
    weight_layer_output_elements: sympy.Expr
    output_elements: sympy.Expr
    usual: tuple[int, int, int] = (1000, 224, 224)

    def _repr_latex_(self) -> str:
        return _latex(self.quantities())

    def __repr__(self) -> str:
        return f"<vggcost {self.network.title}: {self.params} parameters, {self.macs} MACs; at(...) evaluates>"

    @property
    def symbolic_image(self) -> bool:
        """Whether the image is in a and b."""
        return not all(isinstance(side, int) for side in self.image)

    def quantities(self) -> dict[str, sympy.Expr]:
        """The expressions by name."""
        return {name: getattr(self, name) for name in QUANTITIES}

    def at(
        self, batch: int = 1, classes: int | None = None, height: int | None = None, width: int | None = None
    ) -> dict[str, int]:
        """The quantities' values for one batch, number of classes and image [pixels], by name.

        What is not given is as a command has it: one image, the configuration's classes and size.

        Raises:
            VggcostError: a height or width that is no multiple of the unit.

        >>> from vggcost import closed_form
        >>> closed_form("D").at(batch=64)["macs"]
        990096916480
        """
        values = self.values(batch, classes, height, width)
        return {name: int(expression.xreplace(values)) for name, expression in self.quantities().items()}

    def values(
        self, batch: int = 1, classes: int | None = None, height: int | None = None, width: int | None = None
    ) -> dict[sympy.Symbol, sympy.Integer]:
        """The symbols' values for one batch, number of classes and image [pixels]; see `at`.

        Raises:
            VggcostError: a height or width that is no multiple of the unit.
        """
        usual_classes, usual_height, usual_width = self.usual
        classes = usual_classes if classes is None else classes
        if height is None:
            width = usual_width if width is None else width
            height = usual_height
        width = height if width is None else width
        given = {"batch": batch, "classes": classes, "height": height, "width": width}
        batch, classes, height, width = (checked_count(value, name) for name, value in given.items())
        if self.symbolic_image and (height % self.unit or width % self.unit):
            raise VggcostError(f"the closed forms hold for multiples of {self.unit} pixels and got {height}x{width}")
        numbers = (batch, classes, height // self.unit, width // self.unit)
        return {symbol: sympy.Integer(number) for symbol, number in zip(SYMBOLS, numbers, strict=True)}

    @public
    def memory(
        self,
        dtype: Dtype = "float32",
        *,
        training: bool = False,
        optimizer: str = "sgd",
        implementation: str | None = None,
        accumulate: int = 1,
        freeze: Sequence[str] = (),
        checkpoint: bool = False,
        master_weights: bool = False,
        in_place: bool = True,
        mixed: str | None = None,
    ) -> MemoryForm:
        """The closed forms of the memory; the arguments are those of `vggcost.memory`.

        Raises:
            VggcostError: as `vggcost.memory`.

        >>> from vggcost import closed_form
        >>> closed_form("D").memory(training=True).totals.saved_bytes
        2048*N*(729*a*b + 97)
        """
        counted = self.counted()
        how = None
        if training:
            passes = checked_count(accumulate, "accumulate")
            whether = {"checkpoint": checkpoint, "master_weights": master_weights}
            how = training_costs.checked(counted, optimizer, implementation, passes, freeze, **whether)
        return memory_of(self, counted, dtype, how, in_place=in_place, mixed=mixed)

    def layer(self, name: str) -> ClosedForm:
        """The closed forms of one layer; a residual block's are the sums of its layers and its addition.

        Raises:
            VggcostError: the network has no such layer.
        """
        layer = self.network.layer(name)
        names = {name}
        if isinstance(layer, Residual):
            names.update(inner.name for inner in (*layer.body, *layer.shortcut))
        return self._of([step for step in self.steps() if step.layer.name in names])

    def parts(self) -> dict[str, ClosedForm]:
        """The closed forms of the features and of the classifier, which begins with the first linear layer.

        They add up to the whole.
        """
        steps = self.steps()
        first = next((i for i, step in enumerate(steps) if isinstance(step.layer, Linear)), len(steps))
        return {"features": self._of(steps[:first]), "classifier": self._of(steps[first:])}

    def counted(self) -> Table:
        """The table of the symbolic walk, which is checked by nobody."""
        return summed(self.network, (self.batch, self.network.variant.in_channels, *self.image), self.steps())

    def steps(self) -> tuple[Step, ...]:
        """The symbolic walk that the expressions are summed over."""
        return _steps(self.network, self.image, self.batch)

    def _of(self, steps: Sequence[Step]) -> ClosedForm:
        return ClosedForm(self.network, self.image, self.batch, self.unit, *_sums(steps)).replace(usual=self.usual)


class MemoryForm(Record):
    """A network's memory as sympy expressions in N, K, a, b [B], in one dtype and one way of training, or none.

    totals has the names of ``vggcost.memory(...).totals``; peak_bytes and training_peak_bytes are there the sympy.Max
    of their moments. moments has, by these two names, each moment that can be the largest, in the order of time.
    """

    form: ClosedForm
    dtype: str
    training: Training | None
    in_place: bool
    mixed: str | None
    totals: MemoryTotals
    moments: Mapping[str, tuple[Moment, ...]]

    def quantities(self) -> dict[str, sympy.Expr]:
        """The expressions by name; those of training where one is asked for."""
        values = {name: getattr(self.totals, name) for name in self.totals._fields}
        return {name: value for name, value in values.items() if value is not None}

    def _repr_latex_(self) -> str:
        return _latex(self.quantities())

    def at(
        self, batch: int = 1, classes: int | None = None, height: int | None = None, width: int | None = None
    ) -> dict[str, int]:
        """The quantities' values for one batch, number of classes and image [pixels], by name.

        What is not given is as a command has it: one image, the configuration's classes and size.

        Raises:
            VggcostError: a height or width that is no multiple of the unit.
        """
        values = self.form.values(batch, classes, height, width)
        found = {}
        for name, expression in self.quantities().items():
            # Max would compare polynomials before it has numbers, which takes a hundred times as long.
            each = [moment.bytes for moment in self.moments[name]] if name in self.moments else [expression]
            found[name] = max(int(one.xreplace(values)) for one in each)
        return found

    def __repr__(self) -> str:
        what = "a forward call" if self.training is None else "a training step"
        return f"<vggcost memory of {self.form.network.title} in {what}, in closed form; at(...) evaluates>"


def memory_of(
    form: ClosedForm, counted: Table, dtype: str, training: Training | None, *, in_place: bool, mixed: str | None = None
) -> MemoryForm:
    """Return the closed forms of a network's memory, given the table of its symbolic walk.

    Raises:
        VggcostError: dtype, mixed and training do not go together; a training step of a network without parameters.
    """
    if mixed is not None:
        training_costs.check_mixed(mixed, dtype)
    if training is not None:
        training_costs.check_dtype(dtype, mixed=mixed, master_weights=training.master_weights)
    found: list[tuple[Moment, ...]] = []

    def largest(moments: Iterable[Moment]) -> sympy.Expr:
        every = tuple(moments)
        places = can_be_largest([moment.bytes for moment in every], SYMBOLS)
        kept = tuple(every[place].replace(bytes=sympy.factor(every[place].bytes)) for place in places)
        found.append(kept)
        return sympy.Max(*(moment.bytes for moment in kept), evaluate=len(kept) == 1)

    each = dtype_bytes(dtype)
    run: dict[str, Any] = {"in_place": in_place, "low_bytes": 0 if mixed is None else dtype_bytes(mixed)}
    trains: dict[str, Any] = {} if training is None else {"trains": training.trains}
    forward = lived(counted, each, training=False, **trains, **run)
    trained = None if training is None else (training, training_costs.lived(counted, each, training, **run))
    totals = totals_of(counted, each, forward, trained, largest)
    peaks = dict(zip(PEAKS, found, strict=False))
    others = {
        name: sympy.factor(value)
        for name in totals._fields
        if (value := getattr(totals, name)) is not None and name not in peaks
    }
    return MemoryForm(form, dtype, training, in_place, mixed, totals.replace(**others), peaks)


def of_configuration(
    plan: Configuration, variant: Variant, size: tuple[int, int] | None = None, batch: int | None = None
) -> ClosedForm:
    """Return a configuration's closed forms; a size or batch that is given takes the place of its symbols."""
    unit = math.lcm(POOLING, unfold.total_stride(plan))
    image: tuple[Size, Size] = size or fixed_image(plan, variant) or (unit * a, unit * b)
    classes = variant.classes if isinstance(variant.classes, int) else plan.variant.classes
    form = of_network(catalogue.unfolded(plan, variant, image), image, N if batch is None else batch, unit)
    height, width = plan.size if form.symbolic_image else form.image
    return form.replace(usual=(classes, height, width))


def fixed_image(plan: Configuration, variant: Variant) -> tuple[int, int] | None:
    """Return the one image (height, width) that fits the paper's head without adaptive pool [pixels].

    fc6 takes 7x7 positions then; None where any image does.
    """
    if variant.adaptive_pool or variant.head is not None or not variant.classifier:
        return None
    stride = unfold.total_stride(plan)
    height, width = catalogue.FEATURE_MAP
    return windows.field_stride(stride, height), windows.field_stride(stride, width)


def of_network(network: Network, image: tuple[Size, Size], batch: Size = N, unit: int = POOLING) -> ClosedForm:
    """Return the closed forms of any network over an image of this height and width."""
    return ClosedForm(network, image, batch, unit, *_sums(_steps(network, image, batch)))


def _latex(quantities: Mapping[str, sympy.Expr]) -> str:
    """Equations for a notebook, a line each."""
    lines = (
        rf"\text{{{name.replace('_', ' ')}}} &= {sympy.latex(expression)}" for name, expression in quantities.items()
    )
    return "$$\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}$$"


def _steps(network: Network, image: tuple[Size, Size], batch: Size) -> tuple[Step, ...]:
    return tuple(walk(network.layers, (batch, network.variant.in_channels, *image)))


def _sums(steps: Sequence[Step]) -> tuple[sympy.Expr, ...]:
    ledger = Ledger()
    params: Any = sympy.Integer(0)
    of_weight_layers = outputs = params
    for step in steps:
        ledger = ledger + step.ledger
        params = params + step.layer.params()
        elements = forward.elements(step.output)
        outputs = outputs + elements
        if step.layer.weighted:
            of_weight_layers = of_weight_layers + elements
    bias_adds = ledger["conv_bias_adds"] + ledger["linear_bias_adds"]
    return tuple(sympy.factor(total) for total in (params, ledger.macs, bias_adds, of_weight_layers, outputs))
