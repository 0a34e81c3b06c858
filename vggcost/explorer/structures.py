"""A network in symbols: every row's numbers and every moment's bytes as expressions over named sizes.

A structure is a configuration with or without batch normalization, under one kind of head. Batch, classes, image,
channels, hidden widths and bytes of an element are symbols there. A size that a window yields gets a symbol of its own,
so that every other expression is a polynomial and no floor stands in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from vggcost.conventions.rows import CONVENTIONS
from vggcost.costs import course, memory, training
from vggcost.costs.storages import Widths
from vggcost.costs.table import Row, summed
from vggcost.explorer import traced
from vggcost.explorer.terms import Width, terms
from vggcost.explorer.traced import Traced
from vggcost.formulas import forward
from vggcost.formulas.memory import tensor_bytes
from vggcost.network.blocks import Add, Residual
from vggcost.network.layer import walk
from vggcost.network.ledger import Ledger
from vggcost.network.unfold import conv_widths, unfold
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from vggcost.costs.course import Peak
    from vggcost.costs.liveness import Lifetimes
    from vggcost.costs.table import Table
    from vggcost.network.layer import Layer, Shape, Size, Step
    from vggcost.network.plan import Configuration


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, integer=True, positive=True)


N, K, H, W, E, S = (_symbol(name) for name in ("N", "K", "h", "w", "e", "s"))
"""Batch, classes, the image's height and width [pixels], bytes of an element and of a batch's statistic."""


class Head(Record):
    """A kind of head.

    hidden: how many hidden linear layers it has, None where no classifier follows the features. own: whether its widths
    are a head of one's own; the paper's takes 7x7 positions, adaptive pool or not.
    """

    hidden: int | None
    adaptive_pool: bool = True
    own: bool = True


class LayerForms(Record):
    """A row in symbols: the expressions by name, and how each convention counts it, as JavaScript.

    output is the shape; expressions has params, macs, flops, weight_bytes, output_bytes, saved_bytes and ledger_*.
    """

    name: str
    kind: str
    input: tuple[Any, ...]
    output: tuple[Any, ...]
    expressions: Mapping[str, Any]
    counts: tuple[str, ...]


class MomentForms(Record):
    """A moment that can be the largest: when it is, and its bytes by part, without what is held all the time."""

    phase: str
    layer: str | None
    parts: Mapping[str, Any]


class Fits(Record):
    """What a layer takes and what it gets, where the two are not one expression."""

    layer: str
    what: str
    takes: Any
    gets: Any


class StructureForms(Record):
    """A network in symbols.

    sizes: the symbols of the sizes that windows yield, each with its expression, in order. forward: the moments of a
    forward call; step: those of a training step's forward and backward pass. updates: for each optimizer what it keeps
    between steps and what its step makes on its way.
    """

    sizes: Mapping[Any, Any]
    layers: tuple[LayerForms, ...]
    fits: tuple[Fits, ...]
    held: Mapping[str, Any]
    forward: tuple[MomentForms, ...]
    step: tuple[MomentForms, ...]
    updates: Mapping[str, tuple[Any, Any]]


def channels_of(plan: Configuration) -> dict[int, sympy.Symbol]:
    """The symbol that each of a plan's widths has become under the width factor."""
    return {width: _symbol(f"c{width}") for width in conv_widths(plan)}


def scaled_channels(plan: Configuration) -> dict[Any, Any]:
    """What each of them is under the width factor p / q."""
    factor = _symbol("p") / _symbol("q")
    return {
        symbol: sympy.Max(1, forward.scaled_width(sympy.Integer(width), factor))
        for width, symbol in channels_of(plan).items()
    }


