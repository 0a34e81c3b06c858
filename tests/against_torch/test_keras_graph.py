"""Reading Keras models through their layer graphs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
with pytest.MonkeyPatch.context() as patch:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns while it is imported, which is its own affair
        keras = pytest.importorskip("keras")

import vggcost  # behind the choice of a backend, which Keras reads when it is imported
from vggcost.cli import main
from vggcost.errors import VggcostError

MODELS = Path(__file__).parents[1] / "models"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, MODELS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def audited(capsys, target, *options):
    status = main(["audit", str(MODELS / target), *options, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_functional_vgg16_with_24_classes(capsys):
    status, document = audited(capsys, "keras_vgg16.py:vgg16", "--like", "vgg16")
    assert status == 0
    assert document["totals"]["params"] == 134_358_872
    assert document["totals"]["macs"] == vggcost.cost("D", classes=24).totals.macs
    assert [row["params"] for row in document["layers"] if row["params"]] == [
        *(1792, 36928, 73856, 147584, 295168, 590080, 590080, 1180160, *[2359808] * 5),
        *(102764544, 16781312, 98328),
    ]
    assert document["is"]["letter"] == "D"
    assert document["is"]["variant"] == "no adaptive pool, soft-max, 24 classes"
    assert document["is"]["departures"] == ["no dropout layers in place of 2"]
    assert (document["input"], document["layout"]) == ([1, 224, 224, 3], "channels_last")
    assert document["layers"][0]["output"] == [1, 224, 224, 64]


def test_functional_vgg16_at_another_size_cannot_run(capsys):
    status, document = audited(capsys, "keras_vgg16.py:vgg16", "--size", "256")
    assert status == 1
    assert document["cannot_run"]["problem"] == "takes 224x224x3 and gets 256x256x3"
    assert document["cannot_run"]["next"][0]["problem"] == "takes 25,088 features and gets 32,768"
    assert document["totals"]["params"] == 134_358_872


def test_residual_blocks_without_classifier(capsys):
    status, document = audited(capsys, "keras_residual.py:build")
    assert (status, document["totals"]["params"]) == (0, 20_319_552)
    assert document["layers"][-1]["output"] == [1, 7, 7, 512]
    assert (document["is"], document["nearest"], document["same_as"]) == (None, "B", "keras-residual-vgg")
    assert document["totals"]["macs"] == vggcost.cost("keras-residual-vgg").totals.macs


@pytest.fixture
def zoo():
    """A model with every layer that has a rule, built for one data format."""

    def build(data_format):
        last = data_format == "channels_last"
        layers = keras.layers
        axis = -1 if last else 1
        image = keras.Input((33, 29, 3) if last else (3, 33, 29))
        form = {"data_format": data_format}
        x = layers.ZeroPadding2D(((1, 1), (2, 0)), **form)(image)
        x = layers.Conv2D(8, (3, 5), strides=(2, 1), activation="relu", **form)(x)
        x = layers.Conv2D(8, 4, padding="same", groups=4, use_bias=False, **form)(x)
        x = layers.BatchNormalization(axis=axis)(x)
        x = layers.GroupNormalization(groups=4, axis=axis)(x)
        x = layers.Conv2D(8, 3, strides=2, padding="same", **form)(x)
        x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, **form)(x)
        x = layers.SeparableConv2D(12, 3, padding="same", activation="sigmoid", **form)(x)
        y = layers.ReLU()(layers.MaxPooling2D(2, 1, padding="same", **form)(x))
        x = layers.Add()([x, y])
        x = layers.Concatenate(axis=axis)([x, layers.SpatialDropout2D(0.3, **form)(y)])
        x = layers.AveragePooling2D(2, **form)(x)
        x = layers.Activation("tanh")(x)
        z = layers.GlobalAveragePooling2D(**form)(x)
        z = layers.Dropout(0.2)(layers.Dense(6, activation="relu")(z))
        w = layers.Flatten(**form)(x)
        w = layers.Dense(6)(layers.Reshape((-1,))(w))
        return keras.Model(image, layers.Softmax()(z + w))

    return build


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_every_rule_gives_the_shapes_and_weights_that_keras_has(zoo, data_format):
    model = zoo(data_format)
    audit = vggcost.audit(model, (2, *model.input_shape[1:]))
    assert audit.uncounted == ()
    assert audit.runs
    rows = audit.to_dict()["layers"]
    own = {layer.name: layer for layer in model.layers}
    for row in rows:
        output = own[row["path"]].output.shape if row["path"] in own else None
        if output is not None and not row["name"].endswith(".depthwise"):
            assert tuple(row["output"][1:]) == tuple(output[1:]), row
    statistics = 2 * 8
    assert audit.params == model.count_params() - statistics
    assert audit.reading.notes[0].startswith(
        f"Keras's count_params() is {model.count_params():,}: {statistics} of these are statistics"
    )
    seeds = 2 * 2  # the state of a random generator is two numbers, and two layers drop out
    assert audit.totals.buffers == statistics + seeds
    assert audit.params == sum(row["params"] for row in rows)
    assert audit.macs > 0


def test_both_layouts_cost_the_same(zoo):
    last, first = (
        vggcost.audit(zoo(layout), shape)
        for layout, shape in (
            ("channels_last", (1, 33, 29, 3)),
            ("channels_first", (1, 3, 33, 29)),
        )
    )
    assert (last.params, last.macs) == (first.params, first.macs)


def test_shared_layers_count_once_and_models_in_models_are_opened():
    image = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(3, 3, padding="same", name="shared")
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 1, name="point")], name="inner")
    model = keras.Model(image, inner(conv(conv(image))))
    audit = vggcost.audit(model, (1, 8, 8, 3))
    assert [(row["name"], row["params"], row["note"]) for row in audit.to_dict()["layers"] if row["macs"]] == [
        ("shared", 84, None),
        ("shared:2", 0, "shares its parameters"),
        ("inner.point", 16, None),
    ]


def test_what_has_no_formula_is_listed():
    film = keras.Input((4, 16, 3))
    model = keras.Model(film, keras.layers.ConvLSTM1D(5, 3)(film))
    audit = vggcost.audit(model, (1, 4, 16, 3))
    assert [operation.layer.kind for operation in audit.uncounted] == ["ConvLSTM1D"]
    assert audit.params == 4 * 5 * (3 * 3 + 3 * 5 + 1)


@pytest.mark.parametrize("target", ["sequential", "Subclass"])
def test_models_without_a_graph_get_one_where_they_are_nobodys_yet(capsys, target):
    status, document = audited(capsys, f"keras_unbuilt.py:{target}", "--call", "num_classes=10")
    ours = vggcost.cost("A", classes=10).totals
    assert status == 0
    assert (document["totals"]["params"], document["totals"]["macs"]) == (ours.params, ours.macs)
    assert (document["is"]["letter"], document["is"]["variant"]) == ("A", "no adaptive pool, 10 classes")


def test_a_model_that_cannot_be_followed_is_refused_with_its_line(capsys):
    assert main(["audit", str(MODELS / "keras_unbuilt.py:Branches")]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert "is a Keras model whose layers cannot be followed: " in shown.err
    assert "keras_unbuilt.py:" in shown.err


def test_sums_broadcast_and_layers_of_ones_own_are_not_taken_for_keras():
    class Mine(keras.layers.Conv2D):
        def call(self, x):
            return x * 2

    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(image)
    weights = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    model = keras.Model(image, keras.layers.LeakyReLU()(Mine(4, 3, padding="same")(x + weights) + x))
    audit = vggcost.audit(model, (1, 10, 12, 3))
    assert audit.runs
    kinds = [row["kind"] for row in audit.to_dict()["layers"]]
    assert kinds == ["Conv2d", "AdaptiveAvgPool2d", "Add", "Multiply", "Add", "LeakyReLU"]
    assert audit.to_dict()["layers"][-1]["output"] == [1, 10, 12, 4]


def test_refusals():
    class Own(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.first = keras.layers.Dense(width.number)

        def call(self, x):
            return self.first(x)

    class Width:
        number = 3

    with pytest.raises(VggcostError, match=r"is not built yet, .*; call it once on an input, then audit it"):
        vggcost.audit(Own(Width()), (1, 8, 8, 3))
    image = keras.Input((8, 8, 3))
    with pytest.raises(VggcostError, match=r"takes 1 input \(\w+\) and gets 2"):
        vggcost.audit(keras.Model(image, image + 1), [(1, 8, 8, 3), (1, 3)])


def test_a_backend_that_is_installed_is_chosen(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-m", "vggcost", "audit", f"{MODELS / 'keras_residual.py'}:build", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "KERAS_HOME": str(tmp_path)},
    )
    assert json.loads(done.stdout)["totals"]["params"] == 20_319_552


def test_every_operation_says_whose_outputs_it_takes():
    inputs = keras.Input((8, 8, 3))
    one = keras.layers.Conv2D(4, 1, activation="relu")(inputs)
    other = keras.layers.Conv2D(4, 1)(inputs)
    model = keras.Model(inputs, keras.layers.Add()([one, other]))
    reading = vggcost.audit(model, (1, 8, 8, 3)).reading
    found = {operation.layer.path: operation for operation in reading.operations if operation.layer.kind != "ReLU"}
    places = {operation.layer.name: place for place, operation in enumerate(reading.operations)}
    first, second, add = found.values()
    assert first.after == second.after == ()
    assert add.after == tuple(sorted((places[f"{first.layer.name}.relu"], places[second.layer.name])))
