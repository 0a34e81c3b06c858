"""What every counter counts: whole networks against recorded totals, and the laws that hold for every convention."""

from __future__ import annotations

import ast
import csv
import inspect
import json
from itertools import product
from pathlib import Path

import pytest

from vggcost import api, units
from vggcost.conventions import rows
from vggcost.conventions.convention import RECORDED
from vggcost.conventions.counting import (
    KINDS,
    NOT_COUNTED,
    NOTHING_TO_COUNT,
    count,
    difference,
    rule_text,
    tally,
    total,
)
from vggcost.conventions.rows import CONVENTIONS, NAMES, TEXTBOOK, convention
from vggcost.conventions.special_rules import RULES
from vggcost.costs.table import Table, table
from vggcost.errors import VggcostError
from vggcost.network.blocks import Residual
from vggcost.network.catalogue import TABLE_1, Network, Variant
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Softmax,
)
from vggcost.network.ledger import PRIMITIVES

GOLDEN = Path(__file__).parents[1] / "golden" / "recorded_totals.csv"

COLUMNS = ("A", "B", "C", "D", "E", "D+BN")
TOTALS = {
    "mac": (7609090048, 11308466176, 11770888192, 15470264320, 19632062464, 15470264320),
    "fvcore": (7609115136, 11308491264, 11770913280, 15470289408, 19632087552, 15497384448),
    "torch": (15218180096, 22616932352, 23541776384, 30940528640, 39264124928, 30940528640),
    "ptflops": (7643686888, 11357513704, 11823849448, 15523225576, 19688937448, 15550320616),
    "ptflops-aten": (7616525288, 11320718312, 11784444904, 15483821032, 19646923752, 15483821032),
    "thop": (7609140224, 11308516352, 11770938368, 15470314496, 19632112640, 15524504576),
    "torchinfo": (7616525288, 11320718312, 11784444904, 15483821032, 19646923752, 15483829480),
    "calflops": (15239186944, 22647572992, 23575026176, 30973778432, 39299983872, 31000873472),
    "torchprofile": (7609115136, 11308491264, 11770913280, 15470289408, 19632087552, 15483836928),
}
"""1x3x224x224, 1000 classes, by the release that each convention names."""


def vgg(name: str, size: int = 224, batch: int = 1, **variant: object) -> Table:
    letter, _, ending = name.partition("+")
    network = api.build(letter, Variant(batch_norm=bool(ending), **variant), size)
    return api.count(network, (size, size), batch).table


def alone(*layers, shape: tuple[int, ...]) -> Table:
    return table(Network("alone", Variant(in_channels=shape[1]), layers), shape)


@pytest.mark.parametrize(("name", "column"), list(product(TOTALS, COLUMNS)))
def test_totals(name, column):
    assert tally(convention(name), vgg(column)).total == TOTALS[name][COLUMNS.index(column)]


def recorded() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", recorded(), ids=lambda row: f"{row['convention']}-{row['network']}-{row['size']}")
def test_recorded_totals(row):
    counted = vgg(
        row["network"],
        int(row["size"]),
        int(row["batch"]),
        classes=int(row["classes"]),
        adaptive_pool=row["adaptive_pool"] == "yes",
    )
    assert tally(convention(row["convention"]), counted).total == int(row["total"])


def test_what_is_said_to_be_recorded_is():
    assert {one.name for one in CONVENTIONS if one.proof == RECORDED} == {row["convention"] for row in recorded()}


def test_every_recorded_release_is_the_conventions():
    for row in recorded():
        release = convention(row["convention"]).release
        assert release
        assert release in row["release"]


def test_the_odd_ones():
    assert tally(convention("thop"), vgg("D", 256)).total == 20168270335
    assert tally(convention("ptflops"), vgg("D", batch=2)).total == 15542927848
    assert tally(convention("ptflops-modules"), vgg("D", batch=2)).total == 15503523304
    assert tally(convention("ptflops-aten"), vgg("D", batch=2)).total == 2 * 15483821032


