"""Which activations follow which layer, in a configuration and in a program; what stands in another order."""

from __future__ import annotations

from vggcost import units
from vggcost.network.blocks import Add, Residual
from vggcost.network.layers import Flatten, Linear, LocalResponseNorm, ReLU
from vggcost.network.products import MatMul
from vggcost.programs.differences import Difference, span
from vggcost.programs.pieces import is_norm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.network.layer import Layer
    from vggcost.network.plan import Network
    from vggcost.programs.differences import Pair
    from vggcost.programs.reading import ProgramReading


def expected(layers: Sequence[Layer]) -> dict[str, str | None]:
    """Return the ReLU behind each convolution and linear layer outside of residual blocks, both by name."""
    found: dict[str, str | None] = {}
    last: str | None = None
    for layer in layers:
        if layer.weighted:
            last = layer.name
            found[last] = None
        elif isinstance(layer, Residual):
            last = None
        elif layer.activation and last is not None:
            found[last] = layer.name
    return found


def read(reading: ProgramReading) -> dict[int, tuple[str, ...]]:
    """Return the activations behind each convolution and linear layer of a program, by its place."""
    found: dict[int, tuple[str, ...]] = {}
    last: int | None = None
    for place, operation in enumerate(reading.operations):
        layer = operation.layer
        if layer.weighted:
            last = place
            found[place] = ()
        elif isinstance(layer, Add | MatMul):
            last = None
        elif last is not None and layer.activation:
            found[last] = (*found[last], layer.kind)
    return found


def other_activations(pairs: Sequence[Pair], network: Network, reading: ProgramReading) -> Iterator[Difference]:
    """Activations that are missing, of another kind or more than the configuration's, outside of residual blocks.

    Those that are unlike in the same way are one difference.
    """
    theirs, found = expected(network.layers), read(reading)
    groups: dict[tuple[str, str | None], list[tuple[str, str | None]]] = {}
    for pair in pairs:
        if pair.theirs is None or pair.ours is None or pair.ours.operation not in found or pair.ours.residual:
            continue
        name = pair.theirs.layer.name
        if name not in theirs:
            continue
        relu, kinds = theirs[name], found[pair.ours.operation]
        if set(kinds) == ({"ReLU"} if relu else set()):
            continue
        change = "missing" if not kinds else "different" if relu else "extra"
        groups.setdefault((change, " and ".join(kinds) or None), []).append((name, relu))
    for (change, words), places in groups.items():
        yield _activations(change, words, places, tuple(theirs))


def _activations(
    change: str, found: str | None, places: Sequence[tuple[str, str | None]], order: Sequence[str]
) -> Difference:
    """One line for all places where activations are unlike in one way: ``relu1_1 missing behind conv1_1``."""
    behind, relu = places[0]
    where = span([name for name, _ in places], order)
    if change == "missing":
        words = f"{relu if len(places) == 1 else 'ReLU'} missing behind {where}"
    elif change == "extra":
        words = f"{found} behind {where}: not in it"
    elif len(places) == 1:
        words = f"{relu} behind {where}: is {found}"
    else:
        words = f"{found} in place of ReLU behind {where}"
    return Difference(
        change=change,
        layer=relu,
        path=None,
        source=None,
        expected=ReLU.noun if relu else None,
        found=found,
        params=0,
        macs=0,
        behind=behind,
        layers=tuple(name for _, name in places if name is not None),
        words=words,
    )


def order_changes(pairs: Sequence[Pair], network: Network, reading: ProgramReading) -> Iterator[Difference]:
    """Normalizations on the other side of their activation: one difference for all of a kind."""
    orders = _orders([(layer.name, layer) for layer in network.layers])
    own = _orders(list(enumerate(operation.layer for operation in reading.operations)))
    swapped: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        if pair.theirs is None or pair.ours is None or not pair.theirs.layer.weighted or pair.ours.residual:
            continue
        theirs, ours = orders.get(pair.theirs.layer.name, ()), own.get(pair.ours.operation, ())
        if theirs != ours and sorted(theirs) == sorted(ours):
            first = next(both for both in zip(ours, theirs, strict=True) if both[0] != both[1])
            swapped.setdefault(first, []).append(pair.theirs.layer.name)
    for (earlier, later), names in swapped.items():
        where = span(names, [layer.name for layer in network.layers if layer.weighted])
        yield _structural("order", names, f"{earlier} before {later}, not behind it, at {where}")


def _orders(layers: Sequence[tuple[int | str, Layer]]) -> dict[int | str | None, tuple[str, ...]]:
    """In which order normalization and activation follow each weight layer."""
    found: dict[int | str | None, tuple[str, ...]] = {}
    last: int | str | None = None
    for place, layer in layers:
        if layer.weighted:
            last = place
        elif layer.activation and last is not None:
            found[last] = (*found.get(last, ()), "activation")
        elif last is not None and (is_norm(layer) or isinstance(layer, LocalResponseNorm)):
            found[last] = (*found.get(last, ()), "normalization")
    return found


def shape_changes(pairs: Sequence[Pair], reading: ProgramReading) -> Iterator[Difference]:
    """A flatten that is missing before the first linear layer, or one that folds images into one another."""
    first = next(
        (
            pair
            for pair in pairs
            if pair.theirs is not None and pair.ours is not None and isinstance(pair.theirs.layer, Linear)
        ),
        None,
    )
    if first is None or first.theirs is None or first.ours is None or not isinstance(first.ours.layer, Linear):
        return
    shape = reading.operations[first.ours.operation or 0].input
    if shape is None:
        return
    name, batch = first.theirs.layer.name, reading.inputs[0][0]
    if len(shape) > 2:
        words = f"{Flatten.noun} missing before {name}, which gets {units.shape_text(shape)}"
        yield _structural("flatten", (name,), words)
    elif shape[0] != batch:
        images = units.counted(batch, "image")
        words = f"{Flatten.noun} folds the batch: {name} gets {units.counted(shape[0], 'row')} for {images}"
        yield _structural("batch", (name,), words)


def _structural(change: str, names: Sequence[str], words: str) -> Difference:
    """A difference that is no layer's alone."""
    return Difference(
        change=change,
        layer=names[0],
        path=None,
        source=None,
        expected=None,
        found=None,
        params=0,
        macs=0,
        layers=tuple(names),
        words=words,
    )