def structure(plan: Configuration, head: Head, *, batch_norm: bool) -> StructureForms:
    """Return a configuration's structure under a kind of head."""
    hidden = None if head.hidden is None else tuple(_symbol(f"f{place}") for place in range(1, head.hidden + 1))
    variant = plan.variant.replace(
        batch_norm=batch_norm,
        classes=K,
        classifier=hidden is not None,
        head=hidden if head.own else None,
        adaptive_pool=head.adaptive_pool,
    )
    sizes = _Sizes()
    channels = channels_of(plan)
    plain = unfold(plan, variant, (H, W), channels=lambda width, _: channels[width])
    network = plain.replace(layers=tuple(sizes.naming(layer) for layer in plain.layers))
    shape = (N, variant.in_channels, H, W)
    fits = _Checks()
    counted = summed(network, shape, walk(network.layers, shape, fits))
    way = training.Training()
    widths = Widths(Width(E), Width(S), Width(8))  # type: ignore[arg-type]  # bytes that are symbols
    ahead = memory.lived_in(widths, network, shape, training=False, in_place=True)
    back = memory.lived_in(
        widths, network, shape, training=True, in_place=True, trains=way.trains, watched=course.EVERY_MOMENT
    )
    peaks = course.course_of(counted, widths.element, way, back)
    return StructureForms(
        dict(sizes.named),
        tuple(_layers(counted, back, sizes)),
        tuple(fits.found),
        _held(counted, back, way),
        tuple(_largest([(moment, {"working_bytes": moment.bytes}) for moment in ahead.alive.moments])),
        tuple(_largest([(each, _parts(each)) for each in peaks if each.phase != "step"])),
        {name: _update(counted, training.Training(name)) for name in training.STATES},
    )


class _Sizes:
    """The sizes that windows yield, each under a name of its own."""

    def __init__(self) -> None:
        self.named: dict[Any, Any] = {}
        self._by_expression: dict[Any, Any] = {}

    def name(self, size: Size) -> Size:
        """Return a size with a symbol in place of each floor."""
        for each in sorted(sympy.sympify(size).atoms(sympy.floor), key=sympy.default_sort_key):
            if each not in self._by_expression:
                axis = "h" if each.free_symbols & {H, *(s for s in self.named if s.name[0] == "h")} else "w"
                made = _symbol(f"{axis}{1 + sum(other.name[0] == axis for other in self.named)}")
                self._by_expression[each] = made
                self.named[made] = each
        return sympy.sympify(size).xreplace(self._by_expression)

    def naming(self, layer: Layer) -> Layer:
        """Return a layer of the same kind whose outputs have names."""
        if isinstance(layer, Residual):
            body, shortcut = (tuple(self.naming(each) for each in part) for part in (layer.body, layer.shortcut))
            return layer.replace(body=body, shortcut=shortcut)
        kind = type(layer)

        def apply(own: Layer, shape: Shape) -> tuple[Shape, Ledger]:
            output, ledger = kind.apply(own, shape)
            return tuple(self.name(size) for size in output), ledger

        made = type(kind.__name__, (kind,), {"apply": apply, "__module__": vars(kind)["__module__"]})
        return made(**{name: getattr(layer, name) for name in layer._fields})  # type: ignore[no-any-return]


class _Checks:
    """What the int door asks of every layer: what is no identity of expressions is asked of the numbers."""

    def __init__(self) -> None:
        self.found: list[Fits] = []

    def __call__(self, layer: Layer, shape: Shape) -> None:
        """Note what a layer takes and gets."""
        takes = layer.takes()
        if takes is not None:
            self._note(layer, takes[0], takes[2], shape[takes[1]])
        if isinstance(layer, Add):
            for one, other in zip(shape[1:], layer.other[1:], strict=True):
                self._note(layer, "of a side or of channels", other, one)

    def _note(self, layer: Layer, what: str, takes: Size, gets: Size) -> None:
        if sympy.expand(takes - gets) != 0:
            self.found.append(Fits(layer.name, what, takes, gets))


