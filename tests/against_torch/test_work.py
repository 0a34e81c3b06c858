"""How much an audit works, in calls: no more than a program's layers ask for."""

from __future__ import annotations

import sys

import pytest
from torch import nn

import vggcost
from vggcost.costs import table

FEW = 150
LINEAR = 2.2
"""Above what is linear, below what a look at every layer for each layer gives."""


def convolutions(layers):
    return nn.Sequential(*(part for _ in range(layers // 2) for part in (nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())))


def normalized(layers):
    parts = ((nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()) for _ in range(layers // 3))
    return nn.Sequential(*(part for each in parts for part in each))


class Residual(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(layers // 3))

    def forward(self, x):
        for part in self.parts:
            x = nn.functional.relu(part(x)) + x
        return x


def calls_of(model):
    """The calls of Python functions and of built-in ones that an audit takes, with its texts."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        audit = vggcost.audit(model, (1, 8, 16, 16))
        audit.to_text()
        audit.to_json()
    finally:
        sys.setprofile(None)
    return calls


def growth(make):
    """By how much 2 x FEW layers more work than FEW more did before: 2 where work is linear."""
    once, twice, fourfold = (calls_of(make(layers)) for layers in (FEW, 2 * FEW, 4 * FEW))
    return (fourfold - twice) / (twice - once)


@pytest.mark.parametrize("make", [convolutions, normalized, Residual])
def test_work_grows_as_the_layers_do(make):
    calls_of(make(12))  # what is done once a process
    assert growth(make) < LINEAR


def test_the_guard_above_sees_what_looks_at_every_layer_for_each_layer(monkeypatch):
    recording = pytest.importorskip("vggcost.frameworks.pytorch.recording")
    plain = recording.Recording._first_places

    def looks_again(self):
        for _ in self.operations:
            for each in (*self.operations,) * 4:
                len(each.layer.name)
        return plain(self)

    monkeypatch.setattr(recording.Recording, "_first_places", looks_again)
    assert growth(normalized) > LINEAR


@pytest.mark.parametrize("side", [1, 2, 8, 31])
def test_no_smallest_image_is_looked_for_where_nobody_is_told_of_it(monkeypatch, side):
    """Networks that an image is too small for are compared with; the refusal that names the size that works is not."""
    searched = []
    works = table._Door._works
    monkeypatch.setattr(table._Door, "_works", lambda *given: searched.append(given) or works(*given))
    vggcost.audit(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()), (1, 3, side, side))
    assert searched == []
    with pytest.raises(vggcost.VggcostError, match="the smallest size that works is 32x32"):
        vggcost.cost("D", size=side)
    assert searched
