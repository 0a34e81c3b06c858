"""Structures evaluated in Python against the int door: what the page is made of, before any of it is JavaScript."""

from __future__ import annotations

import pytest
import sympy

import vggcost
from vggcost.costs.training import STATES
from vggcost.explorer import traced
from vggcost.explorer.structures import Head, scaled_channels, structure
from vggcost.explorer.traced import Traced
from vggcost.network.network_file import read

SMALL = """
name = "small"
features = ["conv5-8/2", { residual = [8, 8] }, "M", "LRN", { residual = [16, 16], shortcut = "conv1-16" }, "M"]
classes = 5
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return str(path)


def sizes_at(plan, found, *, batch, height, width, classes, hidden, factor, each):
    """Every symbol's value at a point, as the page finds them."""
    numbers = {"N": batch, "K": classes, "h": height, "w": width, "e": each, "s": max(each, 4)}
    numbers |= {f"f{place}": value for place, value in enumerate(hidden, 1)}
    numbers |= {"p": factor[0], "q": factor[1]}
    values = {name: sympy.Integer(value) for name, value in numbers.items()}

    def at(expression):
        expression = sympy.sympify(expression)
        return expression.xreplace({symbol: values[symbol.name] for symbol in expression.free_symbols})

    for symbol, size in (*scaled_channels(plan).items(), *found.sizes.items()):
        values[symbol.name] = at(size)
    return at


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(("hidden", "head"), [((), Head(0)), ((7,), Head(1)), (None, Head(None))])
def test_every_number_is_the_int_doors(small, batch_norm, hidden, head):
    plan = read(small)
    found = structure(plan, head, batch_norm=batch_norm)
    point = {"batch": 3, "classes": 5}
    at = sizes_at(plan, found, **point, height=61, width=38, hidden=hidden or (), factor=(5, 10), each=2)
    options = {"size": (61, 38), "width": 0.5, "dtype": "float16", "batch_norm": batch_norm, **point}
    options |= {"classifier": False} if hidden is None else {"head": hidden}
    for optimizer in STATES:
        memory = vggcost.memory(file=small, training=True, optimizer=optimizer, **options)
        peak = memory.peak
        state, making = (int(at(each)) for each in found.updates[optimizer])
        held = {name: int(at(value)) for name, value in found.held.items()}
        assert state == memory.totals.optimizer_bytes
        assert held == {name: getattr(memory.totals, name) for name in held}
        always = held["weight_bytes"] + held["buffer_bytes"] + held["input_bytes"] + state
        moments = [
            (moment.phase, moment.layer, {name: int(at(part)) for name, part in moment.parts.items()})
            for moment in found.step
        ]
        moments.append(
            (
                "step",
                None,
                {"live_gradient_bytes": held["gradient_bytes"], "live_saved_bytes": 0, "working_bytes": making},
            )
        )
        phase, layer, parts = max(moments, key=lambda moment: sum(moment[2].values()))
        assert (phase, layer) == (peak.phase, peak.layer)
        assert parts == {name: getattr(peak, name) for name in parts}
        assert always + sum(parts.values()) == memory.totals.training_peak_bytes
        ahead = max(int(at(moment.parts["working_bytes"])) for moment in found.forward)
        assert ahead == memory.totals.peak_bytes
    cost = vggcost.cost(file=small, **options)
    for forms, row, kept in zip(found.layers, cost.table.rows, memory.layers, strict=True):
        assert (forms.name, forms.kind) == (row.name, row.kind)
        assert tuple(int(at(size)) for size in forms.output) == row.output
        numbers = {name: int(at(value)) for name, value in forms.expressions.items()}
        assert {name: numbers[name] for name in ("params", "macs", "flops")} == {
            name: getattr(row, name) for name in ("params", "macs", "flops")
        }
        for name in ("weight_bytes", "output_bytes", "saved_bytes"):
            assert numbers[name] == getattr(kept, name)
        for name, value in row.ledger.items():
            assert numbers[f"ledger_{name}"] == value
    assert not found.fits or batch_norm is not None


def test_moments_that_cannot_be_the_largest_are_left_out(small):
    found = structure(read(small), Head(1), batch_norm=True)
    memory = vggcost.memory(file=small, training=True, batch_norm=True, head=(7,))
    assert 5 < len(found.step) < len(memory.course)


def test_a_head_that_takes_7x7_asks_for_them():
    (fits,) = structure(vggcost.api.configuration("A"), Head(2, adaptive_pool=False, own=False), batch_norm=False).fits
    assert (fits.layer, fits.what) == ("fc6", "features")
    assert str(fits.takes) == "49*c512" and str(fits.gets) == "c512*h5*w5"


class TestTraced:
    x, y = (Traced(sympy.Symbol(name, integer=True)) for name in "xy")

    def asked(self, function):
        """What a function of no arguments gives, under every answer."""
        found = {}
        for answer in (True, False):
            traced._now.answers, traced._now.asked = (answer,), []
            found[answer] = function()
        return traced._now.asked, found

    def test_questions_are_asked_both_ways(self):
        asked, found = self.asked(lambda: "yes" if self.x % self.y else "no")
        assert asked == ["rest(x,y)!==0n"] and found == {True: "yes", False: "no"}
        asked, _ = self.asked(lambda: self.x * self.y == 1)
        assert asked == ["x*y===1n"]

    def test_floats_keep_their_order(self):
        one = (self.x / 7 + 1) * self.y
        assert one.is_float
        assert traced.printer.javascript(one.expression) == "(((Number(x)/Number(7n))+Number(1n))*Number(y))"

    def test_a_float_is_not_divided_as_an_int(self):
        with pytest.raises(TypeError):
            self.x / 2 - 1
        with pytest.raises(TypeError):
            self.x / 2 // 1
