"""Weights that Keras writes, in each of its formats; a layer that is code stays so."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np
import pytest

from vggcost.frameworks import door
from vggcost.frameworks.target import Given
from vggcost.results.audit import Audit
from vggcost.results.audit import audit as audit_of

# Keras's torch backend hands numpy tensors of its own, which numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def vgg(*, names=True, batch_norm=False):
    """Keras's VGG16 with an eighth of the width, named as there or by itself."""
    layers = [keras.Input((224, 224, 3))]
    for block, (width, depth) in enumerate([(8, 2), (16, 2), (32, 3), (64, 3), (64, 3)], 1):
        for place in range(1, depth + 1):
            name = f"block{block}_conv{place}" if names else None
            layers.append(keras.layers.Conv2D(width, 3, padding="same", activation="relu", name=name))
            if batch_norm:
                layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.MaxPooling2D())
    layers.append(keras.layers.Flatten())
    for width, name in ((24, "fc1"), (16, "fc2"), (7, "predictions")):
        layers.append(keras.layers.Dense(width, name=name if names else None))
    return keras.Sequential(layers)


def audited(path):
    return Audit(door.read_target(str(path), Given()))


@pytest.fixture(scope="module", params=[(True, False), (False, True)], ids=["named", "numbered with norms"])
def model(request):
    names, batch_norm = request.param
    return vgg(names=names, batch_norm=batch_norm)


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_keras_own_formats_are_told(tmp_path, model, ending):
    path = tmp_path / f"x{ending}"
    (model.save_weights if ending == ".weights.h5" else model.save)(path)
    audit = audited(path)
    norms = " batch normalization," if any("batch" in layer.name for layer in model.layers) else ""
    assert audit.verdict == f"D (VGG-16) with{norms} width 0.125, head 24,16, 7 classes"
    assert audit.params == sum(int(np.prod(weight.shape)) for weight in model.weights if "moving" not in weight.path)
    assert audit.macs == audit_of(model, (1, 224, 224, 3)).macs


def test_the_weights_that_keras_published_before_release_2_are_told(tmp_path):
    """vgg16_weights_tf_dim_ordering_tf_kernels.h5: layers in attributes, kernels named W."""
    model = vgg()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in reversed(model.layers):
            group = file.create_group(layer.name)
            names = [f"{layer.name}_{word}_1:0" for word in "Wb"] if layer.weights else []
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group.create_dataset(name, data=np.zeros(weight.shape, "float32"))
    audit = audited(tmp_path / "x.h5")
    assert audit.verdict == "D (VGG-16) with width 0.125, head 24,16, 7 classes"
    assert [row.path for row in audit.layers if row.name == "conv3_3"] == ["block3_conv3/block3_conv3"]


def test_an_optimizers_state_stands_beside_the_weights(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.compile("adam", "mse")
    model.fit(np.zeros((1, 8, 8, 3)), np.zeros((1, 2)), verbose=0)
    model.save(tmp_path / "x.keras")
    reading = audited(tmp_path / "x.keras").reading
    assert reading.params == 3 * 3 * 3 * 4 + 4 + 6 * 6 * 4 * 2 + 2
    assert any(
        note.endswith("tensors of the optimizer's state stand beside it and are not counted") for note in reading.notes
    )


def test_a_layer_that_is_code_is_not_run(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Lambda(lambda x: x.no_such_thing if isinstance(x, str) else x),
            keras.layers.Dense(3),
        ]
    )
    model.save(tmp_path / "x.keras")
    assert audited(tmp_path / "x.keras").params == 4 * 3 + 3


def test_separable_convolutions_are_two(tmp_path):
    layers = [keras.layers.SeparableConv2D(5, 3, depth_multiplier=2), keras.layers.DepthwiseConv2D(3)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.save(tmp_path / "x.h5")
    audit = audited(tmp_path / "x.h5")
    assert [row.note for row in audit.layers] == ["3x3 3->6, 3 groups", "1x1 6->5", "3x3 5->5, 5 groups"]
    assert audit.params == 3 * 3 * 3 * 2 + 6 * 5 + 5 + 3 * 3 * 5 + 5


@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_truncated_file_is_refused(tmp_path, refused, ending, part):
    path = tmp_path / f"x{ending}"
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(64, 3)]).save(path)
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * part))
    assert "truncated or damaged" in refused("audit", str(path))


def test_a_file_without_weights_is_refused(tmp_path, refused):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["about"] = "nothing"
    assert "holds no tensors" in refused("audit", str(tmp_path / "x.h5"))


def test_h5py_is_asked_for_where_it_is_missing(tmp_path, refused, monkeypatch):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("kernel", data=np.zeros(3))
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "pip install 'vggcost[keras]'" in refused("audit", str(tmp_path / "x.h5"))
