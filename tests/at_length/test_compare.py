"""Two results of several processes: the promise on false alarms and on what is found, by simulation."""

from __future__ import annotations

from functools import cache
from random import Random
from statistics import median

import pytest
from bench_documents import MS, case, document

from vggcost.bench.between_processes import by_process, compare_processes, student_quantile, student_within
from vggcost.bench.compare import comparison
from vggcost.bench.repeat import pooled
from vggcost.bench.statistics import SLOWER, UNDECIDED, compare

SEEDS, TRIALS = 10, 10
LAYERS_OF_D = 37
"""Rows that run: 13 convolutions, 15 ReLUs, 5 poolings, 3 linear layers, the adaptive pooling."""
SAMPLES, PROCESSES = 30, 5
NOISE, BETWEEN = 0.01, 0.005
SLOWED, SLOWDOWN = 20, 1.05
HIGHEST_RATE = 0.05


def measured(random, layers=LAYERS_OF_D, between=BETWEEN):
    """A result's samples [ns] by layer and process: lognormal noise of a sample, and of a process beside it."""
    exponents = random.lognormvariate
    return [
        [
            [round(MS * shift * exponents(0.0, NOISE)) for _ in range(SAMPLES)]
            for shift in [exponents(0.0, between) for _ in range(PROCESSES)]
        ]
        for _ in range(layers)
    ]


@cache
def pairs():
    """A hundred pairs of equal results."""
    return [(measured(random), measured(random)) for random in map(Random, range(SEEDS)) for _ in range(TRIALS)]


def slower_by(samples, factor):
    return [[round(time * factor) for time in process] for process in samples]


def words(old, new, threshold, family=LAYERS_OF_D):
    return [compare_processes(a, b, threshold, family).word for a, b in zip(old, new, strict=True)]


def alarms(threshold, family=LAYERS_OF_D, some=slice(None)):
    """In how many pairs of equal results at least one layer gets a word."""
    return sum(set(words(old, new, threshold, family)) != {UNDECIDED} for old, new in pairs()[some])


def test_two_equal_results_stay_undecided_as_often_as_promised_over_all_layers():
    assert alarms(threshold=0.01) == 0
    assert alarms(threshold=0.0) <= HIGHEST_RATE * len(pairs())


def test_without_the_allowance_for_many_layers_the_promise_breaks():
    assert alarms(threshold=0.0, family=1, some=slice(20)) > 0.5 * 20


def test_the_interval_within_one_process_does_not_know_the_spread_between_processes():
    wrong = 0
    for old, new in pairs()[:10]:
        flat = [[[time for process in layer for time in process] for layer in side] for side in (old, new)]
        wrong += any(compare(a, b).word != UNDECIDED for a, b in zip(*flat, strict=True))
    assert wrong > HIGHEST_RATE * 10


def test_a_slowdown_of_one_layer_by_five_percent_is_found_and_no_other_layer_is_named():
    found = 0
    for old, new in pairs():
        said = [*words(old[:SLOWED], new[:SLOWED], 0.01)]
        slowed = compare_processes(old[SLOWED], slower_by(new[SLOWED], SLOWDOWN), 0.01, LAYERS_OF_D)
        said += [slowed.word, *words(old[SLOWED + 1 :], new[SLOWED + 1 :], 0.01)]
        found += said == [SLOWER if place == SLOWED else UNDECIDED for place in range(LAYERS_OF_D)]
    assert found == len(pairs())


def test_a_slowdown_of_one_percent_is_too_small_to_be_found():
    old, new = pairs()[0]
    assert compare_processes(old[0], slower_by(new[0], 1.01), 0.01, LAYERS_OF_D).word == UNDECIDED


