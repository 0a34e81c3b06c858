"""A plan: estimates, and nothing that is built or measured."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from vggcost.bench import one_case, plan  # noqa: E402  # after the skip

ACTIVATIONS_OF_D = 25_690_112
"""What conv1_2 takes and gives at batch 1 [B]."""
IMAGE = 3 * 224 * 224 * 4


@pytest.fixture(autouse=True)
def _nothing_is_built(monkeypatch):
    def built(*_, **__):
        raise AssertionError("a plan builds nothing")

    monkeypatch.setattr(one_case, "build", built)


def planned(vggcost, *words):
    ran = vggcost("bench", *words, "--device", "cpu", "--plan", "--format", "json")
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


def test_every_case_has_its_memory_and_the_most_time(vggcost):
    found = planned(vggcost, "D", "--batch", "1..4", "--budget", "7", "--sustained", "2", "--repeat", "3")
    assert [case["input"][0] for case in found["cases"]] == [1, 2, 4]
    peaks = [case["in_use_bytes_estimated"] for case in found["cases"]]
    assert peaks == [4 * 138_357_544 + batch * (ACTIVATIONS_OF_D + IMAGE) for batch in (1, 2, 4)]
    assert found["cases"][0]["at_most_s"] == 7 + 2
    assert found["at_most_s"] == 3 * 3 * (7 + 2)


def test_a_forward_takes_its_parts_by_the_words_of_memory(vggcost):
    for extra in ((), ("--no-inplace",)):
        (case,) = planned(vggcost, "A", "--batch", "2", *extra)["cases"]
        memory = json.loads(vggcost("memory", "A", "--batch", "2", *extra, "--format", "json").out)
        totals = memory["totals"]
        parts = sum(totals[key] for key in ("weight_bytes", "buffer_bytes", "input_bytes", "peak_bytes"))
        assert case["in_use_bytes_estimated"] == memory["peak"]["bytes"] == parts
    (step,) = planned(vggcost, "A", "--batch", "2", "--backward")["cases"]
    training = json.loads(vggcost("memory", "A", "--batch", "2", "--training", "--format", "json").out)
    assert step["in_use_bytes_estimated"] == training["totals"]["training_peak_bytes"]


def test_no_inplace_is_nothing_to_a_program(refused, tmp_path):
    (tmp_path / "own.py").write_text("import torch\n\ndef net():\n    return torch.nn.Conv2d(3, 8, 3)\n")
    assert "--no-inplace is for a configuration" in refused("bench", f"{tmp_path / 'own.py'}:net", "--no-inplace")


def test_what_does_not_fit_is_said_in_every_format(vggcost, monkeypatch):
    monkeypatch.setattr(plan, "free_bytes", lambda _: 600 << 20)
    found = planned(vggcost, "D", "--batch", "1,4")
    assert [case["fits"] for case in found["cases"]] == [True, False]
    for fmt in ("table", "markdown", "csv", "latex", "html"):
        out = vggcost("bench", "D", "--batch", "1,4", "--device", "cpu", "--plan", "--format", fmt).out
        assert "no" in out
        assert ("nothing was measured" in out) == (fmt != "csv")


def test_where_nobody_says_what_is_free_or_what_a_module_takes_there_is_no_answer(vggcost, monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "free_bytes", lambda _: None)
    assert planned(vggcost, "A")["cases"][0]["fits"] is None
    (tmp_path / "own.py").write_text("import torch\n\ndef net():\n    return torch.nn.Conv2d(3, 8, 3)\n")
    (case,) = planned(vggcost, f"{tmp_path / 'own.py'}:net")["cases"]
    assert (case["in_use_bytes_estimated"], case["fits"]) == (None, None)


def test_a_loaded_result_is_no_plan(refused):
    assert "--load prints a result as it was measured; leave --plan away" in refused("bench", "--load", "x", "--plan")
