"""What commands show of networks, programs and results that bear a name of the test's choice."""

from __future__ import annotations

import bench_documents
from program_readings import reading_of

from vggcost import api
from vggcost.bench.compare import comparison
from vggcost.bench.curve import curve_document
from vggcost.lock.budgets import Headroom
from vggcost.lock.findings import ADDED, Finding
from vggcost.lock.outcome import DIFFERS, FileLine, Outcome, Told
from vggcost.network import catalogue
from vggcost.network.layers import Conv2d, ReLU
from vggcost.report import bench, bench_compare, bench_curve, check
from vggcost.report.document import Column, Document, Grid, Text
from vggcost.results.audit import Audit
from vggcost.results.budgets import budgets
from vggcost.results.comparison import side_by_side
from vggcost.results.fit import Fit
from vggcost.results.memory import Memory
from vggcost.results.settings import Setting


def everywhere(name):
    """A document with a name in each place that there is."""
    columns = (Column("name", name), Column("words", "Words", fills=True), Column("macs", "MACs", "count"))
    rows = [{"name": name, "words": name, "macs": 1_234_567}, {"name": "b", "words": None, "macs": None}]
    grid = Grid(columns, rows, title=name, legend=name, notes=(Text((name,)), Text((name,), "list")))
    blocks = (Text((name, f"on {name} at", name)), Text((name, f"  of {name}"), "list"), Text((name,), "head"), grid)
    record = Grid((Column("name", "Name"), Column(name, name)), [{"name": name, name: 1}])
    return Document({"schema": "x/1", name: name}, blocks, record)


def named(name):
    return catalogue.unfolded(catalogue.find("A").replace(name=name), catalogue.Variant())


def cost_of(name):
    return api.count(named(name), (224, 224))


def fit_of(name):
    plan = catalogue.find("A").replace(name=name)
    return Fit(Setting(plan, plan.variant, (224, 224)), "batch", budgets({"memory": "2GiB"}))


def audit_of(name):
    layers = (Conv2d(name, name, 3, 8), ReLU(f"{name}x", f"{name}x"))
    return Audit(reading_of(layers, (1, 3, 8, 8), program=name))


def outcome_of(name):
    place = FileLine(name, 3)
    finding = Finding(ADDED, (name,), kind=name, place=0)
    told = (Told(f"{name} added", place, finding), Told(name, None))
    return Outcome(name, name, DIFFERS, place, told, (), (Headroom("max_params", 1, 2),))


def results_of(*names):
    return bench_documents.document(*(bench_documents.case(name, batch) for name in names for batch in (1, 2)))


DOCUMENTS = {
    "table": lambda name: cost_of(name).document(),
    "compare": lambda name: side_by_side([cost_of(name), cost_of("D")], human=False),
    "memory": lambda name: Memory(cost_of(name).table, "float32").document(),
    "fit": lambda name: fit_of(name).document(),
    "audit": lambda name: audit_of(name).document(),
    "check": lambda name: check.document([outcome_of(name)], name),
    "bench": lambda name: bench.document(results_of(name)),
    "bench-compare": lambda name: bench_compare.document(comparison(results_of(name), results_of(name), 0.01)),
    "bench-curve": lambda name: bench_curve.document(curve_document(results_of(name))),
}
