"""What a file of weights holds: its tensors, and the layers that they make, in the order in which they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.errors import VggcostError
from vggcost.frameworks.checkpoints.kinds import LAYOUTS, layer_of
from vggcost.frameworks.checkpoints.order import breaks, ordered, takes
from vggcost.frameworks.checkpoints.parts import parts_of
from vggcost.frameworks.checkpoints.signs import HDF5, KERAS, SAFETENSORS, kind_of_file
from vggcost.frameworks.checkpoints.stored import is_average
from vggcost.network.layers import Conv2d, Linear
from vggcost.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.checkpoints.kinds import StoredLayer
    from vggcost.frameworks.checkpoints.stored import Stored


def stored_in(path: str) -> Stored:
    """Return what a file of weights holds.

    Raises:
        MissingExtraError: what reads such a file is not installed.
        VggcostError: it cannot be read, is empty, truncated, of another kind than its name says, holds code, or no
            weights.
    """
    kind = kind_of_file(path)
    if kind == SAFETENSORS:
        from vggcost.frameworks.checkpoints import safetensors_file

        stored = safetensors_file.read(path)
    elif kind in (KERAS, HDF5):
        from vggcost.frameworks.checkpoints import hdf5_file

        stored = hdf5_file.read(path, kind)
    else:
        from vggcost.frameworks.checkpoints import torch_file

        stored = torch_file.read(path)
    if not stored.tensors:
        raise VggcostError(f"{path} holds no tensors, so it is no model's weights", file=path)
    return _without_averages(stored)


def layers_in(stored: Stored) -> tuple[StoredLayer, ...]:
    """Return the layers of a file in the order in which a network runs them.

    Axes are taken as the file's kind lays them out, unless another layout makes more of the layers fit together.
    """
    parts = parts_of(stored.tensors)
    layouts = sorted(LAYOUTS, key=lambda layout: layout != stored.layout)
    found = [ordered([layer_of(part, layout) for part in parts]) for layout in layouts]
    return _grouped(min(found, key=breaks))


def _grouped(layers: Sequence[StoredLayer]) -> tuple[StoredLayer, ...]:
    """Layers whose convolutions have the groups that make them fit: as many as what comes is wider than one takes."""
    width: int | None = None
    found = []
    for stored in layers:
        layer = stored.layer
        if isinstance(layer, Conv2d):
            groups = width // layer.c_in if width is not None and takes(layer, width) else 1
            if groups > 1 and layer.c_out % groups == 0:
                layer = layer.replace(c_in=width, groups=groups)
            width = layer.c_out
        elif isinstance(layer, Linear):
            width = layer.out_features
        found.append(stored.replace(layer=layer))
    return tuple(found)


def _without_averages(stored: Stored) -> Stored:
    """The tensors without moving averages of them that stand beside them."""
    averages = [tensor for tensor in stored.tensors if is_average(tensor.name)]
    if not averages or len(averages) == len(stored.tensors):
        return stored
    kept = tuple(tensor for tensor in stored.tensors if not is_average(tensor.name))
    note = f"{counted(len(averages), 'tensor')} of a moving average of the weights stand beside them: not counted"
    return stored.replace(tensors=kept, notes=(*stored.notes, note))