def _layers(counted: Table, lives: Lifetimes, sizes: _Sizes) -> Iterable[LayerForms]:
    saved = training.saved_by_layer(lives) if lives.gradients else {}
    before: Step | None = None
    for step in counted.steps:
        params = step.layer.params()
        ledger = {f"ledger_{name}": sizes.name(value) for name, value in step.ledger.items()}
        macs = sizes.name(step.ledger.macs)
        expressions = {
            "params": params,
            "macs": macs,
            "flops": forward.flops(macs),
            "weight_bytes": tensor_bytes(params, E),
            "output_bytes": lives.output_bytes[step.layer.name],
            "saved_bytes": saved.get(step.layer.name, 0),
            **ledger,
        }
        counts = _counts(step, before)
        yield LayerForms(step.layer.name, step.layer.kind, step.input, step.output, expressions, counts)
        before = step


_known: dict[Any, tuple[str, ...]] = {}
"""What the conventions count, by all that a row's counts depend on as functions of its shapes and its ledger."""


def _counts(step: Step, before: Step | None) -> tuple[str, ...]:
    """How each convention counts a row, as JavaScript."""
    parents = [(each.layer.path or "").rpartition(".")[0] for each in (step, before) if each is not None]
    key = (*map(_countable, (step, before)), len(set(parents)))
    if key not in _known:
        row, front = _traced_row(step, "L"), None if before is None else _traced_row(before, "B")
        _known[key] = tuple(traced.count(convention, row, front) for convention in CONVENTIONS)
    return _known[key]


def _countable(step: Step | None) -> Any:
    if step is None:
        return None
    layer = step.layer
    fields = tuple(value for name in layer._fields if not isinstance(value := getattr(layer, name), sympy.Expr | str))
    plain = tuple(
        value for value in fields if not isinstance(value, tuple) or all(isinstance(each, int) for each in value)
    )
    return layer.kind, plain, tuple(step.ledger), len(step.input), len(step.output)


def _traced_row(step: Step, ledger: str) -> Row:
    """A row whose numbers are the arguments of a function of JavaScript: shapes I and O, a ledger, the batch N."""
    of_input, of_output = (
        (Traced(N, is_positive=True), *(Traced(_symbol(f"{name}[{axis}]")) for axis in range(1, len(shape))))
        for name, shape in (("I", step.input), ("O", step.output))
    )
    counts = Ledger(**{name: Traced(sympy.Symbol(f"{ledger}.{name}", integer=True)) for name in step.ledger})
    named = step.layer.replace(name=f"{traced.OPEN}name{traced.CLOSE}")
    return Row(named, of_input, of_output, Traced(0), Traced(0), counts)  # type: ignore[arg-type]  # numbers of JavaScript


def _held(counted: Table, lives: Lifetimes, way: training.Training) -> dict[str, Any]:
    return {
        "weight_bytes": tensor_bytes(counted.params, E),
        "buffer_bytes": memory.buffer_bytes(counted, E),
        "input_bytes": lives.image.storage.bytes,
        "gradient_bytes": training.trainable_bytes(counted, E, way),
    }


def _update(counted: Table, way: training.Training) -> tuple[Any, Any]:
    """What an optimizer keeps between steps, and what its step makes on its way [B]."""
    state = training.state_bytes(training.trainable_bytes(counted, E, way), way)
    (making,) = training.updates(counted, E, way)
    return state, making


PARTS = ("live_gradient_bytes", "live_saved_bytes", "working_bytes")
"""What a moment of a step is made of, beside what is held all the time."""


def _parts(peak: Peak) -> dict[str, Any]:
    return {name: getattr(peak, name) for name in PARTS}


def _largest(moments: Sequence[tuple[Any, Mapping[str, Any]]]) -> Iterable[MomentForms]:
    """Leave out the moments that are never the largest: another has every term of theirs, in no smaller number.

    Every symbol is a whole number of at least 1. Of equal ones the first stays.
    """
    every = [terms(sum(parts.values())) for _, parts in moments]
    for place, (moment, parts) in enumerate(moments):
        below = every[place]
        if not any(
            other.covers(below) and (at < place or not below.covers(other))
            for at, other in enumerate(every)
            if at != place
        ):
            yield MomentForms(moment.phase, moment.layer, parts)
