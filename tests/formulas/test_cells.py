"""Each formula with numbers that all differ, against the same written out: no two factors can be exchanged unseen."""

from __future__ import annotations

import inspect
import pkgutil
from fractions import Fraction
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
    "batch_norm2d_statistics": [(formula.batch_norm2d_statistics(5), 2 * 5)],
    "biases": [(formula.biases(37, 35), 2)],
    "flops_of_passes": [(formula.flops_of_passes(7, 3), 7 + 7 + 7)],
    "macs_of_images": [(formula.macs_of_images(35, 5, 11, 3), 7 * 11 * 3)],
    "at_moment": [(formula.at_moment(3, 5, 7), 3 + 5 + 7)],
    "float32_copy": [(formula.float32_copy(6), 6 + 6)],
    "optimizer_state": [(formula.optimizer_state(7, 2), 7 + 7)],
    "one_at_a_time": [(formula.one_at_a_time(3, 5), 3 + 5 + 5)],
    "lrn_padded_elements": [(formula.lrn_padded_elements(5, 7, 3), 5 * (7 + 3 - 1))],
    "lrn_window_pixels": [(formula.lrn_window_pixels(5, 3), 3 * 5)],
    "elements": [(formula.elements((2, 3, 5, 7)), 2 * 3 * 5 * 7), (formula.elements(()), 1)],
    "scaled_width": [
        (formula.scaled_width(6, 5), 6 * 5),
        (formula.scaled_width(10, Fraction(3, 4)), 7),  # of 7.5
    ],
    "flops": [(formula.flops(7), 2 * 7)],
    "macs_of_flops": [(formula.macs_of_flops(14), 7)],
    "window_reach": [
        (formula.window_reach(4), 1 + 3),
        (formula.window_reach(4, dilation=5), 1 + 3 * 5),
    ],
    "window_out": [
        # The places 0, 2, 4, ... at which 3 fit into 30 and one on either side.
        (formula.window_out(30, 3, 2, 1), len(range(0, 30 + 1 + 1 - 3 + 1, 2))),
        # With dilation 2 they reach over 5.
        (formula.window_out(30, 3, 2, 1, dilation=2), len(range(0, 30 + 1 + 1 - 5 + 1, 2))),
        (formula.window_out(31, 4, 3, 2, dilation=3), len(range(0, 31 + 2 + 2 - 10 + 1, 3))),
        (formula.window_out(5, 5, 1, 0), 1),
    ],
    "window_out_over_edge": [
        # The places 0, 3, ..., 27 of 30 and 1 on either side at which 4 fit, and 30, where only 2 do.
        (formula.window_out_over_edge(30, 4, 3, 1), len(range(0, 30 + 1 + 1 - 4 + 1, 3)) + 1),
        # Dilated they reach over 10; the last is 21, where all of them fit, and nothing is left over.
        (formula.window_out_over_edge(29, 4, 3, 1, dilation=3), len(range(0, 29 + 1 + 1 - 10 + 1, 3))),
    ],
    "window_starts": [
        # From -2 every 3, and the last at 10, the last element of 11.
        (formula.window_starts(11, 3, 2), len(range(-2, 11, 3))),
        (formula.window_starts(10, 3, 2), len(range(-2, 10, 3))),
    ],
    "window_least": [
        (formula.window_least(7, 2), 7 - 2 - 2),
        (formula.window_least(4, 2, dilation=5), 1 + 3 * 5 - 2 - 2),
    ],
    "window_elements": [(formula.window_elements(7, 3, 5), 7 * 3 * 5)],
    "centred_padding": [(formula.centred_padding(7), 3), (formula.centred_padding(6), 3)],
    "same_padding": [
        # 8 outputs of stride 3 over 22: the last begins at 21 and reaches over 5.
        (formula.same_padding(22, 5, 3), 21 + 5 - 22),
        # Dilated they reach over 9.
        (formula.same_padding(22, 5, 3, dilation=2), 21 + 9 - 22),
        (formula.same_padding(21, 5, 3), 18 + 5 - 21),
    ],
    "conv_params": [
        (formula.conv_params(6, 4, 11), 11 * 6 * 4 + 4),
        (formula.conv_params(6, 4, 11, bias=0, groups=2), 11 * (6 // 2) * 4),
        (formula.conv_params(6, 4, 11, 1, 2), 11 * (6 // 2) * 4 + 4),
    ],
    "conv_macs": [
        (formula.conv_macs(2, 6, 4, 11, 7), 2 * 11 * 6 * 4 * 7),
        (formula.conv_macs(2, 6, 4, 11, 7, groups=2), 2 * 11 * (6 // 2) * 4 * 7),
    ],
    "transposed_conv_params": [
        (formula.transposed_conv_params(6, 4, 11), 11 * 6 * 4 + 4),
        (formula.transposed_conv_params(6, 4, 11, bias=0, groups=2), 11 * 6 * (4 // 2)),
        (formula.transposed_conv_params(6, 4, 11, 1, 2), 11 * 6 * (4 // 2) + 4),
    ],
    "transposed_conv_macs": [
        (formula.transposed_conv_macs(2, 6, 4, 11, 7), 2 * 11 * 6 * 4 * 7),
        (formula.transposed_conv_macs(2, 6, 4, 11, 7, groups=2), 2 * 11 * 6 * (4 // 2) * 7),
    ],
    "transposed_out": [
        # The last of 7 inputs begins at 6 * 3 and reaches over 4; 1 is cut off at either side and 2 are added.
        (formula.transposed_out(7, 4, 3, 1, 2), 6 * 3 + 4 - 1 - 1 + 2),
        # Dilated it reaches over 1 + 3 * 5.
        (formula.transposed_out(7, 4, 3, 1, 2, dilation=5), 6 * 3 + 16 - 1 - 1 + 2),
    ],
    "layer_norm_params": [
        (formula.layer_norm_params(7), 7 + 7),
        (formula.layer_norm_params(7, scale=0), 7),
        (formula.layer_norm_params(7, 1, 0), 7),
    ],
    "contraction_macs": [(formula.contraction_macs(6, 7), 6 * 7)],
    "bilinear_params": [
        (formula.bilinear_params(3, 5, 7), 3 * 5 * 7 + 7),
        (formula.bilinear_params(3, 5, 7, bias=0), 3 * 5 * 7),
    ],
    "bilinear_macs": [(formula.bilinear_macs(2, 3, 5, 7), 2 * 7 * 3 * 5 + 2 * 7 * 5)],
    "attention_macs": [(formula.attention_macs(2, 3, 5, 7), 2 * 3 * 5 + 2 * 3 * 7)],
    "recurrent_params": [
        (formula.recurrent_params(4, 5, 7, 7, 0, 1, 1), 4 * 7 * (5 + 7) + 2 * 4 * 7),
        (formula.recurrent_params(4, 5, 7, 7, 0, 1, 1, bias=0), 4 * 7 * (5 + 7)),
        # Two directions, three layers; those behind the first take both directions' projected states.
        (
            formula.recurrent_params(4, 5, 7, 3, 3, 3, 2),
            2 * (4 * 7 * (5 + 3) + 3 * 7 + 2 * 4 * 7) + 2 * 2 * (4 * 7 * (2 * 3 + 3) + 3 * 7 + 2 * 4 * 7),
        ),
    ],
    "recurrent_macs": [
        (formula.recurrent_macs(11, 4, 5, 7, 7, 0, 1, 1), 11 * 4 * 7 * (5 + 7)),
        (
            formula.recurrent_macs(11, 4, 5, 7, 3, 3, 3, 2),
            11 * 2 * (4 * 7 * (5 + 3) + 3 * 7) + 11 * 2 * 2 * (4 * 7 * (2 * 3 + 3) + 3 * 7),
        ),
    ],
    "adaptive_cell": [(formula.adaptive_cell(15, 5), 3)],
    "receptive_field": [
        (formula.receptive_field(5, 3, 2), 5 + 2 * 2),
        (formula.receptive_field(5, 3, 2, dilation=3), 5 + 3 * 2 * 2),
    ],
    "field_stride": [(formula.field_stride(3, 5), 3 * 5)],
    "field_padding": [(formula.field_padding(3, 5, 7), 3 + 5 * 7)],
    "tensor_bytes": [
        (formula.tensor_bytes(7, 4), 7 * 4),
        (formula.tensor_bytes(7, 2), 7 * 2),
        (formula.tensor_bytes(7, 8), 7 * 8),
    ],
    "least_traffic": [(formula.least_traffic(2, 3, 5, 11), 2 + 3 + 5 + 11)],
    "in_use": [(formula.in_use(2, 3, 7, 13), 2 + 3 + 7 + 13)],
    # Weights, their gradients, buffers, the network's input, what is kept, two gradients on their way.
    "bytes_of_one_image": [(formula.bytes_of_one_image(3, 10), 10 - 3)],
    "largest_batch": [
        (formula.largest_batch(3 + 5 * 7, 3, 7), 1 + 5),
        (formula.largest_batch(3 + 5 * 7 - 1, 3, 7), 1 + 4),
    ],
    "compute_time": [(formula.compute_time(5, 7), 5 * 7)],
    "memory_time": [(formula.memory_time(5, 7), 5 * 7)],
    "sustained_rate": [(formula.sustained_rate(3, 5, 7), 3 * 5 * 7)],
    "gemm_depth": [(formula.gemm_depth(77, 7), 11)],
    "gemm_blocks": [
        # 11 rows in blocks of 4 are 3, 13 columns in blocks of 5 are 3; 12 and 15 fill theirs, one more begins another.
        (formula.gemm_blocks(11, 13, 4, 5), 3 * 3),
        (formula.gemm_blocks(12, 16, 4, 5), 3 * 4),
        (formula.gemm_blocks(13, 15, 4, 5), 4 * 3),
    ],
    "lengthened": [(formula.lengthened(11, 3, 5), 11 + 11 * 3 * 5)],
    "gemm_time": [(formula.gemm_time(2, 3, 5, 7, 11, 13), 2 * 3 * (1 + 5 * 7) * (1 + 11 * 13))],
    "cached_time": [(formula.cached_time(7, Fraction(1, 3), 6, 5), Fraction(14, 3) * 6 + Fraction(7, 3) * 5)],
    "passed_elements": [(formula.passed_elements(7), 7 + 7)],
    "converted_elements": [(formula.converted_elements(3, 5, 7), (3 + 5 + 3 + 5) * 7)],
    "kernels_time": [(formula.kernels_time(3, 5), 3 * 5)],
    "step_time": [(formula.step_time(3, 5), 3 * 5)],
    "interpolated": [(formula.interpolated(3, 11, 5), 3 + 5 * 8)],
    "ring_steps": [(formula.ring_steps(7), 6 + 6)],
    "ring_bytes": [(formula.ring_bytes(5, 35), 2 * 4 * 7), (formula.ring_bytes(3, 10), 13)],
    "transfer_time": [(formula.transfer_time(3, 5), 3 * 5)],
    "ring_latency": [(formula.ring_latency(7, 5), 12 * 5)],
    "exchange_bytes": [(formula.exchange_bytes(4, 5, 7, 11), 2 * 3 * 5 * 7 * 11)],
    "images_of_step": [(formula.images_of_step(3, 5), 3 * 5)],
    "saved_by_splitting": [(formula.saved_by_splitting(5, 35), 7 * 4), (formula.saved_by_splitting(3, 10), 6)],
    "winograd_saving": [
        # Of (2*11)^2 = 484 multiplications 12^2 = 144 are left; of 33^2 = 1089, 13^2 = 169; of 10^2 = 100, 6^2 = 36.
        (formula.winograd_saving(2, 11), 3),
        (formula.winograd_saving(3, 11), 6),
        (formula.winograd_saving(5, 2), 2),
    ],
}
"""Every formula's cells, by its name: what it gives, and the arithmetic."""


@pytest.mark.parametrize(("name", "cell"), [(name, cell) for name, cells in CELLS.items() for cell in cells])
def test_a_formula_is_its_arithmetic(name, cell):
    counted, expected = cell
    assert counted == expected, name


def test_every_formula_has_a_cell():
    assert set(CELLS) == set(FORMULAS)
