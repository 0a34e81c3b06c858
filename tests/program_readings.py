"""Programs written by hand: a list of layers, each of which takes what the one before it gives."""

from vggcost.network.blocks import Add
from vggcost.network.layer import walk
from vggcost.network.layers import Conv2d, Linear
from vggcost.programs.reading import Operation, ProgramReading
from vggcost.programs.state import State

FLOAT32_BYTES = 4
IMAGE = (1, 3, 224, 224)


def reading_of(layers, shape=IMAGE, program="by hand"):
    """What a program of these layers does, in order."""
    operations = tuple(
        Operation(
            step.layer.replace(path=step.layer.path or step.layer.name),
            tuple(step.input),
            tuple(step.output),
            State.of(step.layer.params(), FLOAT32_BYTES, "float32"),
            step.ledger,
            branch=_joined(layers, step.layer),
        )
        for step in walk(layers, shape)
    )
    return ProgramReading(program, "by hand", (shape,), operations)


def _joined(layers, layer):
    if not isinstance(layer, Add):
        return 0
    block = next(each for each in layers if each.name == layer.name)
    return len(block.body) + len(block.shortcut)


def fitting(layers, shape=IMAGE):
    """The same layers with as many input channels and features as the one before gives."""
    found = []
    for layer in layers:
        found.append(_fitted(layer, shape))
        shape, _ = found[-1].apply(shape)
    return found


def _fitted(layer, shape):
    if isinstance(layer, Conv2d):
        return layer.replace(c_in=shape[1])
    if isinstance(layer, Linear):
        return layer.replace(in_features=shape[-1])
    return layer.replace(channels=shape[1]) if hasattr(layer, "channels") else layer
