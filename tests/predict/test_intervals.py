"""How wide an interval is, and why."""

from __future__ import annotations

import pytest

from vggcost.predict import devices, parameters
from vggcost.predict.classes import Choice
from vggcost.predict.intervals import WIDER, factor_of

TABLE = devices.shipped()
DATA = {
    "interval": {
        "all": {"80": 1.2, "90": 1.3},
        "fp32": {"80": 1.1, "90": 1.4},
        "tf32": {"80": 1.25, "90": 1.25},
        "tensor-eager": {"80": 1.1, "90": 1.2},
        "tensor-compiled": {"80": 1.5, "90": 1.6},
    },
    "step": {"fp32": {"80": 1.3, "90": 1.35}, "tensor": {"80": 1.15, "90": 1.45}},
    "seen": parameters.shipped().data["seen"],
}
SOME = parameters.Parameters({}, DATA)


def factor(name, wanted, choice=None, level=80, **changed):
    device = TABLE.find(name).device.replace(**changed)
    return factor_of(SOME, device, wanted, choice or Choice(), level)


@pytest.mark.parametrize(
    ("wanted", "choice", "level", "value"),
    [
        ("tensor", Choice("float16"), 80, 1.2),  # of all
        ("tensor", Choice("float16"), 90, 1.3),
        ("tensor", Choice("float16", "compiled"), 80, 1.5),  # of the mode
        ("tf32", Choice("tf32"), 80, 1.25),  # of the class
        ("tensor", Choice("float16", backward=True), 80, 1.2),
        ("tensor", Choice("float16", backward=True), 90, 1.45),  # of the step
        ("tensor", Choice("float16", "compiled", backward=True), 80, 1.5 * WIDER),
    ],
)
def test_the_wider_of_the_groups_and_of_all(wanted, choice, level, value):
    found = factor("3090", wanted, choice, level)
    assert found.value == pytest.approx(value)
    assert len(found.reasons) == (1 if value > 1.6 else 0)


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("H100", {}, "no device of this architecture (Hopper) was in the data"),
        ("B200", {}, "no board of this kind (10.0 professional)"),
        ("V100", {}, "no board of this kind (7.0 professional)"),
        ("A100", {}, "no board of this kind (8.0 professional)"),
        ("3090", {"l2_mib": 200}, "so large a cache"),
        ("3090", {"processors": 1000}, "so large a cache or so many processors"),
        ("A10", {}, "150 W are few for its peak"),
    ],
)
def test_what_no_row_has_is_said_and_widens(name, changed, words):
    found = factor(name, "tensor", Choice("float16"), **changed)
    assert any(words in reason for reason in found.reasons)
    assert found.value == pytest.approx(1.2 * WIDER ** len(found.reasons))
    assert all(reason.endswith("the interval is wider") for reason in found.reasons)


def test_strict_float32_on_ampere_and_later_has_no_rows():
    assert "strict float32" in factor("3090", "fp32").reasons[0]
    assert factor("3090", "tf32", Choice("tf32")).reasons == ()
    assert factor("2080", "fp32").reasons == ()


@pytest.mark.parametrize("name", ["T4", "2080 Ti", "4090", "1080 Ti", "Titan Xp", "A6000", "5090", "P100"])
def test_boards_like_those_of_the_data_are_not_widened(name):
    assert factor(name, "tensor", Choice("float16")).reasons == ()
