"""Keras's layers that no VGG has: what each costs, as arithmetic, and the shape that Keras itself gives."""

import math
import os
import warnings

import pytest

pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Keras warns while it is imported, which is its own affair
    keras = pytest.importorskip("keras")

import vggcost  # behind the checks for its frameworks
from vggcost.errors import VggcostError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")

L, OPS = keras.layers, keras.ops


def lstm(inputs, units, gates=4):
    return gates * units * (inputs + units)


def attends(batch, queries, keys, heads, width, value_width):
    return batch * heads * queries * keys * (width + value_width)


MODELS = {
    "Conv1D": ([(20, 6)], L.Conv1D(8, 3, padding="same", strides=2), 2 * 10 * 3 * 6 * 8),
    "a causal Conv1D": ([(20, 6)], L.Conv1D(8, 3, padding="causal", dilation_rate=2), 2 * 20 * 3 * 6 * 8),
    "a grouped Conv1D": ([(20, 6)], L.Conv1D(8, 3, groups=2), 2 * 18 * 3 * 3 * 8),
    "Conv3D": ([(5, 6, 7, 3)], L.Conv3D(4, (1, 2, 3)), 2 * 5 * 5 * 5 * (1 * 2 * 3) * 3 * 4),
    "SeparableConv1D": (
        [(20, 6)],
        L.SeparableConv1D(8, 3, depth_multiplier=2),
        2 * 18 * (3 * 12 + 12 * 8),
    ),
    "DepthwiseConv1D": ([(20, 6)], L.DepthwiseConv1D(3, depth_multiplier=2), 2 * 18 * 3 * 12),
    "Conv2DTranspose": (
        [(7, 5, 6)],
        L.Conv2DTranspose(4, (3, 2), strides=2, padding="same", activation="relu"),
        2 * 7 * 5 * 3 * 2 * 6 * 4,
    ),
    "a valid Conv2DTranspose": (
        [(7, 5, 6)],
        L.Conv2DTranspose(4, 2, strides=3),
        2 * 7 * 5 * 2 * 2 * 6 * 4,
    ),
    "Conv1DTranspose": ([(7, 6)], L.Conv1DTranspose(4, 5, strides=2, padding="same"), 2 * 7 * 5 * 6 * 4),
    "Conv3DTranspose": ([(2, 3, 4, 6)], L.Conv3DTranspose(4, 2, strides=2), 2 * 2 * 3 * 4 * 8 * 6 * 4),
    "Dense over axes": ([(4, 5, 6)], L.Dense(3), 2 * 4 * 5 * 6 * 3),
    "EinsumDense": (
        [(4, 6)],
        L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"),
        2 * 4 * 6 * 2 * 3,
    ),
    "EinsumDense of two axes": (
        [(4, 5, 6)],
        L.EinsumDense("abcd,cde->abe", output_shape=(None, 3)),
        2 * 4 * 5 * 6 * 3,
    ),
    "TimeDistributed Dense": ([(4, 6)], L.TimeDistributed(L.Dense(3)), 2 * 4 * 6 * 3),
    "TimeDistributed Conv2D": (
        [(4, 8, 8, 3)],
        L.TimeDistributed(L.Conv2D(5, 3)),
        2 * 4 * 6 * 6 * 9 * 3 * 5,
    ),
    "TimeDistributed model": (
        [(4, 8, 8, 3)],
        L.TimeDistributed(keras.Sequential([L.Conv2D(5, 3), L.Flatten(), L.Dense(2)])),
        2 * 4 * (6 * 6 * 9 * 3 * 5 + 6 * 6 * 5 * 2),
    ),
    "MultiHeadAttention": (
        [(4, 6)],
        lambda x: L.MultiHeadAttention(2, 3, value_dim=5)(x, x),
        2 * 4 * 6 * (2 * 3 + 2 * 3 + 2 * 5) + attends(2, 4, 4, 2, 3, 5) + 2 * 4 * 2 * 5 * 6,
    ),
    "GroupedQueryAttention": (
        [(4, 6)],
        lambda x: L.GroupQueryAttention(3, 4, 2)(x, x),
        2 * 4 * 6 * (4 * 3 + 2 * 3 + 2 * 3) + attends(2, 4, 4, 4, 3, 3) + 2 * 4 * 4 * 3 * 6,
    ),
    "Attention": ([(4, 6), (5, 6)], lambda q, v: L.Attention()([q, v]), attends(2, 4, 5, 1, 6, 6)),
    "AdditiveAttention": ([(4, 6), (5, 6)], lambda q, v: L.AdditiveAttention()([q, v]), 2 * 4 * 5 * 6),
    "dot_product_attention": (
        [(4, 3, 6)],
        lambda x: OPS.dot_product_attention(x, x, x),
        attends(2, 4, 4, 3, 6, 6),
    ),
    "LSTM": ([(5, 6)], L.LSTM(4), 2 * 5 * lstm(6, 4)),
    "a stack of GRUs": (
        [(5, 6)],
        lambda x: L.GRU(3)(L.GRU(4, return_sequences=True, reset_after=False)(x)),
        2 * 5 * (lstm(6, 4, 3) + lstm(4, 3, 3)),
    ),
    "SimpleRNN with its state": ([(5, 6)], lambda x: L.SimpleRNN(4, return_state=True)(x)[1], 2 * 5 * lstm(6, 4, 1)),
    "Bidirectional": ([(5, 6)], L.Bidirectional(L.LSTM(4)), 2 * 2 * 5 * lstm(6, 4)),
    "RNN over cells": (
        [(5, 6)],
        L.RNN([L.LSTMCell(4), L.GRUCell(3)]),
        2 * 5 * (lstm(6, 4) + lstm(4, 3, 3)),
    ),
    "Embedding": ([(5,)], L.Embedding(11, 4), 0),
    "LayerNormalization": ([(4, 6)], L.LayerNormalization(), 0),
    "BatchNormalization of a sequence": ([(4, 6)], L.BatchNormalization(), 0),
    "BatchNormalization of a volume": ([(4, 5, 3, 6)], L.BatchNormalization(), 0),
    "RMSNormalization": ([(4, 6)], L.RMSNormalization(), 0),
    "UpSampling2D": ([(4, 5, 6)], L.UpSampling2D(2, interpolation="bilinear"), 0),
    "MaxPooling3D": ([(4, 4, 6, 3)], L.MaxPooling3D(2), 0),
    "GlobalAveragePooling1D": ([(4, 6)], L.GlobalAveragePooling1D(), 0),
    "Dot": ([(4, 6), (5, 6)], lambda a, b: L.Dot(axes=2)([a, b]), 2 * 4 * 5 * 6),
    "matmul": ([(4, 6), (6, 5)], OPS.matmul, 2 * 4 * 5 * 6),
    "einsum": ([(4, 6), (5, 6)], lambda a, b: OPS.einsum("bij,bkj->bik", a, b), 2 * 4 * 5 * 6),
    "tensordot": ([(4, 6)], lambda a: OPS.tensordot(a, a, axes=[[1], [1]]), 2 * 2 * 4 * 6 * 6),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_keras_layer_costs_what_its_arithmetic_says(name):
    shapes, call, macs = MODELS[name]
    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, call(*inputs))
    audit = vggcost.audit(model, [(2, *shape) for shape in shapes])
    assert audit.reading.failures == ()
    assert [operation.layer.kind for operation in audit.uncounted] == []
    assert audit.macs == macs
    assert audit.params == sum(weight.shape.numel() for weight in map(value, model.trainable_weights))
    last = audit.layers[-1]
    made = model([OPS.zeros((2, *shape)) for shape in shapes])
    assert math.prod(last.output) == math.prod(made.shape)  # TimeDistributed's steps stand in its batch


