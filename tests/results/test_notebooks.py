"""What a notebook shows of a result, and its rows as a frame of plain columns."""

from __future__ import annotations

import html
import re

import pytest
from program_readings import reading_of

import vggcost
from vggcost.errors import VggcostError
from vggcost.network import catalogue
from vggcost.results.audit import Audit


def shown(text):
    return [
        [html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    ]


@pytest.mark.parametrize("name", ["A", "D", "D-bn", "E"])
def test_a_notebook_shows_what_the_terminal_does(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    cost = vggcost.cost(name)
    rows = shown(cost._repr_html_())
    lines = [
        re.split(r"  +", line.strip())
        for line in cost.to_text().splitlines()
        if re.match(r"(conv|bn|pool|fc|total)", line)
    ]
    assert [[cell for cell in row if cell] for row in rows[1:]] == lines
    assert name != "D" or len(rows) == 23


def test_a_notebook_typesets_closed_forms():
    text = vggcost.closed_form("D")._repr_latex_()
    assert text.startswith("$$\\begin{aligned}\n") and text.endswith("\\end{aligned}$$")
    assert r"\text{params} &= 4097 K + 134260544 \\" in text
    assert r"\text{saved bytes} &=" in vggcost.closed_form("D").memory(training=True)._repr_latex_()


def test_a_closed_form_has_the_defaults_of_the_command():
    form = vggcost.closed_form("D")
    assert form.at() == form.at(1, 1000, 224, 224)
    assert form.at(batch=64)["macs"] == vggcost.cost("D", batch=64).totals.macs
    assert form.at(height=64)["macs"] == vggcost.cost("D", size=64).totals.macs
    assert form.at(width=320)["macs"] == vggcost.cost("D", size=(224, 320)).totals.macs
    assert form.memory().at(batch=8)["peak_bytes"] == vggcost.memory("D", batch=8).totals.peak_bytes
    assert form.layer("fc8").at(classes=10)["params"] == 40970
    odd = vggcost.closed_form("D", size=225, classes=10, batch=3)
    assert odd.at()["macs"] == vggcost.cost("D", size=225, classes=10, batch=3).totals.macs
    small = vggcost.closed_form("A", classes=10).at()
    assert small["params"] == vggcost.cost("A", classes=10).totals.params


COLUMNS = ("name", "output", "params", "share", "macs", "receptive_field", "output_bytes", "output_bytes_share")


def test_a_frame_takes_the_columns_of_the_command():
    cost = vggcost.cost("D", batch=2)
    frame = cost.to_frame(COLUMNS)
    assert list(frame) == [name.replace("share", "params_share") if name == "share" else name for name in COLUMNS]
    assert frame["params"].sum() == cost.totals.params
    assert frame["output_bytes"].sum() == 2 * 114804640
    assert frame["params_share"].sum() == pytest.approx(100, abs=1e-4)
    row = frame.set_index("name").loc["pool5"]
    assert (row["output"], row["receptive_field"]) == ("2x512x7x7", "212x212")
    with pytest.raises(VggcostError, match="unknown column 'parms'; the nearest are params"):
        cost.to_frame(["parms"])
    with pytest.raises(VggcostError, match="columns is the text 'name'; give a list of names"):
        cost.to_frame("name")


@pytest.mark.parametrize("convention", ["mac", "onnx-tool"])
def test_a_frame_has_plain_columns(convention):
    frame = vggcost.cost("A-LRN", convention=convention).to_frame()
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    gaps = "int64" if convention == "mac" else "Int64"
    assert kinds == dict.fromkeys(kinds, "string") | {"params": "int64", "macs": "int64", "flops": "int64"} | {
        "count": gaps
    }
    assert frame["count"].isna().any() == (convention != "mac")


def test_a_frame_holds_counts_beyond_int64():
    frame = vggcost.cost("D", batch=10**15).to_frame(["macs"])
    assert sum(frame["macs"]) == vggcost.cost("D", batch=10**15).totals.macs


def test_an_audit_has_the_same_columns():
    audit = Audit(reading_of(catalogue.network("D", catalogue.Variant()).layers))
    of_network = vggcost.cost("D").to_frame(COLUMNS)
    assert audit.to_frame(COLUMNS).equals(of_network)
    assert audit.to_frame()["params"].sum() == audit.params
    assert len(shown(audit._repr_html_())) == 23
    assert audit._repr_html_().startswith("<ul>\n<li>It is D (VGG-16)")


def test_polars_takes_a_frame_as_it_is():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    pytest.importorskip("pyarrow", reason="polars reads pandas' texts through pyarrow")
    cost = vggcost.cost("D", classes=7)
    taken = polars.from_pandas(cost.to_frame(COLUMNS))
    assert taken.columns == list(cost.to_frame(COLUMNS))
    assert taken["params"].dtype == polars.Int64
    assert taken["params"].sum() == cost.totals.params
    assert taken["output"].to_list() == cost.to_frame(COLUMNS)["output"].to_list()
