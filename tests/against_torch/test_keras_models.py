"""Keras models of every sort: what is learned, frozen or a statistic, and what is only opened by calling it."""

import json
import os
import warnings

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Keras warns while it is imported, which is its own affair
    keras = pytest.importorskip("keras")

from keras import layers, ops

import vggcost
from vggcost.cli import main
from vggcost.frameworks.keras.opening import OPERATORS
from vggcost.frameworks.keras.variables import every_part
from vggcost.network.foreign_layers import Uncounted

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")

SHAPE = (2, 8, 8, 3)
CONV = 3 * 3 * 3 * 4 + 4


def size(variables):
    return sum(int(ops.size(variable)) for variable in variables)


def audited(model, shape=SHAPE):
    """The audit, whose rows are held against its totals, and these against what Keras says of the model."""
    audit = vggcost.audit(model, shape)
    rows, totals = audit.to_dict()["layers"], audit.to_dict()["totals"]
    for key in ("params", "params_trainable", "params_frozen", "weight_bytes", "buffers", "buffer_bytes"):
        assert sum(row[key] for row in rows) == totals[key], key
    if model.built:
        assert totals["params_trainable"] == size(model.trainable_variables)
        assert totals["params"] + totals["buffers"] == size(model.variables)
    return audit


def params(audit):
    return {row.name: row.params for row in audit.layers if row.params}


def buffers(audit):
    return {row.name: row.buffers for row in audit.layers if row.buffers}


# Learned, frozen, and statistics


def test_statistics_are_no_parameters():
    image = keras.Input((8, 8, 3))
    x = layers.Normalization(axis=-1)(layers.Rescaling(1 / 255)(image))  # its statistics are to be adapted
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(x))
    x = layers.GroupNormalization(2)(layers.LayerNormalization()(x))
    model = keras.Model(image, layers.Dropout(0.5, name="drop")(x))
    audit = audited(model)
    assert audit.params == CONV + 8 + 8 + 8
    assert list(buffers(audit).values()) == [3 + 3 + 1, 2 * 4, 2]
    assert audit.totals.buffer_bytes == (7 + 8 + 2) * 4
    assert audit.uncounted == ()


def test_a_frozen_layer_keeps_its_statistics_apart():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()])
    model.layers[1].trainable = False
    audit = audited(model)
    assert (audit.totals.params_frozen, audit.totals.params_trainable, audit.totals.buffers) == (8, CONV, 8)
    model.trainable = False
    assert audited(model).totals.params_frozen == CONV + 8
    assert any(line.startswith("120 parameters: all of them frozen") for line in vggcost.audit(model, SHAPE).lines())


def test_a_layer_that_is_trained_inside_a_frozen_model_is_trained_by_nobody():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Conv2D(4, 1)])
    model.trainable = False
    model.layers[1].trainable = True
    audited(model)


def test_two_dtypes_have_their_bytes():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, dtype="float16"), layers.Conv2D(4, 1, dtype="float64")]
    )
    audit = audited(model)
    assert audit.to_dict()["dtypes"] == {"float16": CONV, "float64": 4 * 4 + 4}
    assert audit.totals.weight_bytes == CONV * 2 + 20 * 8


def test_eight_bit_weights_are_frozen_parameters():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4)])
    model.layers[0].quantize("int8")
    audit = audited(model, (2, 8))
    assert (audit.params, audit.totals.params_frozen) == (8 * 4 + 4, 8 * 4)
    assert audit.totals.weight_bytes == 8 * 4 + 4 * 4
    assert audit.totals.buffers == 4  # the scale of each output


def test_low_rank_adapters():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4)])
    model.layers[0].enable_lora(2)
    audit = audited(model, (2, 8))
    assert (audit.totals.params_trainable, audit.totals.params_frozen) == (2 * (8 + 4) + 4, 8 * 4)


def test_a_spectral_norm_stands_at_its_layer():
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.SpectralNormalization(layers.Conv2D(4, 3, name="conv"), name="norm")(image))
    audit = audited(model)
    assert params(audit) == {"norm.conv": CONV}
    assert buffers(audit) == {"norm.conv": 4}
    assert audit.uncounted == ()
    assert audit.macs == 2 * 4 * 6 * 6 * 27


# Models without a graph


