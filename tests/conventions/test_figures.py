"""What tools print of memory and of training: the recorded texts, vggcost's own definitions, and the notes' rows."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vggcost import api
from vggcost.conventions.convention import RECORDED
from vggcost.conventions.definitions import DEFINITIONS, definition
from vggcost.conventions.figure_rows import FIGURES, QUOTES, figure
from vggcost.conventions.figures import AMOUNTS, Sizes
from vggcost.costs import variants
from vggcost.costs.training import Training
from vggcost.errors import VggcostError
from vggcost.network.catalogue import find
from vggcost.results.memory import Memory

if TYPE_CHECKING:
    from vggcost.costs.table import Table

GOLDEN = Path(__file__).parents[1] / "golden" / "recorded_figures.csv"


def vgg(name: str, size: int = 224, batch: int = 1, **options: object) -> Table:
    network = variants.unfolded(find(name), options, (size, size))
    return api.count(network, (size, size), batch).table


def recorded() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", recorded(), ids=lambda row: "-".join(list(row.values())[:5]))
def test_recorded_texts(row):
    counted = vgg(row["network"], int(row["size"]), batch_norm=row["batch_norm"] == "yes", classes=int(row["classes"]))
    one = figure(row["figure"])
    assert one.release == row["release"]
    assert one.text(one.value(Sizes(counted))) == row["printed"]


def test_what_is_said_to_be_recorded_is():
    assert {one.name for one in FIGURES if one.proof == RECORDED} == {row["figure"] for row in recorded()}


@pytest.mark.parametrize("name", [one.name for one in FIGURES if one.proof == RECORDED])
def test_a_recorded_rule_off_by_one_is_seen(name):
    one = figure(name)
    tables = [
        vgg("residual-vgg16", 64, classes=10),
        vgg("residual-vgg16", 96, batch_norm=True),
        vgg("D", batch_norm=True),
        vgg("D", 64, batch_norm=True, classes=7),
    ]
    for amount, weight in one.weights.items():
        wrong = one.replace(weights={**one.weights, amount: weight + 1})
        assert [one.text(one.value(Sizes(each))) for each in tables] != [
            wrong.text(wrong.value(Sizes(each))) for each in tables
        ]


@pytest.mark.parametrize(
    ("name", "norm", "printed"),
    [
        ("torchinfo-input", False, "0.60 MB"),
        ("torchinfo-pass", False, "108.45 MB"),
        ("torchinfo-params", False, "553.43 MB"),
        ("torchinfo-total", False, "662.49 MB"),
        ("torchinfo-pass", True, "216.83 MB"),
        ("torchinfo-total", True, "770.90 MB"),
        ("torchsummary-pass", False, "218.78 MB"),
        ("torchsummary-total", False, "747.15 MB"),
        ("torchscan-model", False, "527.79 Mb"),
        ("keras-params", False, "527.79 MB"),
        ("calflops-training", False, "92.92 GFLOPS"),
        ("calflops-training-macs", False, "46.41 GMACs"),
    ],
)
def test_what_people_meet_in_print(name, norm, printed):
    one = figure(name)
    assert one.text(one.value(Sizes(vgg("D", batch_norm=norm)))) == printed


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize(
    ("name", "size", "batch", "norm"),
    [("D", 224, 1, False), ("A-LRN", 64, 3, True), ("residual-vgg16", 64, 2, True), ("E", 32, 8, False)],
)
def test_the_definitions_are_those_of_vggcost_memory(name, size, batch, norm, dtype):
    counted = vgg(name, size, batch, batch_norm=norm)
    totals = Memory(counted, dtype, Training()).totals
    adam = Memory(counted, dtype, Training("adam")).totals
    for one in DEFINITIONS:
        expected = getattr(adam if one.name == "optimizer_bytes" else totals, one.name)
        assert one.value(Sizes(counted, dtype)) == expected, one.name


def test_the_notes_rows():
    """INPUT, CONV, POOL and FC of the notes' table for VGG-16, typed here as they stand there."""
    convolutions = [224 * 224 * 64] * 2 + [112 * 112 * 128] * 2 + [56 * 56 * 256] * 3
    convolutions += [28 * 28 * 512] * 3 + [14 * 14 * 512] * 3
    pools = [112 * 112 * 64, 56 * 56 * 128, 28 * 28 * 256, 14 * 14 * 512, 7 * 7 * 512]
    notes = 224 * 224 * 3 + sum(convolutions) + sum(pools) + 4096 + 4096 + 1000
    assert notes == 15_237_608
    assert figure("cs231n").value(Sizes(vgg("D"))) == 4 * notes
    assert {quote.figure for quote in QUOTES} == {"cs231n"}


def test_an_integer_has_no_gradients_and_a_half_no_torchsummary():
    counted = vgg("A", 32)
    assert definition("saved_bytes").value(Sizes(counted, "int8")) is None
    assert definition("training_peak_bytes").value(Sizes(counted, "int8")) is None
    assert definition("step_flops").value(Sizes(counted, "int8")) is None
    assert figure("torchsummary-pass").value(Sizes(counted, "float16")) is None
    assert "float16" in figure("torchsummary-pass").refusal("float16")
    assert figure("torchsummary-pass").value(Sizes(counted, "tf32")) == figure("torchsummary-pass").value(
        Sizes(counted)
    )
    assert figure("torchinfo-pass").value(Sizes(counted, "float16")) * 2 == figure("torchinfo-pass").value(
        Sizes(counted)
    )


def test_torchstat_runs_one_image():
    one, eight = vgg("A", 64, 1), vgg("A", 64, 8)
    for name in ("torchstat-memory", "torchstat-traffic"):
        assert figure(name).value(Sizes(one)) == figure(name).value(Sizes(eight))


def test_every_amount_is_weighed_and_every_definition_is_there():
    weighed = {name for one in (*FIGURES, *DEFINITIONS) for name in one.weights}
    assert weighed == set(AMOUNTS)
    assert {one.definition for one in FIGURES if one.definition} <= {one.name for one in DEFINITIONS}
    assert len({one.name for one in FIGURES}) == len(FIGURES)


def test_an_unknown_figure_names_the_nearest():
    with pytest.raises(VggcostError, match="torchinfo-pass"):
        figure("torchinfo-pas")
