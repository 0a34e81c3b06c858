"""Random stacks of every layer: ints = arrays = symbols, and torch's own parameters, shapes and FLOPs."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vggcost.costs.table import table
from vggcost.network.catalogue import Network, Variant
from vggcost.network.layer import walk
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Softmax,
)

EXAMPLES = 500
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
FEATURES = ("conv", "conv", "pool", "norm", "lrn", "relu", "drop")


@st.composite
def stacks(draw):  # noqa: C901  # one branch a layer kind
    """A network that fits its input, drawn layer by layer, and the input's shape."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 24)), draw(st.integers(1, 24)))
    layers, current = [], shape

    def add(kind, *args, **options):
        nonlocal current
        layer = kind(f"{kind.__name__.lower()}{len(layers)}", f"features.{len(layers)}", *args, **options)
        current = layer.apply(current)[0]
        layers.append(layer)

    def fitting_window():
        kernel = draw(pairs)
        padding = tuple(min(k // 2, draw(st.integers(0, 1))) for k in kernel)
        room = zip(kernel, padding, current[2:], strict=True)
        if any(k > size + 2 * p for k, p, size in room):
            return (1, 1), draw(pairs), (0, 0)
        return kernel, draw(pairs), padding

    for word in draw(st.lists(st.sampled_from(FEATURES), min_size=1, max_size=6)):
        channels = current[1]
        if word == "conv":
            groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
            c_out = groups * draw(st.integers(1, 4))
            kernel, stride, padding = fitting_window()
            add(Conv2d, channels, c_out, kernel, stride, padding, draw(st.booleans()), groups)
        elif word == "pool":
            add(MaxPool2d, *fitting_window())
        elif word == "norm":
            add(BatchNorm2d, channels, draw(st.booleans()))
        elif word == "lrn":
            add(LocalResponseNorm, draw(st.integers(1, 6)))
        else:
            add(ReLU if word == "relu" else Dropout)
    if draw(st.booleans()):
        add(AdaptiveAvgPool2d, draw(pairs))
    add(Flatten)
    for _ in range(draw(st.integers(0, 2))):
        add(Linear, current[1], draw(st.integers(1, 9)), draw(st.booleans()))
    if draw(st.booleans()):
        add(Softmax)
    return Network("random", Variant(in_channels=shape[1]), tuple(layers)), shape


def ledger_of(layers, shape):
    total = {}
    for step in walk(layers, shape):
        for name in step.ledger:
            total[name] = total.get(name, 0) + step.ledger[name]
    return total


seen = {"arrays and symbols": 0, "torch": 0}
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@many
@given(stacks())
def check_ints_arrays_symbols(drawn):
    seen["arrays and symbols"] += 1
    network, shape = drawn
    expected = ledger_of(network.layers, shape)
    assert expected == {name: table(network, shape).ledger[name] for name in expected}
    symbol = sympy.Symbol("N", integer=True, positive=True)
    batches = np.array([shape[0], 10**6], dtype=np.int64)
    arrays = ledger_of(network.layers, (batches, *shape[1:]))
    symbols = ledger_of(network.layers, (symbol, *shape[1:]))
    millions = ledger_of(network.layers, (10**6, *shape[1:]))
    for name, count in expected.items():
        assert list(np.broadcast_to(arrays[name], 2)) == [count, millions[name]]
        assert sympy.sympify(symbols[name]).subs(symbol, shape[0]) == count


def test_ints_arrays_and_symbols_agree():
    seen["arrays and symbols"] = 0
    check_ints_arrays_symbols()
    assert seen["arrays and symbols"] >= EXAMPLES


convolutional = stacks().map(
    lambda drawn: ([x for x in drawn[0].layers if x.kind in ("Conv2d", "MaxPool2d")], drawn[1])
)


@settings(max_examples=100, deadline=None, database=None)
@given(convolutional)
def test_height_and_width_may_be_arrays_or_symbols_too(drawn):
    layers, (batch, channels, height, width) = drawn
    layers = [layer for layer in layers if layer.kind == "MaxPool2d" or layer.groups == 1]
    channels = next((layer.c_in for layer in layers if layer.kind == "Conv2d"), channels)
    h, w = sympy.symbols("h w", integer=True, positive=True)
    expected = ledger_of(layers, (batch, channels, height + 40, width + 40))
    arrays = ledger_of(layers, (batch, channels, np.array([height + 40]), np.array([width + 40])))
    symbols = ledger_of(layers, (batch, channels, h, w))
    for name, count in expected.items():
        assert np.broadcast_to(arrays[name], 1)[0] == count
        assert sympy.sympify(symbols[name]).subs({h: height + 40, w: width + 40}) == count


@many
@given(stacks())
def check_torch(drawn):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from vggcost.frameworks.pytorch.build import build_module

    seen["torch"] += 1
    network, shape = drawn
    ours = table(network, shape)
    module = build_module(network)
    outputs = []
    hooks = [
        child.register_forward_hook(lambda _module, _inputs, output: outputs.append(tuple(output.shape)))
        for child in module.features
    ]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        result = module(torch.empty(shape, device="meta"))
    for hook in hooks:
        hook.remove()
    assert ours.params == sum(parameter.numel() for parameter in module.parameters())
    assert ours.flops == counter.get_total_flops()
    assert [row.output for row in ours.rows] == outputs
    assert ours.rows[-1].output == tuple(result.shape)


def test_parameters_shapes_and_flops_equal_torchs_own():
    pytest.importorskip("torch")
    seen["torch"] = 0
    check_torch()
    assert seen["torch"] >= EXAMPLES