class Scaled(layers.Layer):
    """A weight of its own, and a layer inside."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.seen = self.add_weight(shape=(5,), trainable=False, dtype="int64")
        self.mix = layers.Dense(shape[-1], name="mix")
        self.mix.build(shape)

    def call(self, x):
        return ops.relu(self.mix(x) * self.scale + x)


class Own(keras.Model):
    """A subclass with a part that is made when it is built, and one that is never called."""

    def __init__(self, width=4, **options):
        super().__init__(**options)
        self.width = width
        self.conv = layers.Conv2D(width, 3, padding="same")
        self.norm = layers.BatchNormalization()
        self.scaled = Scaled()
        self.blocks = [layers.Conv2D(width, 1) for _ in range(2)]

    def build(self, shape):
        self.shift = self.add_weight(shape=(self.width,), name="shift")
        super().build(shape)

    def call(self, x, training=None):
        x = self.scaled(self.norm(self.conv(x), training=training))
        for block in self.blocks:
            x = block(x)
        return ops.mean(x + self.shift, axis=(1, 2))


def own_costs(audit):
    assert audit.runs
    assert audit.params == CONV + 8 + (4 + 4 * 4 + 4) + 2 * (16 + 4) + 4
    assert audit.totals.buffers == 8 + 5
    assert audit.macs == 2 * 8 * 8 * (4 * 27 + 4 * 4 + 2 * 4 * 4)
    assert audit.uncounted == ()


def test_a_subclass_that_was_called_is_followed_and_left_as_it_was():
    model = Own()
    model(ops.zeros(SHAPE))
    nodes = [len(part._inbound_nodes) for part in every_part(model)]
    kept = [(id(each), ops.convert_to_numpy(each).tolist()) for each in model.variables]
    audit = audited(model)
    own_costs(audit)
    rows = [(row.kind, row.params) for row in audit.layers if row.params]
    norm, add = ("BatchNorm2d", 8), ("Add", 4)
    assert rows == [("Conv2d", CONV), norm, ("Linear", 20), ("Multiply", 4), ("Conv2d", 20), ("Conv2d", 20), add]
    assert [len(part._inbound_nodes) for part in every_part(model)] == nodes
    assert [(id(each), ops.convert_to_numpy(each).tolist()) for each in model.variables] == kept
    assert vggcost.audit(model, SHAPE).to_dict()["layers"] == audit.to_dict()["layers"]


def test_a_subclass_that_was_never_called_stays_unbuilt():
    model = Own()
    own_costs(audited(model))
    assert not model.built
    assert model.variables == []


def test_a_sequential_without_an_input():
    model = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(5)])
    audit = audited(model)
    assert (audit.params, audit.macs) == (CONV + 4 * 36 * 5 + 5, 2 * (4 * 36 * 27 + 144 * 5))
    assert not model.built
    model.build(SHAPE)
    assert audited(model).params == audit.params


def test_models_inside_models_of_every_sort():
    inner = keras.Sequential([layers.Conv2D(4, 1, name="point"), layers.BatchNormalization(name="norm")], name="inner")
    image = keras.Input((8, 8, 3), name="image")
    middle = keras.Model(image, Scaled(name="scaled")(inner(image)), name="middle")

    class Outer(keras.Model):
        def __init__(self):
            super().__init__()
            self.middle = middle
            self.head = layers.Dense(5, name="head")

        def call(self, x):
            return self.head(self.middle(x)) + self.head(self.middle(x))

    model = Outer()
    model(ops.zeros(SHAPE))
    audit = audited(model)
    assert params(audit) == {
        "middle.inner.point": 16,
        "middle.inner.norm": 8,
        "middle.scaled.mix": 20,
        "middle.scaled.multiply": 4,
        "head": 25,
    }
    assert audit.macs == 2 * 2 * 64 * (4 * 3 + 4 * 4 + 4 * 5)


def test_several_inputs_of_a_subclass():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.left = layers.Dense(4, name="left")
            self.right = layers.Dense(4, name="right")

        def call(self, pair):
            return ops.concatenate([self.left(pair[0]), self.right(pair[1])], axis=-1)

    model = Two()
    model([ops.zeros((2, 3)), ops.zeros((2, 5))])
    audit = audited(model, [[(2, 3), (2, 5)]])
    assert params(audit) == {"left": 16, "right": 24}
    assert audit.macs == 2 * 4 * (3 + 5)


@pytest.mark.parametrize("keys", [("x", "y"), (0, 1)])
def test_inputs_that_a_call_takes_as_one_dictionary_or_list(tmp_path, capsys, keys):
    program = tmp_path / "two.py"
    program.write_text(
        "import keras\n"
        "class Two(keras.Model):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.left, self.right = keras.layers.Dense(4), keras.layers.Dense(4)\n"
        "    def call(self, inputs):\n"
        f"        return self.left(inputs[{keys[0]!r}]) + self.right(inputs[{keys[1]!r}])\n"
    )
    given = [f"{key}={size}" if isinstance(key, str) else size for key, size in zip(keys, ("3", "5"), strict=True)]
    assert main(["audit", f"{program}:Two", "--input", given[0], "--input", given[1], "--format", "json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert (totals["params"], totals["macs"]) == (4 * (3 + 5) + 2 * 4, 4 * (3 + 5))


def test_a_cell_that_is_run_step_by_step():
    class Steps(keras.Model):
        def __init__(self):
            super().__init__()
            self.cell = layers.GRUCell(4, name="cell")

        def call(self, x):
            states = [ops.zeros((2, 4))]
            for step in range(3):
                x_now, states = self.cell(x[:, step], states)
            return x_now

    model = Steps()
    model(ops.zeros((2, 3, 8)))
    audit = audited(model, (2, 3, 8))
    assert params(audit) == {"cell": 3 * 4 * (8 + 4) + 2 * 3 * 4}
    assert audit.macs == 3 * 2 * 3 * 4 * (8 + 4)


def test_a_functional_model_with_a_call_of_its_own_is_what_it_calls():
    class Twice(keras.Model):
        def call(self, x):
            return super().call(super().call(x))

    image = keras.Input((8, 8, 3))
    model = Twice(inputs=image, outputs=layers.Conv2D(3, 3, padding="same", name="conv")(image))
    audit = audited(model)
    assert audit.macs == 2 * 2 * 64 * 3 * 27
    assert params(audit) == {"conv": 3 * 27 + 3}


def test_a_lambda_is_opened_and_what_cannot_be_is_listed():
    image = keras.Input((8, 8, 3))

    class Asks(layers.Layer):
        def call(self, x):
            return x if float(x[0, 0, 0, 0]) > 0 else -x

        def compute_output_shape(self, shape):
            return shape

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape)

    model = keras.Model(image, Asks()(layers.Lambda(lambda x: ops.tanh(x) * 2)(image)))
    audit = audited(model)
    assert [row.kind for row in audit.layers] == ["Tanh", "Multiply", "Asks"]
    assert [type(operation.layer) for operation in audit.uncounted] == [Uncounted]


def test_a_program_may_call_its_layer_what_keras_calls_one_of_its_own():
    class Multiply(layers.Layer):
        def build(self, shape):
            self.matrix = self.add_weight(shape=(shape[-1], 5))

        def call(self, x):
            return ops.matmul(x, self.matrix)

    image = keras.Input((8, 8, 3))
    audit = audited(keras.Model(image, Multiply()(image)))
    assert (audit.params, audit.macs) == (15, 2 * 8 * 8 * 3 * 5)
    assert [row.kind for row in audit.layers] == ["MatMul"]


def test_a_class_token_and_positions_of_a_layer_of_its_own():
    class Tokens(layers.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")
            self.positions = self.add_weight(shape=(1, shape[1] + 1, shape[-1]), name="positions")

        def call(self, x):
            token = ops.broadcast_to(self.token, (2, 1, 4))
            return ops.concatenate([token, x], axis=1) + self.positions

    image = keras.Input((8, 8, 3), batch_size=2)
    x = layers.Reshape((16, 4))(layers.Conv2D(4, 2, strides=2, name="patches")(image))
    audit = audited(keras.Model(image, layers.Dense(5, name="head")(Tokens(name="tokens")(x))))
    assert audit.params == (3 * 4 * 4 + 4) + 4 + 17 * 4 + (4 * 5 + 5)
    assert audit.macs == 2 * (16 * 4 * 12 + 17 * 4 * 5)
    assert params(audit) == {"patches": 52, "tokens.add": 4 + 68, "head": 25}


def test_weights_stand_on_either_side_of_an_operation():
    class Either(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(3,))
            self.matrix = self.add_weight(shape=(7, 8))

        def call(self, x):
            return ops.matmul(self.matrix, ops.transpose(self.scale * x, (0, 3, 1, 2)))

    image = keras.Input((8, 8, 3))
    operators = {name: getattr(keras.Variable, name) for name in OPERATORS}
    audit = audited(keras.Model(image, Either(name="either")(image)))
    assert {name: getattr(keras.Variable, name) for name in OPERATORS} == operators
    assert audit.macs == 2 * 3 * 7 * 8 * 8
    assert [row.output for row in audit.layers] == [(2, 8, 8, 3), (2, 3, 8, 8), (2, 3, 7, 8)]
