"""What people pass who have torch at hand: its dtypes, sizes and numbers; and what a live model cannot be given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import vggcost
from vggcost.errors import VggcostError


def model():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2)).eval()


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (torch.float32, "float32"),
        (torch.half, "float16"),
        (torch.bfloat16, "bfloat16"),
        (torch.float64, "float64"),
        (torch.int8, "int8"),
        (torch.float8_e4m3fn, "float8"),
    ],
)
def test_dtypes_of_torch_are_their_names(dtype, name):
    assert vggcost.cost("A", dtype=dtype).dtype == name
    assert vggcost.memory("A", dtype=dtype).totals == vggcost.memory("A", dtype=name).totals


def test_what_has_no_bytes_here_is_refused():
    for dtype in (torch.complex64, torch.zeros(1), torch):
        with pytest.raises(VggcostError) as refused:
            vggcost.cost("A", dtype=dtype)
        assert str(refused.value).isprintable()


def test_sizes_and_numbers_of_torch_are_read():
    image = torch.empty(2, 3, 64, 96)
    counted = vggcost.cost("A", size=image.shape[2:], batch=torch.tensor(2), classes=torch.tensor([10])[0])
    assert counted.input == (2, 3, 64, 96)
    assert vggcost.cost("A", size=torch.tensor([64, 96])).input == (1, 3, 64, 96)
    for batch in (torch.tensor(True), torch.tensor(1.5), torch.tensor([1, 2])):
        with pytest.raises(TypeError, match="batch is "):
            vggcost.cost("A", batch=batch)


@pytest.mark.parametrize(
    "given",
    [
        torch.Size((1, 3, 32, 32)),
        np.zeros((1, 3, 32, 32), np.float32).shape,
        tuple(np.array([1, 3, 32, 32])),
        torch.zeros(1, 3, 32, 32),
        "float32[1x3x32x32]",
    ],
)
def test_an_input_is_a_shape_of_any_kind(given):
    assert vggcost.audit(model(), given).macs == vggcost.audit(model(), (1, 3, 32, 32)).macs


def deep():
    found = []
    for _ in range(100_000):
        found = [found]
    return found


CIRCLE = []
CIRCLE.append(CIRCLE)
INPUTS = (
    None,
    3,
    "x",
    "float32[]",
    f"float32[{'9' * 5000}]",
    "float32[99999999999999999999]",
    [],
    {},
    {1: (1, 3, 8, 8)},
)
INPUTS += ((0, 3, 8, 8), (10**30, 3, 8, 8), (1.0, 3, 8, 8), (True, 3, 8, 8), object(), deep(), CIRCLE, [CIRCLE, (1, 3)])


@pytest.mark.parametrize("number", range(len(INPUTS)))
@pytest.mark.parametrize("call", ["audit", "memory"])
def test_no_input_of_another_kind_gets_through(call, number):
    with pytest.raises(VggcostError) as refused:
        getattr(vggcost, call)(model(), input=INPUTS[number])
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("given", [nn.Conv2d, nn, 3, torch.zeros(1), object(), {"a": torch.zeros(1)}, len])
def test_what_is_no_model_is_a_type_error(given):
    for call in (vggcost.audit, vggcost.memory):
        with pytest.raises(TypeError, match=r"give a torch\.nn\.Module") as refused:
            call(given, input=(1, 3, 8, 8))
        assert isinstance(refused.value, VggcostError)


def test_an_audit_refuses_what_its_methods_do_not_take():
    audit = vggcost.audit(model(), (1, 3, 32, 32))
    for call in (audit.rendered, audit.to_json, audit.to_text):
        for value in (3, object(), ["json"], b"json"):
            with pytest.raises(TypeError):
                call(value)