def value(weight):
    return weight.value


def test_a_misfit_is_named():
    layer = L.Conv1D(8, 3)
    layer.build((None, 20, 6))
    inputs = keras.Input((20, 6))
    model = keras.Model(inputs, layer(inputs))
    audit = vggcost.audit(model, (2, 2, 6))
    problems = [failure.problem for failure in audit.reading.failures]
    assert problems == ["takes 20x6 and gets 2x6", "has a window of 3 that does not fit its input of 2"]


LAYERS = (
    lambda: (L.Conv1D(8, 3), (20, 6)),
    lambda: (L.Conv3D(8, 2), (4, 5, 6, 3)),
    lambda: (L.Conv2DTranspose(8, 3), (7, 5, 6)),
    lambda: (L.LSTM(4), (5, 6)),
    lambda: (L.Bidirectional(L.GRU(4)), (5, 6)),
    lambda: (L.EinsumDense("abc,cd->abd", output_shape=(None, 3)), (4, 6)),
    lambda: (L.MultiHeadAttention(2, 3), (4, 6)),
    lambda: (L.TimeDistributed(L.Dense(3)), (4, 6)),
    lambda: (L.TimeDistributed(L.Conv2D(3, 3)), (4, 8, 8, 3)),
    lambda: (L.LayerNormalization(), (4, 6)),
    lambda: (L.Embedding(5, 4), (6,)),
)


@pytest.mark.parametrize(
    "given", [(2,), (2, 1), (2, 3), (2, 4, 1), (2, 4, 6, 1), (2, 1, 1, 1, 1), (2, 0, 6), (0, 4, 6)]
)
@pytest.mark.parametrize("made", LAYERS)
def test_no_input_is_answered_with_a_traceback(made, given):
    layer, shape = made()
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs, inputs) if isinstance(layer, L.MultiHeadAttention) else layer(inputs))
    try:
        audit = vggcost.audit(model, given)
    except VggcostError:
        return
    assert audit.reading.failures or given[0] == 0 or len(given) == len(shape) + 1
    assert audit.to_text()
