"""The column of times on a device: each is the forecast that `vggcost predict` makes of that network."""

from __future__ import annotations

import json

import pytest
from sweep_points import counted_at

import vggcost as package
from vggcost.errors import VggcostError
from vggcost.predict import devices, parameters
from vggcost.predict.classes import Choice
from vggcost.predict.model import EAGER
from vggcost.predict.timer import Timer
from vggcost.sweep import space as spaces

SPACES = {
    "configurations": {
        "axes": {
            "config": ["A", "A-LRN", "C", "E"],
            "width": [0.1, 1, 1.7],
            "batch_norm": [False, True],
            "size": [32, 223, [224, 256]],
            "batch": [1, 9],
            "head": ["none", "64"],
            "dtype": ["float32", "float16"],
        }
    },
    "blocks": {
        "axes": {"size": [64, 224], "batch": [1, 8], "classes": [10, 1000], "dtype": ["bfloat16"]},
        "blocks": {"depth": [[1, 2], [1]], "width": [[16, 64], [32, 96]]},
    },
}


def timer(name, dtype):
    choice = Choice(dtype, EAGER, channels_last=False, backward=False)
    return Timer(devices.shipped().find(name), choice, parameters.shipped())


@pytest.mark.parametrize("device", ["a100", "1080 Ti"])
@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_time_is_the_forecast_of_its_network(name, device):
    space = spaces.read(SPACES[name])
    frame = package.sweep(SPACES[name], every=True, device=device).frame()
    assert len(frame) > 30
    times = frame["predicted_ns"].astype("object").where(frame["predicted_ns"].notna(), None)
    for index, time in zip(frame["index"].tolist()[::11], times.tolist()[::11], strict=True):
        counted, point = counted_at(space, index)
        try:
            expected = timer(device, point.dtype).ns(counted)
        except VggcostError:  # a 1080 Ti does no bfloat16
            expected = None
        assert time == expected


def test_a_dtype_without_a_forecast_has_no_time_and_passes_no_condition_on_it():
    space = {"axes": {"config": ["A"], "dtype": ["int8", "float32"], "batch": [1, 2]}}
    frame = package.sweep(space, every=True, device="3090").frame()
    assert frame["predicted_ns"].isna().tolist() == [True, True, False, False]
    found = package.sweep(space, where="predicted_ns > 0", every=True, device="3090").frame()
    assert found["dtype"].tolist() == ["float32"] * 2
    front = package.sweep(space, pareto="min:predicted_ns,max:macs", device="3090").frame()
    assert front["dtype"].tolist() == ["float32"] * 2


def test_a_time_filters_and_ranks(vggcost, tmp_path):
    space = tmp_path / "space.toml"
    space.write_text('[axes]\nconfig = ["A", "D"]\nbatch = [1, 8, 64]\n', encoding="utf-8")
    times = package.sweep(space, every=True, device="3090").frame()["predicted_ns"]
    limit = sorted(times)[3] / 1e6
    words = ("--device", "RTX 3090", "--where", f"predicted_ns <= {limit:.6f}ms")
    out = tmp_path / "out.csv"
    assert vggcost("sweep", str(space), *words, "--all", "-o", str(out)).status == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1 + 4
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["device"] == "RTX 3090"
    shown = vggcost("sweep", str(space), *words, "--top", "1", "--by", "min:predicted_ns")
    assert shown.out.splitlines()[1].endswith(f"{min(times) / 1e6:.3g} ms")


def test_the_same_space_for_another_device_is_another_question(vggcost, refused, tmp_path):
    space = tmp_path / "space.toml"
    space.write_text('[axes]\nconfig = ["A"]\n', encoding="utf-8")
    keys = set()
    for device in ((), ("--device", "3090"), ("--device", "a100")):
        assert vggcost("sweep", str(space), *device, "--all", "-o", str(tmp_path / "out.csv")).status == 0
        keys.add(json.loads((tmp_path / "out.csv.manifest.json").read_text(encoding="utf-8"))["question"])
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--where", "predicted_ns < 5ms"), "predicted_ns is asked for and no device is given; give --device NAME"),
        (("--pareto", "min:predicted_ns,max:macs"), "predicted_ns is asked for and no device is given"),
        (("--top", "3", "--by", "min:predicted_ns"), "predicted_ns is asked for and no device is given"),
        (("--device", "3090", "--where", "predicted_ns < 5GiB"), "the unit 'GiB' does not fit it; give 20ms or 20e6"),
        (("--device", "3091"), "unknown device '3091'"),
        (("--device", "Tesla K80"), "Kepler"),
    ],
)
def test_what_cannot_be_timed_is_refused(refused, tmp_path, words, why):
    space = tmp_path / "space.toml"
    space.write_text('[axes]\nconfig = ["A"]\n', encoding="utf-8")
    assert why in refused("sweep", str(space), *words)
