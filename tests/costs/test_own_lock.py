"""What vggcost says of its own networks is what its own lock says: no total and no layer changes unseen."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from vggcost import cost
from vggcost.formulas import forward
from vggcost.results.checking import LockFolder
from vggcost.results.report_files import VARIANTS

LOCK = Path(__file__).parents[2] / "vggcost.lock.json"
CLASSES = (1000, 10, 24, 4)
SIZES = ((32, 32), (224, 224), (256, 320))


def entry(name):
    return next(entry for entry in json.loads(LOCK.read_text())["entries"] if entry["name"] == name)


def test_nothing_has_drifted_from_the_lock(vggcost):
    assert vggcost("check", "--lock", str(LOCK)) == (0, "", "")


def test_the_totals_of_a_cost_are_the_sums_of_the_lock():
    for each in json.loads(LOCK.read_text())["entries"]:
        totals = cost(each["target"], **each["given"]).totals
        assert (totals.params, totals.macs) == (each["params"], each["macs"]), each["name"]


def test_the_lock_holds_every_pair_of_a_network_classes_and_a_size():
    made = [
        (each.target, each.given.get("classes", 1000), each.given.get("size", (224, 224)))
        for each in LockFolder(str(LOCK)).table.values()
    ]
    for sides in ((VARIANTS, CLASSES), (VARIANTS, SIZES), (CLASSES, SIZES)):
        for pair in itertools.product(*sides):
            assert any(set(pair) <= set(network) for network in made), pair


def test_a_changed_formula_is_told_by_entry_and_layer(vggcost, monkeypatch):
    linear_params = forward.linear_params
    monkeypatch.setattr(forward, "linear_params", lambda **sizes: linear_params(**sizes) + 1)
    ran = vggcost("check", "D-bn-24-classes-256x320px", "--lock", str(LOCK))
    assert ran.status == 1
    assert ran.out.startswith("D-bn-24-classes-256x320px: fc6, fc7 and fc8 (3 x Linear) changed: + 3 parameters\n")


@pytest.mark.parametrize(("name", "params"), [("D-bn-4-classes", 134_285_380), ("D-24-classes-32px", 134_358_872)])
def test_published_programs_are_among_them(name, params):
    assert entry(name)["params"] == params
