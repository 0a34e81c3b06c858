"""What nothing can be forecast from is refused in one line; what a result says of its layers is what a network has."""

from __future__ import annotations

import pytest
from measured_documents import case, document, forecast_of

from vggcost.bench.result import to_json
from vggcost.errors import VggcostError
from vggcost.predict import measurement


def even(row):
    return row["flops"] / 100 + row["min_bytes"] / 10


def good(**changes):
    return document(case("A", even), **changes)


def of(made, path="bench.json"):
    return measurement.of_document(made, path)


def test_the_work_of_a_program_is_that_of_its_rows():
    made = document(case("A", even, 2, batch_norm=True))
    ours = of(made).cases[0].works
    made["cases"][0]["network"] |= {"name": "net.py:net", "title": "net.py:net", "options": None}
    for row in made["cases"][0]["layers"]:
        row["path"] = "somewhere"
    assert of(made).cases[0].works == ours
    assert ours == forecast_of("A", 2, batch_norm=True).works


def test_a_network_file_of_one_of_our_names_is_read_by_its_rows():
    made = document(case("B", even))
    made["cases"][0]["network"]["name"] = "A"
    assert of(made).cases[0].works == forecast_of("B").works


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"cases__stopped": ("budget", 12)},
            "A (VGG-11) at batch 1: the budget of 30 s ended after 30 of 100 forwards",
        ),
        ({"ceilings__flops_per_s": 1e9}, "the ceiling is none"),
        ({"ceilings": None}, "it has no ceilings"),
    ],
)
def test_what_nothing_can_be_forecast_from(change, said):
    stopped = change.pop("cases__stopped", None)
    made = document(case("A", even, batch=1), **({"settings__rule__forwards": 100} if stopped else change))
    if stopped:
        made["cases"][0]["stopped_by"] = stopped[0]
    if change.get("ceilings", 1) is None:
        made["ceilings"] = None
    with pytest.raises(VggcostError, match=r"nothing can be forecast from 'bench.json'") as no:
        of(made)
    assert said in str(no.value)
    assert "\n" not in str(no.value)


def test_a_stored_verdict_counts_as_well():
    made = good()
    made["verdict"] = [{"gate": "few_forwards", "case": "A", "text": "too few"}]
    with pytest.raises(VggcostError, match=r"from 'bench.json': A: too few"):
        of(made)


def test_other_doubts_are_passed_on():
    made = good(environment__load_average=40.0)
    assert "loaded" in of(made).doubts


def test_a_program_that_was_timed_whole_is_refused():
    made = document(case("A", even, layers=False))
    assert of(made).cases[0].timed == ()
    made["cases"][0]["network"] |= {"options": None}
    with pytest.raises(VggcostError, match="was timed whole, and its layers are not known"):
        of(made)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"dtype": "float16"}, "measured float32, and --dtype float16"),
        ({"channels_last": True}, "measured channels first, and --channels-last"),
        ({"compiled": True}, "measured eager mode, and --compile"),
        ({"backward": True}, "measured the forward alone, and --backward"),
    ],
)
def test_what_is_asked_for_otherwise_than_it_was_measured(asked, said):
    nothing = {"dtype": None, "channels_last": False, "compiled": False, "backward": False}
    measurement.check_asked(of(good()), **nothing)
    with pytest.raises(VggcostError, match=said):
        measurement.check_asked(of(good()), **(nothing | asked))


@pytest.mark.parametrize("name", ["flops_per_s", "bytes_per_s"])
def test_ceilings_that_lie_too_far_apart(name):
    base = good()["ceilings"][name]
    near, far = (of(good(**{f"ceilings__{name}": base * times}), "other.json") for times in (1.29, 1.31))
    joined = measurement.together([of(good()), near])
    assert len(joined.cases) == 2
    for pair in ([of(good()), far], [far, of(good())]):
        with pytest.raises(VggcostError, match=r"1.3 times apart: one run was disturbed"):
            measurement.together(pair)


@pytest.mark.parametrize(
    "change",
    [
        {"environment__device_name": "another"},
        {"environment__threads": 1},
        {"settings__dtype": "bfloat16"},
        {"settings__channels_last": True},
        {"settings__compile": True},
        {"settings__backward": True},
    ],
)
def test_results_of_different_machines_or_ways_are_not_joined(change):
    with pytest.raises(VggcostError, match="give results of one machine and one way to run"):
        measurement.together([of(good()), of(good(**change), "other.json")])


def test_a_file_is_read(tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(to_json(good()), encoding="utf-8")
    assert measurement.read(str(path)).cases[0].title == "A (VGG-11) at batch 1"