@pytest.mark.parametrize(
    ("confidence", "freedom", "t"),
    [(0.95, 1, 12.7062), (0.95, 2, 4.30265), (0.95, 5, 2.57058), (0.99, 8, 3.35539), (0.999, 4, 8.61030)],
)
def test_students_t_is_that_of_the_tables(confidence, freedom, t):
    # Abramowitz & Stegun 1964, table 26.10.
    assert student_quantile(confidence, freedom) == pytest.approx(t, rel=1e-5)
    assert student_within(t, freedom) == pytest.approx(confidence, rel=1e-6)


def test_processes_that_do_not_differ_and_times_of_nothing():
    same = compare_processes([[100], [100]], [[110], [110]])
    assert (same.word, same.low, same.high) == (SLOWER, pytest.approx(1.1), pytest.approx(1.1))
    nothing = compare_processes([[0], [0]], [[1], [1]])
    assert (nothing.ratio, nothing.low, nothing.word) == (None, None, UNDECIDED)
    wild = compare_processes([[1], [10**12]], [[1], [10**12]], comparisons=1000)
    assert (wild.low, wild.high, wild.word) == (None, None, UNDECIDED)
    with pytest.raises(ValueError, match="a spread needs 2"):
        compare_processes([[1]], [[1], [2]])


def test_the_samples_are_those_of_their_process():
    assert by_process({}, [1, 2, 3]) == [[1, 2, 3]]
    assert by_process({"n_by_process": [1, 0, 2]}, [1, 2, 3]) == [[1], [2, 3]]


def several(scale, seed, count=PROCESSES):
    """A result of several processes, conv1_2 slower by the factor."""
    random = Random(seed)  # noqa: S311  # a simulation
    made = []
    for _ in range(count):
        times = [round(time * MS * random.lognormvariate(0, BETWEEN)) for time in (2, 1, 30 * scale, 0, 1)]
        made.append(document(case(times=times)))
    return pooled(made, count)


def test_the_command_compares_processes_where_both_sides_have_several():
    old, new = several(1.0, 1), several(SLOWDOWN, 2)
    (one,) = comparison(old, new, 0.01)["cases"]
    assert {row["what"]: row["word"] for row in one["layers"]} == {
        "conv1_1": UNDECIDED,
        "relu1_1": UNDECIDED,
        "conv1_2": SLOWER,
        "fc8": UNDECIDED,
    }
    assert all(row["processes"] == [PROCESSES, PROCESSES] for row in (*one["layers"], *one["passes"]))
    parts = [
        by_process(side["cases"][0]["passes"]["layers"], side["cases"][0]["layers"][2]["samples_ns"])
        for side in (old, new)
    ]
    assert [median(part) for part in parts[0]] != [median(parts[0][0])] * PROCESSES
    # Four layers run: their intervals hold together.
    wanted = compare_processes(*parts, 0.01, 4)
    row = one["layers"][2]
    assert (row["ratio"], row["low"], row["high"]) == (wanted.ratio, wanted.low, wanted.high)


def test_one_process_on_a_side_keeps_the_interval_of_its_forwards():
    for old, new in ((several(1.0, 1, 1), several(1.0, 2)), (document(), document())):
        (one,) = comparison(old, new, 0.01)["cases"]
        for row, layer in zip(one["layers"], [each for each in new["cases"][0]["layers"] if each["runs"]], strict=True):
            before = next(each for each in old["cases"][0]["layers"] if each["name"] == layer["name"])
            wanted = compare(before["samples_ns"], layer["samples_ns"], 0.01)
            assert (row["low"], row["high"], row["word"]) == (wanted.low, wanted.high, wanted.word)


def test_an_interval_that_says_nothing_is_not_written_out_to_thirty_digits():
    from vggcost.report.bench_compare import document as report
    from vggcost.report.formats import rendered

    def run(scales):
        return pooled([document(case(scale=scale)) for scale in scales], len(scales))

    text = rendered(report(comparison(run((1.0, 3.0)), run((1.0, 9.0)), 0.01)), "table")
    assert "0.000 to 100 and more" in text
    assert not any(len(word) > 20 for line in text.splitlines() for word in line.split() if word[:1].isdigit())