@pytest.mark.parametrize("name", ["mac", "calflops-macs", "deepspeed-macs", "torchvision"])
def test_textbook_under_other_names(name):
    assert tally(convention(name), vgg("E+BN")).total == 19632062464


def test_thop_2019_to_its_two_decimals():
    assert f"{tally(convention('thop-2019'), vgg('D')).total / 1e9:.2f}" == "15.61"


N, C, H, W, F = 2, 6, 9, 12, 11
OUT = C * 3 * 4
POOL = MaxPool2d("layer", None, (3, 3), (3, 3))
CELLS = {
    # Over feature maps of C x H x W and over F features, at batch N; the page of each tool as arithmetic.
    ("torchscan", ReLU("layer", None)): C * H * W,
    ("torchscan", Dropout("layer", None)): C * H * W,
    ("torchscan", BatchNorm2d("layer", None, C)): 4 * C * H * W + 2 * C,
    ("torchscan", BatchNorm2d("layer", None, C, affine=False)): 2 * C * H * W + 2 * C,
    ("torchscan", POOL): OUT * (3 - 1),
    ("torchscan", MaxPool2d("layer", None, (3, 2), (3, 2))): C * 3 * 6 * (3 * 2 - 1),
    ("torchscan", AdaptiveAvgPool2d("layer", None, (3, 4))): OUT * (3 * 3 + 1),
    ("torchscan", AdaptiveAvgPool2d("layer", None, (7, 7))): C * 49 * ((9 % 7 + 1) * (12 % 7 + 1) + 1),
    ("torchstat", ReLU("layer", None)): C * H * W,
    ("torchstat", POOL): C * H * W,
    ("torchstat", BatchNorm2d("layer", None, C)): 2 * C * H * W,
    ("torchstat", BatchNorm2d("layer", None, C, affine=False)): C * H * W,
    ("torchstat-madd", POOL): OUT * (3 * 3 - 1),
    ("torchstat-madd", BatchNorm2d("layer", None, C, affine=False)): 4 * C * H * W,
    ("onnx-tool", ReLU("layer", None)): N * C * H * W,
    ("onnx-tool", POOL): N * OUT * 3 * 3,
    ("onnx-tool", BatchNorm2d("layer", None, C)): 31 * N * C * H * W,
    ("onnx-tool", AdaptiveAvgPool2d("layer", None, (3, 4))): N * C * H * W,
    ("onnx-tool", AdaptiveAvgPool2d("layer", None, (1, 1))): N * C * H * W + 4 * N * C,
    ("onnx-tool", AdaptiveAvgPool2d("layer", None, (7, 7))): None,
    ("onnx-tool", LocalResponseNorm("layer", None)): None,
    ("convnet-burden", ReLU("layer", None)): 2 * C * H * W,
    ("convnet-burden", POOL): 2 * OUT * 3 * 3,
    ("convnet-burden", LocalResponseNorm("layer", None)): C * H * W + (2 + 2 * C) * H * W,
    ("convnet-burden", BatchNorm2d("layer", None, C)): 0,
    ("deepspeed", LocalResponseNorm("layer", None, 3)): N * H * W * (4 * C + 3 - 1),
    ("ptflops", LocalResponseNorm("layer", None, 3)): N * H * W * (4 * C + 3 - 1),
    ("ptflops", ReLU("layer", None)): C * H * W + N * C * H * W,
    ("torchprofile", LocalResponseNorm("layer", None)): 3 * N * C * H * W,
    ("torchinfo", BatchNorm2d("layer", None, C)): N * 2 * C,
    ("torchinfo", BatchNorm2d("layer", None, C, affine=False)): 0,
    ("thop", AdaptiveAvgPool2d("layer", None, (7, 7))): int(((9 / 7) * (12 / 7) + 1) * (N * C * 49)),
    ("thop-2019", AdaptiveAvgPool2d("layer", None, (7, 7))): N * C * 49 * ((9 // 7) * (12 // 7) + 1),
    ("ultralytics-thop", AdaptiveAvgPool2d("layer", None, (7, 7))): N
    * C
    * sum(-(-(j + 1) * 9 // 7) - j * 9 // 7 for j in range(7))
    * sum(-(-(j + 1) * 12 // 7) - j * 12 // 7 for j in range(7))
    + N * C * 49,
}
FEATURE_CELLS = {
    ("thop", Softmax("layer", None)): N * (3 * F - 1),
    ("torchstat-madd", Softmax("layer", None)): 3 * F - 1,
    ("onnx-tool", Softmax("layer", None)): 36 * N * F,
    ("deepspeed", Softmax("layer", None)): N * F,
    ("torchscan", Linear("layer", None, F, 7)): 2 * F * 7,
    ("torchscan", Linear("layer", None, F, 7, bias=False)): 2 * F * 7 - 7,
    ("torchstat", Linear("layer", None, F, 7)): F * 7,
    ("torchstat-madd", Linear("layer", None, F, 7)): 7 * (2 * F - 1),
    ("thop-2019", Linear("layer", None, F, 7)): N * 7 * (2 * F - 1),
    ("onnx-tool", Linear("layer", None, F, 7)): N * F * 7 + N * 7,
    ("deepspeed", Linear("layer", None, F, 7)): 2 * N * F * 7,
    ("conv-only", Linear("layer", None, F, 7)): 0,
}


@pytest.mark.parametrize(("cell", "expected"), list({**CELLS, **FEATURE_CELLS}.items()), ids=str)
def test_cells_that_no_tool_here_can_show(cell, expected):
    name, layer = cell
    counted = alone(layer, shape=(N, F) if cell in FEATURE_CELLS else (N, C, H, W))
    assert tally(convention(name), counted).total == expected


def test_a_folded_batch_norm_leaves_its_convolution_a_bias():
    def onnx(*, bias: bool) -> list[int | None]:
        conv = Conv2d("conv", None, 3, 4, bias=bias)
        counted = alone(conv, BatchNorm2d("bn", None, 4), shape=(1, 3, 8, 8))
        return [one.value for one in tally(convention("onnx-tool"), counted).counts]

    # Seen of onnx-tool 1.0.1: 7168 for both.
    assert onnx(bias=True) == [6912 + 256, 0]
    assert onnx(bias=False) == [6912, 256]


def test_onnx_tool_sees_additions_and_branches():
    def block(*shortcut):
        body = (Conv2d("conv", "block.body.0", 3, 3, (1, 1), (1, 1), (0, 0), bias=False),)
        counted = alone(Residual("block", "block", body, shortcut), shape=(2, 3, 8, 8))
        return tally(convention("onnx-tool"), counted).total

    # Seen of onnx-tool 1.0.1: 1536, and 13440 with a batch norm alone in the shortcut.
    assert block() == 2 * 64 * 3 * 3 + 2 * 64 * 3
    assert block(BatchNorm2d("bn", "block.shortcut.0", 3)) == 1536 + 31 * 2 * 64 * 3


@pytest.mark.parametrize(("letter", "batch_norm", "batch"), list(product(TABLE_1, (False, True), (1, 2, 3))))
def test_laws_of_every_convention(letter, batch_norm, batch):
    for size in (32, 224, 256):
        network = api.build(letter, Variant(batch_norm=batch_norm), size)
        for name in NAMES:
            cost = api.count(network, (size, size), batch, convention=convention(name))
            tallied = cost.tally
            assert total(convention(name), cost.table) == tallied.total
            values = [layer.count for layer in cost.layers]
            if tallied.total is None:
                assert name == "onnx-tool"
                assert None in values
                assert cost.totals.note
                assert difference(convention(name), cost.table) == ()
                continue
            assert sum(values) == cost.totals.count == tallied.total
            parts = difference(convention(name), cost.table)
            assert sum(part.amount for part in parts) == tallied.total - cost.table.macs
            for layer in cost.layers:
                assert (layer.note is not None) == (layer.count == 0 or "folded" in (layer.note or ""))


def test_the_data():
    assert (
        *("mac", "fvcore", "torch", "torchprofile", "ptflops-aten", "ptflops", "ptflops-modules", "thop"),
        *("ultralytics-thop", "torchinfo", "calflops-macs", "deepspeed-macs", "calflops", "deepspeed"),
        *("torchscan-macs", "torchscan", "torchstat", "torchstat-madd", "onnx-tool", "convnet-burden"),
        *("torchvision", "thop-2019", "conv-only"),
    ) == NAMES
    used = {rule for one in CONVENTIONS for rule in one.rules.values()}
    assert used == set(RULES)
    for one in CONVENTIONS:
        assert one.unit in ("MAC", "FLOP", "mixed")
        assert one.source
        assert {*one.weights, *one.image_weights} <= set(PRIMITIVES)
        # A rule takes the place of the weights of its kind, so there are none.
        ruled = tuple(KINDS[kind].family for kind in one.rules)
        assert not [name for name in (*one.weights, *one.image_weights) if ruled and name.startswith(ruled)]
        # Each kind has a rule in words, and 0 means that nothing is counted.
        for kind in KINDS:
            weighed = any(name.startswith(KINDS[kind].family) for name in (*one.weights, *one.image_weights))
            assert rule_text(one, kind).startswith("0: ") == (not weighed and kind not in one.rules)


def test_per_batch_or_per_image():
    assert convention("fvcore").per == "batch"
    assert convention("ptflops-modules").per == "image"
    assert convention("ptflops").per == "mixed"


def test_why_a_layer_shows_nothing():
    counted = vgg("D+BN")
    notes = {row.kind: one.note for row, one in zip(counted.rows, tally(TEXTBOOK, counted).counts, strict=True)}
    assert notes["ReLU"] == NOT_COUNTED
    assert notes["Dropout"] == NOTHING_TO_COUNT
    assert notes["Conv2d"] is None
    bare = alone(BatchNorm2d("layer", None, 4, affine=False), shape=(1, 4, 3, 3))
    assert "batch-norm affine" in str(count(convention("torchinfo"), bare.rows[0]).note)


def test_names_in_any_case_and_refusals():
    assert convention(" THOP ").name == "thop"
    with pytest.raises(
        VggcostError, match=r"unknown convention 'ptflop'; the nearest are ptflops, .*vggcost conventions"
    ):
        convention("ptflop")
    with pytest.raises(VggcostError, match="is a unit"):
        api.cost("D", convention="flops")


def test_the_python_door():
    cost = api.cost("D", convention="torch")
    assert (cost.convention, cost.unit, cost.totals.count) == ("torch", "FLOP", 30940528640)
    assert cost.totals.macs == 15470264320
    assert cost.to_frame()["count"].sum() == 30940528640
    assert api.cost("D").totals.count == 15470264320


def test_a_gap_in_a_frame_leaves_ints_ints():
    counts = api.cost("A-LRN", convention="onnx-tool").to_frame()["count"]
    assert str(counts.dtype) == "Int64"
    assert counts[:4].isna().tolist() == [False, False, True, False]
    assert counts[:4].dropna().tolist() == [89915392, 3211264, 3211264]


@pytest.mark.parametrize("name", NAMES)
def test_rows_sum_to_the_total_in_every_format(name, vggcost):
    words = ("table", "D", "--batch-norm", "--batch", "2", "--convention", name)
    document = json.loads(vggcost(*words, "--format", "json").out)
    assert document["convention"] == name
    assert document["unit"] == convention(name).unit
    expected = sum(layer["count"] for layer in document["layers"])
    assert document["totals"]["count"] == expected
    lines = list(csv.DictReader(vggcost(*words, "--format", "csv").out.splitlines()))
    assert sum(int(line["count"]) for line in lines[:-1]) == int(lines[-1]["count"]) == expected
    for fmt in ("table", "markdown", "latex"):
        text = vggcost(*words, "--format", fmt).out
        assert f"{expected:,}" in text
        assert f"convention {name}" in text


def test_no_total_is_empty_never_0(vggcost):
    words = ("table", "A-LRN", "--convention", "onnx-tool")
    document = json.loads(vggcost(*words, "--format", "json").out)
    assert document["totals"]["count"] is None
    assert "lrn1" in document["totals"]["note"]
    (lrn,) = [layer for layer in document["layers"] if layer["name"] == "lrn1"]
    assert lrn["count"] is None
    last = list(csv.DictReader(vggcost(*words, "--format", "csv").out.splitlines()))[-1]
    assert last["count"] == ""
    assert "onnx-tool has no total here: " in vggcost(*words).out
    assert "8x8 is no multiple of 7x7" in vggcost("table", "D", "--size", "256", *words[2:]).out
    compared = json.loads(vggcost("compare", "D", *words[1:2], *words[2:], "--format", "json").out)
    assert [one["count"] for one in compared["networks"]] == [15503523304, None]
    assert "A-LRN: no total under onnx-tool: " in vggcost("compare", "D", *words[1:]).out


def test_the_screen_says_what_is_left_out(vggcost):
    out = vggcost("table", "D", "--convention", "fvcore").out
    assert "fvcore counts 0 for 15 ReLU, 5 MaxPool2d: not counted; 1 Flatten, 2 Dropout: " in out
    assert "fvcore counts 0" in vggcost("table", "D", "--convention", "fvcore", "--all").out
    assert "counts 0" not in vggcost("table", "D").out


def test_compare_and_report_take_a_convention(vggcost, tmp_path):
    out = vggcost("compare", "A", "D", "--convention", "thop", "--format", "csv").out
    assert [line["count"] for line in csv.DictReader(out.splitlines())] == ["7609140224", "15470314496"]
    assert "thop " in vggcost("compare", "A", "D", "--convention", "thop").out
    assert vggcost("report", "D", "--no-figures", "--convention", "torch", "-o", str(tmp_path)).status == 0
    assert "30940528640" in (tmp_path / "D.csv").read_text().splitlines()[-1]
    assert "convention torch" in (tmp_path / "summary.md").read_text()
    assert vggcost("report", "D", "--no-figures", "-o", str(tmp_path), "--check").status == 1


def test_unknown_convention_is_refused_everywhere(refused):
    for command in ("table", "compare", "report"):
        assert "the nearest are ptflops" in refused(command, "D", "--convention", "ptflop")


@pytest.mark.parametrize("row", CONVENTIONS, ids=lambda row: row.name)
def test_a_row_cannot_be_written_into(row):
    before = api.cost("D").totals.count
    for mapping in (row.weights, row.image_weights, row.rules):
        with pytest.raises(TypeError):
            mapping["conv_macs"] = 5
    assert api.cost("D").totals.count == before


def test_rows_are_values():
    assert len(set(CONVENTIONS)) == len(CONVENTIONS)
    assert hash(TEXTBOOK) == hash(TEXTBOOK.replace(remark=None))
    assert [row for row in CONVENTIONS if row.is_textbook] == [TEXTBOOK]


def test_a_cost_carries_the_row_it_is_counted_by():
    cost = api.cost("D", convention="thop")
    assert cost.counted_by is convention("thop")
    assert (cost.convention, cost.unit) == ("thop", "mixed")
    assert cost.to_dict()["convention"] == "thop"


def literal(module, name):
    """The values of a Literal that only type checkers and editors read."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value.slice)
    raise AssertionError(f"{module.__name__} has no {name}")


def test_type_checkers_know_the_conventions_and_dtypes_that_there_are():
    assert literal(rows, "ConventionName") == NAMES
    assert literal(units, "Dtype") == tuple(units.DTYPE_BYTES)
