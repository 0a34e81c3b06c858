"""Entries of networks made by hand, and every change of one layer that a lock has to see."""

from program_readings import fitting, reading_of

from vggcost.lock.facts import entry_of
from vggcost.lock.standard import Standard, held
from vggcost.network import catalogue
from vggcost.network.layers import Conv2d, Linear
from vggcost.network.plan import Configuration
from vggcost.programs.identify import compare
from vggcost.programs.network_reading import operations_of
from vggcost.programs.reading import ProgramReading

D = catalogue.find("D")
WEIGHT_LAYERS = tuple(layer.name for layer in catalogue.unfolded(D, D.variant).layers if layer.weighted)


def network_entry(features=D.features, size=(224, 224), **options):
    """The entry of a network file's network: its layers are called by where they stand."""
    variant = D.variant.replace(**options)
    network = catalogue.unfolded(Configuration("net", tuple(features), "", "", variant), variant, size)
    shape = (1, network.variant.in_channels, *network.image)
    reading = ProgramReading("net", "network file", (shape,), operations_of(network, shape))
    return entry_of("net", reading)


def layers_of(name="D", **options):
    """The layers of a configuration, to be changed."""
    plan = catalogue.find(name)
    return list(catalogue.unfolded(plan, plan.variant.replace(**options)).layers)


def program_entry(layers, shape=(1, 3, 224, 224), frozen=()):
    """The entry of a program of these layers, whose names stay what they are; frozen ones are not trained."""
    return entry_of("net", program_reading(layers, shape, frozen))


def program_reading(layers, shape=(1, 3, 224, 224), frozen=()):
    """The reading of such a program."""
    reading = reading_of(fitting(layers, shape), shape)
    operations = tuple(
        operation.replace(state=operation.state.replace(params_frozen=operation.state.params))
        if operation.layer.name in frozen
        else operation
        for operation in reading.operations
    )
    return reading.replace(operations=operations)


def held_to_d(reading, **written):
    """What ``audit --like`` says where a network file of D writes every key, and these otherwise."""
    plan = D.replace(variant=D.variant.replace(**written))
    wanted = Standard(plan, frozenset((*D.variant._fields, "size")), written=True)
    return held(reading, compare(reading, plan, bound=wanted.bound).network, wanted)


def _wider(layer):
    return (
        layer.replace(c_out=layer.c_out + 1)
        if isinstance(layer, Conv2d)
        else layer.replace(out_features=layer.out_features + 1)
    )


ONE_LAYER = {
    "bias": lambda layer: (layer.replace(bias=not layer.bias),),
    "width": lambda layer: (_wider(layer),),
    "kernel": lambda layer: (layer.replace(kernel=(5, 5), padding=(2, 2)),),
    "stride": lambda layer: (layer.replace(stride=(2, 2)),),
    "padding": lambda layer: (layer.replace(padding=(2, 2)),),
    "dropped": lambda _: (),
    "doubled": lambda layer: (layer, layer.replace(name=f"{layer.name}_again")),
}
"""Each change of one layer, as what stands in its place."""


def mutants(layers):
    """Every change of every weight layer: its word, the layer's name, and the layers with it."""
    for place, layer in enumerate(layers):
        for word, change in ONE_LAYER.items():
            if layer.weighted and (isinstance(layer, Conv2d) or word not in ("kernel", "stride", "padding")):
                yield word, layer.name, [*layers[:place], *change(layer), *layers[place + 1 :]]


def is_dense(layer):
    """Whether a layer is one of the classifier's."""
    return isinstance(layer, Linear)
