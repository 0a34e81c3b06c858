"""Reads a file of weights as a program is read: which layers its tensors make, and which configuration they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.errors import VggcostError
from vggcost.frameworks.checkpoints.branches import residual_blocks
from vggcost.frameworks.checkpoints.contents import layers_in, stored_in
from vggcost.frameworks.checkpoints.signs import KIND_OF_ENDING
from vggcost.network import catalogue
from vggcost.network.blocks import Add
from vggcost.network.layers import Conv2d, Linear
from vggcost.network.ledger import Ledger
from vggcost.network.plan import DEFAULT_SIZE
from vggcost.programs.identify import among_the_papers, compare, packaged_twin
from vggcost.programs.network_reading import operations_of
from vggcost.programs.reading import Operation, ProgramReading
from vggcost.programs.state import NOTHING, State, total
from vggcost.units import DTYPE_BYTES, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.checkpoints.kinds import StoredLayer
    from vggcost.frameworks.checkpoints.stored import Stored, StoredTensor
    from vggcost.frameworks.target import Given
    from vggcost.network.plan import Network

    Ints = tuple[int, ...]

ENDINGS: tuple[str, ...] = tuple(KIND_OF_ENDING)
"""How the files that are read here end."""

UNMEASURED = "MACs are not known: neither pools nor strides are in a file of weights"
"""The first note of a file of weights that is no configuration."""


def read(path: str, given: Given) -> ProgramReading:
    """Return a file of weights as a reading: the whole network where its weights are those of a configuration.

    Pools, strides and activations are that configuration's then; the input is what is given, or the image that its
    linear layers take. Of any other file there are its layers alone, without inputs, outputs and MACs.

    Raises:
        MissingExtraError: what reads such a file is not installed.
        VggcostError: it is no file of weights (see `stored_in`), or is given what it does not take.
    """
    if given.call is not None:
        raise VggcostError(f"--call is for a program, and {path} is a file of weights; leave it away")
    stored = stored_in(path)
    layers = layers_in(stored)
    weights = _weights_alone(stored, layers)
    network = _configuration(weights)
    if network is None:
        return _with_branches(weights, layers)
    return _as_network(weights, network, _shape(weights, network, given))


def _weights_alone(stored: Stored, layers: Sequence[StoredLayer]) -> ProgramReading:
    """The layers as operations whose inputs and outputs nothing says."""
    seen: dict[object, int] = {}
    operations: list[Operation] = []
    for each in layers:
        states, shares = [_buffer(tensor) for tensor in each.part.buffers], None
        for tensor in each.part.learned:
            first = None if tensor.place is None else seen.setdefault(tensor.place, len(operations))
            if first is None or first == len(operations):
                states.append(State.stored(tensor.elements, tensor.nbytes, tensor.dtype))
            else:
                shares = first
        note = "shares its parameters" if shares is not None else each.words
        operations.append(Operation(each.layer, None, None, total(states), Ledger(), None, note, shares=shares))
    convs = [each.layer for each in layers if isinstance(each.layer, Conv2d)]
    shape = (1, convs[0].c_in if convs else 3, *_image(layers))
    return ProgramReading(
        stored.path,
        stored.kind,
        (shape,),
        tuple(operations),
        notes=(UNMEASURED, *stored.notes),
        dtype=_dtype([tensor for each in layers for tensor in each.part.learned]),
        weights_alone=True,
        file=f"a {stored.kind}",
    )


def _image(layers: Sequence[StoredLayer]) -> tuple[int, int]:
    """The image at which five halvings yield what the first linear layer takes, square; 224 where there is none."""
    from math import isqrt

    width = None
    for each in layers:
        if isinstance(each.layer, Conv2d):
            width = each.layer.c_out
        elif isinstance(each.layer, Linear) and width is not None:
            places, rest = divmod(each.layer.in_features, width)
            side = isqrt(places)
            return (32 * side, 32 * side) if not rest and side * side == places else DEFAULT_SIZE
    return DEFAULT_SIZE


def _buffer(tensor: StoredTensor) -> State:
    return State(buffers=tensor.elements, buffer_bytes=tensor.nbytes)


def _dtype(tensors: Sequence[StoredTensor]) -> str:
    """The dtype of most parameters, among those that there are names for."""
    elements: dict[str, int] = {}
    for tensor in tensors:
        elements[tensor.dtype] = elements.get(tensor.dtype, 0) + tensor.elements
    known = {dtype: number for dtype, number in elements.items() if dtype in DTYPE_BYTES}
    return max(known, key=known.__getitem__) if known else "float32"


def _configuration(weights: ProgramReading) -> Network | None:
    """The configuration, the paper's or a packaged one, that has these weights and no others."""
    paper = among_the_papers(weights)
    if paper.same:
        return paper.network
    twin = packaged_twin(weights)
    return None if twin is None else compare(weights, catalogue.find(twin)).network


def _with_branches(weights: ProgramReading, layers: Sequence[StoredLayer]) -> ProgramReading:
    """The layers of a file with the addition at the end of each residual block."""
    ends = {end: (end - start, name) for start, end, name in residual_blocks(layers)}
    operations: list[Operation] = []
    for place, operation in enumerate(weights.operations, 1):
        operations.append(operation)
        if place in ends:
            branch, name = ends[place]
            made = Operation(Add(name, name, ()), None, None, NOTHING, Ledger(), None, Add.noun, branch)
            operations.append(made)
    return weights.replace(operations=tuple(operations))


def _as_network(weights: ProgramReading, network: Network, shape: Ints) -> ProgramReading:
    """The network that the weights are, at this input, with the paths and parameters of the file."""
    own = iter(operation for operation in weights.operations if operation.layer.params_call() is not None)
    operations = []
    for operation in operations_of(network, shape):
        stored = next(own) if operation.layer.params_call() is not None else None
        layer = operation.layer.replace(path=None if stored is None else stored.layer.path)
        operations.append(operation.replace(layer=layer, state=NOTHING if stored is None else stored.state))
    taken = f"pools, strides, padding and activations are not in a file of weights: they are taken as {network.name}'s"
    also = ("A-LRN has the same weights as A",) if network.name == "A" else ()
    return weights.replace(
        inputs=(shape,), operations=tuple(operations), notes=(taken, *also, *weights.notes[1:]), weights_alone=False
    )


def _shape(weights: ProgramReading, network: Network, given: Given) -> Ints:
    channels = network.variant.in_channels
    if given.arguments is None:
        return (given.batch, channels, *(given.size or weights.image or network.image))
    shapes = given.arguments.shapes()
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != channels:
        raise VggcostError(
            f"{weights.program} is {network.title}, which takes one image of {counted(channels, 'channel')}; give one"
            f" --input {channels}xHxW, or --size"
        )
    return shapes[0]
