"""Each formula with numbers that all differ, against the same written out: no two factors can be exchanged unseen."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from types import SimpleNamespace

import pytest

import vggcost.formulas

MODULES = [
    import_module(f"vggcost.formulas.{module.name}")
    for module in pkgutil.iter_modules(vggcost.formulas.__path__)
    if module.name != "notation"  # it writes formulas out and has none
]
FORMULAS = {
    name: function
    for module in MODULES
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__
}
formula = SimpleNamespace(**FORMULAS)

CELLS = {
    "conv2d_params": [
        (formula.conv2d_params(6, 4, 3, 5), 3 * 5 * 6 * 4 + 4),
        (formula.conv2d_params(6, 4, 3, 5, bias=0, groups=2), 3 * 5 * (6 // 2) * 4),
        (formula.conv2d_params(6, 4, 3, 5, 1, 2), 3 * 5 * (6 // 2) * 4 + 4),
    ],
    "conv2d_macs": [
        (formula.conv2d_macs(2, 6, 4, 3, 5, 7, 11), 2 * 3 * 5 * 6 * 4 * 7 * 11),
        (formula.conv2d_macs(2, 6, 4, 3, 5, 7, 11, groups=2), 2 * 3 * 5 * (6 // 2) * 4 * 7 * 11),
    ],
    "linear_params": [
        (formula.linear_params(5, 7), 5 * 7 + 7),
        (formula.linear_params(5, 7, bias=0), 5 * 7),
    ],
    "linear_macs": [(formula.linear_macs(2, 5, 7), 2 * 5 * 7)],
    "batch_norm2d_params": [
        (formula.batch_norm2d_params(5), 2 * 5),
        (formula.batch_norm2d_params(5, affine=0), 0),
    ],
    "window_out": [
        # The places 0, 2, 4, ... at which 3 fit into 30 and one on either side.
        (formula.window_out(30, 3, 2, 1), len(range(0, 30 + 1 + 1 - 3 + 1, 2))),
        # With dilation 2 they reach over 5.
        (formula.window_out(30, 3, 2, 1, dilation=2), len(range(0, 30 + 1 + 1 - 5 + 1, 2))),
        (formula.window_out(31, 4, 3, 2, dilation=3), len(range(0, 31 + 2 + 2 - 10 + 1, 3))),
        (formula.window_out(5, 5, 1, 0), 1),
    ],
    "image_elements": [(formula.image_elements(2, 3, 5, 7), 2 * 3 * 5 * 7)],
    "receptive_field": [
        (formula.receptive_field(5, 3, 2), 5 + 2 * 2),
        (formula.receptive_field(5, 3, 2, dilation=3), 5 + 3 * 2 * 2),
    ],
    "weight_bytes": [
        (formula.weight_bytes(7, 4), 7 * 4),
        (formula.weight_bytes(7, 2), 7 * 2),
        (formula.weight_bytes(7, 8), 7 * 8),
    ],
    "flops": [(formula.flops(7), 2 * 7)],
}
"""Every formula's cells, by its name: what it gives, and the arithmetic."""


@pytest.mark.parametrize(("name", "cell"), [(name, cell) for name, cells in CELLS.items() for cell in cells])
def test_a_formula_is_its_arithmetic(name, cell):
    counted, expected = cell
    assert counted == expected, name


def test_every_formula_has_a_cell():
    assert set(CELLS) == set(FORMULAS)
