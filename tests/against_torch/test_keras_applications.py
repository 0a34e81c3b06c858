"""Every constructor of keras.applications: equal to Keras in parameters, and to torch's counter in MACs, or refused."""

import os
import warnings

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Keras warns while it is imported, which is its own affair
    keras = pytest.importorskip("keras")

import torch
from torch.utils.flop_counter import FlopCounterMode

import vggcost
from vggcost.cli import main
from vggcost.frameworks import door

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")

CONSTRUCTORS = sorted(name for name, value in vars(keras.applications).items() if name[0].isupper() and callable(value))

REFUSED = {"NASNetMobile": "NASNetMobile is not available with the torch backend at this time"}
"""What Keras itself does not build with torch, and the beginning of its reason."""

BUILT = [name for name in CONSTRUCTORS if name not in REFUSED]

LEARNED = {
    "VGG16": 138_357_544,
    "VGG19": 143_667_240,
    "ResNet50": 25_583_592,
    "MobileNetV2": 3_504_872,
    "EfficientNetB0": 5_288_548,
    "DenseNet121": 7_978_856,
    "Xception": 22_855_952,
    "InceptionV3": 23_817_352,
    "ConvNeXtTiny": 28_589_128,
}
"""Trainable parameters as Keras's own summaries print them, written here so that a change of Keras shows."""


def size(variables):
    return sum(torch.Size(variable.shape).numel() for variable in variables)


def counted_by_torch(model, shape):
    """MACs of one forward by torch's own counter, which counts two operations each; on the meta device."""
    counter = FlopCounterMode(display=False)
    with keras.device("meta"), torch.no_grad(), counter:
        model.call(torch.empty(shape, device="meta"), training=False)
    return counter.get_total_flops() // 2


def test_there_are_as_many_as_keras_has():
    assert len(CONSTRUCTORS) >= 40
    assert set(LEARNED) | set(REFUSED) <= set(CONSTRUCTORS)


@pytest.mark.parametrize("name", BUILT)
def test_parameters_are_those_of_keras_and_macs_those_of_torch(name):
    with keras.device("meta"):
        model = getattr(keras.applications, name)(weights=None)
    shape = (1, *(side or 224 for side in model.input_shape[1:]))
    reading = door.read(model, shape, name)  # an audit would also look for the VGG that is nearest
    kept = reading.state
    assert (kept.params_trainable, kept.params_frozen) == (size(model.trainable_variables), 0)
    assert kept.buffers == size(model.non_trainable_variables)
    generators = size(model.variables) - size(model.weights)
    assert kept.params + kept.buffers - generators == model.count_params()
    assert kept.params == LEARNED.get(name, kept.params)
    assert kept.weight_bytes == 4 * kept.params
    assert [operation.layer.kind for operation in reading.operations if not operation.counted] == []
    assert reading.macs == counted_by_torch(model, shape)


@pytest.mark.parametrize("name", REFUSED)
def test_what_keras_does_not_build_is_refused_with_its_reason(name, capsys):
    assert main(["audit", f"keras.applications:{name}", "--call", "weights=None"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert REFUSED[name] in shown.err


def test_a_frozen_backbone_stands_apart():
    backbone = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")
    backbone.trainable = False
    model = keras.Sequential([keras.Input((32, 32, 3)), backbone, keras.layers.Dense(5)])
    totals = vggcost.audit(model, (1, 32, 32, 3)).totals
    assert (totals.params_trainable, totals.params_frozen) == (1024 * 5 + 5, 3_206_976)
    assert totals.params_trainable == size(model.trainable_variables)
    assert totals.params + totals.buffers == model.count_params()
