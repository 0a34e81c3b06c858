"""What tools print of memory and of training: the rule equals the tool's own text, string for string."""

from __future__ import annotations

import os
import warnings
from itertools import product
from typing import TYPE_CHECKING

import pytest
from drawn_networks import Drawing

from vggcost import api
from vggcost.conventions.convention import LIVE
from vggcost.conventions.figure_rows import FIGURES, figure
from vggcost.conventions.figures import Sizes
from vggcost.costs import variants
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.frameworks.peers import figures
from vggcost.network.catalogue import TABLE_1, Variant, find

if TYPE_CHECKING:
    from vggcost.costs.table import Table

pytestmark = pytest.mark.torch

VARIANTS = list(product(TABLE_1, (False, True)))


def vgg(name: str, batch: int = 1, size: int = 224, **variant: object) -> Table:
    network = api.build(name, Variant(**variant), size)
    return api.count(network, (size, size), batch).table


def residual(name: str, batch: int, size: int, **options: object) -> Table:
    network = variants.unfolded(find(name), options, (size, size))
    return api.count(network, (size, size), batch).table


def asked() -> list[Table]:
    """Every variant of the paper at batch 1 and 8, and networks of other sizes, heads, widths and branches."""
    tables = [vgg(name, batch, batch_norm=norm) for name, norm in VARIANTS for batch in (1, 8)]
    tables += [
        vgg("A", 3, 32, classes=10, head=(), adaptive_pool=False),
        vgg("D", 2, 32, classes=10, head=(512, 512), adaptive_pool=False, batch_norm=True, bias=False),
        vgg("B", 5, 64, in_channels=1, classes=7, batch_norm=True),
        vgg("E", 1, 96, classifier=False),
        vgg("A", 1, 64, width=0.25, classes=3),
        residual("residual-vgg16", 1, 64),
        residual("residual-vgg16", 3, 96, batch_norm=True),
        residual("keras-residual-vgg", 2, 64),
    ]
    return tables


def drawn() -> list[Table]:
    """Random networks with residual blocks, at a batch so large that it shows in a text of two decimals."""
    drawings = [Drawing(seed) for seed in range(120)]
    tables = [table(each.network, (9973, *each.shape[1:])) for each in drawings]
    # torchsummary and calflops raise on a network without parameters.
    with_parameters = [each for each in tables if each.params]
    assert len(with_parameters) > 90
    return with_parameters


@pytest.mark.parametrize("tool", figures.TOOLS)
def test_each_figure_is_the_tools_own_text(tool):
    if not figures.has(tool):
        pytest.skip(f"{tool} is not installed")
    tables = [*asked(), *drawn()]
    for counted, said in zip(tables, figures.heard(tool, tables), strict=True):
        assert set(said) == set(figures.TOOLS[tool])
        for name, (text, number) in said.items():
            value = figure(name).value(Sizes(counted))
            assert figure(name).text(value) == text, (name, counted.network.title, counted.input)
            assert number in (value, None), (name, counted.network.title, counted.input)


def test_every_live_figure_is_heard():
    by_tools = {name for names in figures.TOOLS.values() for name in names}
    assert {one.name for one in FIGURES if one.proof == LIVE} == by_tools | {"keras-params"}


def test_a_weight_off_by_one_is_seen():
    """The networks above tell every two rules apart that differ in one weight."""
    tables = asked()
    for one in FIGURES:
        if one.proof != LIVE:
            continue
        texts = [one.text(one.value(Sizes(table))) for table in tables]
        for name, weight in one.weights.items():
            wrong = one.replace(weights={**one.weights, name: weight + 1})
            assert [wrong.text(wrong.value(Sizes(table))) for table in tables] != texts, (one.name, name)
        if one.of_count:
            wrong = one.replace(times=one.times + 1)
            assert [wrong.text(wrong.value(Sizes(table))) for table in tables] != texts


def test_a_tool_that_ends_is_told(monkeypatch):
    monkeypatch.setitem(figures.TOOLS, "nothing", ())
    with pytest.raises(VggcostError, match="nothing ended: ModuleNotFoundError"):
        list(figures.heard("nothing", [vgg("A", 1, 32, adaptive_pool=True)]))


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_torchinfo_takes_elements_for_what_they_are(dtype):
    torchinfo, torch = pytest.importorskip("torchinfo"), pytest.importorskip("torch")
    from vggcost.frameworks.pytorch.build import build_module

    table = vgg("A", 2, 64, batch_norm=True)
    kind = getattr(torch, dtype)
    image = torch.empty(table.input, device="meta", dtype=kind)
    summary = torchinfo.summary(build_module(table.network, dtype=kind), input_data=[image], device="meta", verbose=0)
    said = figures.lines_of(str(summary))
    for name in figures.TOOLS["torchinfo"]:
        one = figure(name)
        assert one.text(one.value(Sizes(table, dtype))) == said[one.words]


def keras_on_torch():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns while it is imported, which is its own affair
        return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("name", "norm"), [("A", False), ("D", True)])
def test_keras_says_the_size_of_its_variables(name, norm, dtype):
    keras = keras_on_torch()
    table = vgg(name, 1, 32, batch_norm=norm, head=(64,), classes=5)
    layers = {
        "Conv2d": lambda row: keras.layers.Conv2D(row.output[1], 3, padding="same", dtype=dtype),
        "BatchNorm2d": lambda row: keras.layers.BatchNormalization(dtype=dtype),
        "Linear": lambda row: keras.layers.Dense(row.output[1], dtype=dtype),
    }
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for row in table.rows:
        if row.kind == "AdaptiveAvgPool2d":
            model.add(keras.layers.GlobalAveragePooling2D())
            model.add(keras.layers.RepeatVector(49))
            model.add(keras.layers.Flatten())
        elif row.kind in layers:
            model.add(layers[row.kind](row))
    lines = []
    model.summary(print_fn=lines.append)
    one = figure("keras-params")
    assert f"({one.text(one.value(Sizes(table, dtype)))})" in next(
        line for line in "\n".join(lines).splitlines() if one.words in line
    )
