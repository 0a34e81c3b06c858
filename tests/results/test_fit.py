"""What `fit` answers fits, and the next value does not; where no answer is right, the refusal has the numbers."""

from __future__ import annotations

import pytest
from fit_questions import Question, faults, wrong

import vggcost
from vggcost import api, units
from vggcost.costs import memory
from vggcost.costs import training as step
from vggcost.costs.training import Training
from vggcost.errors import VggcostError
from vggcost.network.plan import Configuration, ResidualToken, Variant
from vggcost.results import fit as module
from vggcost.results.budgets import Budget
from vggcost.results.fit import Fit
from vggcost.results.settings import Setting, axis

QUESTIONS = range(100)
"""Seeds; `python tests/fit_questions.py 1000` asks more."""


@pytest.mark.parametrize("seeds", [QUESTIONS[start : start + 20] for start in range(0, len(QUESTIONS), 20)])
def test_the_answer_fits_and_the_next_value_does_not(seeds):
    assert {seed: faults(Question(seed)) for seed in seeds} == {seed: [] for seed in seeds}


def test_an_answer_beside_the_right_one_is_seen():
    seen = 0
    for seed in QUESTIONS[:20]:
        question = Question(seed)
        try:
            fit = Fit(question.setting, question.solve, question.budgets)
        except VggcostError:
            continue
        if fit.next is None or question.solve == "width":
            continue
        assert wrong(question, fit.value + 1, fit.next.value + 1)
        assert fit.value == 1 or wrong(question, fit.value - 1, fit.next.value - 1)
        assert wrong(question, fit.value, fit.next.value + 1)
        seen += 1
    assert seen >= 8


@pytest.mark.parametrize("shift", [(1, 1), (-1, -1), (0, 1), (-1, 0)])
@pytest.mark.parametrize("options", [{"memory": "24GiB"}, {"macs": "5G"}, {"memory": "8GiB", "solve": "size"}])
def test_a_search_that_is_off_by_one_gives_no_answer(monkeypatch, shift, options):
    right = module.largest

    def off(tried, bounds, span):
        low, high = right(tried, bounds, span)
        # A width has several places for the same channels, of which the last and the first are given.
        return (span(low)[0] - 1 if shift[0] < 0 else low + shift[0]), span(high + shift[1])[1] if shift[1] else high

    monkeypatch.setattr(module, "largest", off)
    with pytest.raises(AssertionError, match="is not the largest that fits"):
        vggcost.fit("D", **options)


def test_vgg16_in_24_gib_and_in_24_gb():
    in_gib, in_gb = vggcost.fit("D", memory="24GiB"), vggcost.fit("vgg16", memory="24GB")
    assert (in_gib.batch, in_gib.next.value, in_gb.batch, in_gb.next.value) == (959, 960, 891, 892)
    weights, image = 138_357_544 * 4, 602_112 + 25_690_112
    assert in_gib.used == {"memory_bytes": weights + 959 * image}
    assert in_gib.next.used == {"memory_bytes": weights + 960 * image}
    assert in_gib.headroom == {"memory_bytes": 24 * 2**30 - weights - 959 * image}
    assert (in_gib.size, in_gib.width) == (None, None)
    assert vggcost.fit("D", memory=24 * 2**30).batch == 959
    assert repr(in_gb) == "<vggcost fit of D: batch 891 in --memory 24GB>"


def test_exactly_what_it_takes_is_enough():
    takes = vggcost.memory("D", batch=7, training=True, optimizer="adam").totals.training_peak_bytes
    for budget, batch in ((takes, 7), (takes - 1, 6)):
        assert vggcost.fit("D", memory=budget, training=True, optimizer="adam", accumulate=1).batch <= batch
    big = vggcost.memory("D", batch=300, training=True, optimizer="adam").totals.training_peak_bytes
    assert vggcost.fit("D", memory=big, training=True, optimizer="adam").batch == 300
    assert vggcost.fit("D", memory=big - 1, training=True, optimizer="adam").batch == 299


def test_every_budget_is_kept():
    fit = vggcost.fit("D", params="60M", macs="5G", memory="1GiB")
    alone = {
        word: vggcost.fit("D", solve="width", **{word: value}).width
        for word, value in (("params", "60M"), ("macs", "5G"), ("memory", "1GiB"))
    }
    assert fit.width == min(alone.values()) == alone["params"] == 0.362
    cost = vggcost.cost("D", width=fit.width)
    assert fit.used["params"] == cost.totals.params <= 60_000_000
    assert fit.used["macs"] == cost.totals.macs <= 5 * 10**9
    assert fit.over(fit.next) == ("params",)
    assert vggcost.cost("D", width=fit.next.value).totals.params > 60_000_000


def test_levers_are_what_their_options_reach():
    fit = vggcost.fit("D", memory="24GiB", training=True, optimizer="adam")
    reached = {pull.option: (pull.value, pull.images) for pull in fit.levers}
    options = {
        "--dtype float16": {"dtype": "float16"},
        "--mixed bfloat16": {"mixed": "bfloat16"},
        "--checkpoint": {"checkpoint": True},
        "--freeze features": {"freeze": ["features"]},
        "--optimizer momentum": {"optimizer": "momentum"},
        "--optimizer sgd": {"optimizer": "sgd"},
        "--accumulate 2": {"accumulate": 2},
    }
    assert set(reached) == set(options)  # a fused step moves nothing here: the backward pass has the peak
    for option, changes in options.items():
        other = vggcost.fit("D", memory="24GiB", **{"training": True, "optimizer": "adam", **changes})
        passes = changes.get("accumulate", 1)
        assert reached[option] == (other.batch, passes * other.batch), option
    assert [pull.times for pull in fit.levers] == sorted((pull.times for pull in fit.levers), reverse=True)
    assert all(pull.images > fit.batch for pull in fit.levers)


def test_levers_that_are_pulled_are_not_offered():
    fit = vggcost.fit(
        "D", memory="24GiB", training=True, checkpoint=True, accumulate=2, freeze=["features"], dtype="float16"
    )
    assert fit.levers == ()
    mixed = vggcost.fit(
        "D", memory="24GiB", training=True, checkpoint=True, accumulate=2, freeze=["features"], mixed="float16"
    )
    assert mixed.levers == ()
    beside = vggcost.fit("A", memory="4GiB", in_place=False, dtype="float64")
    assert {pull.option for pull in beside.levers} == {"--dtype float32", "without --no-inplace"}
    # Nothing but the features learns, so they cannot be frozen; an odd batch has no half.
    alone = vggcost.fit("A", memory="4GiB", training=True, classifier=False, solve="size", batch=3)
    assert {pull.option for pull in alone.levers} <= {"--dtype float16", "--mixed bfloat16", "--checkpoint"}
    halves = vggcost.fit("A", memory="4GiB", training=True, solve="size", batch=32)
    (half,) = [pull for pull in halves.levers if pull.option.startswith("--accumulate")]
    assert (half.option, half.images) == ("--accumulate 2 --batch 16", None)
    assert half.value == vggcost.fit("A", memory="4GiB", training=True, solve="size", batch=16, accumulate=2).size


def test_sizes_end_where_a_fixed_head_ends():
    fit = vggcost.fit("D", memory="2GiB", solve="size", adaptive_pool=False)
    assert (fit.size, fit.next) == (255, None)
    assert fit.to_dict()["next"] is None
    with pytest.raises(VggcostError, match=r"with size 224, the smallest, it takes"):
        vggcost.fit("D", memory="553MB", solve="size", adaptive_pool=False)


def test_the_smallest_size_may_be_larger_than_the_plans_own():
    deep = Configuration("deep", (4, *["M"] * 9))
    fit = Fit(Setting(deep, deep.variant, deep.size), "size", (Budget("memory", 2**30, "1GiB"),))
    assert fit.size > fit.axis.bounds.least == 512


@pytest.mark.parametrize(
    ("plan", "solve", "budget", "words"),
    [
        (("M", "M"), "width", Budget("params", 10**9, "1G"), "none has no convolution whose width could change"),
        (("M", "M"), "size", Budget("macs", 10**9, "1G"), "no size of none exceeds --macs 1G"),
        ((8, ResidualToken((9,))), "size", Budget("macs", 10**9, "1G"), "res1_1 cannot add"),
    ],
)
def test_what_cannot_be_asked(plan, solve, budget, words):
    own = Configuration("none", plan, variant=Variant(head=(5,)))
    with pytest.raises(VggcostError, match=words):
        Fit(Setting(own, own.variant, own.size), solve, (budget,))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no budget is given; give --memory 24GiB"),
        ({"memory": 0}, "--memory is 0; give at least 1"),
        ({"memory": 2.5}, "--memory is 2.5; give a whole number"),
        ({"memory": "24GiB", "solve": "depth"}, "unknown value of --solve 'depth'"),
        ({"memory": "24GiB", "batch": 8}, "--batch is given, and the batch is what is asked for"),
        ({"memory": "24GiB", "optimizer": "adm", "training": True}, "unknown optimizer 'adm'"),
        ({"memory": "24GiB", "dtype": "int8", "training": True}, "--dtype int8 has no gradients"),
        ({"params": "20M", "dtype": "float31"}, "unknown dtype 'float31'"),
    ],
)
def test_the_api_refuses_what_the_command_refuses(options, words):
    with pytest.raises(VggcostError, match=words):
        api.fit("D", **options)


def test_a_setting_without_memory_needs_no_training():
    plan = api.configuration("A")
    setting = Setting(plan, plan.variant, plan.size, training=Training("adam"))
    assert Fit(setting, "width", (Budget("params", 10**8, "100M"),)).levers[0].option == "--head none"


def held(setting):
    """Every moment's bytes, in order."""
    counted, size = setting.counted(), units.dtype_bytes(setting.dtype)
    run = {"in_place": setting.in_place, "low_bytes": units.dtype_bytes(setting.mixed) if setting.mixed else 0}
    if setting.training is None:
        return [moment.bytes for moment in memory.lived(counted, size, training=False, **run).alive.moments]
    lives = step.lived(counted, size, setting.training, **run)
    return [moment.bytes for moment in step.moments(counted, size, setting.training, lives)]


@pytest.mark.parametrize("seeds", [QUESTIONS[:12], QUESTIONS[12:24]])
def test_no_moment_falls_where_a_batch_an_image_or_a_width_grows(seeds):
    """Which is why there is one boundary, and a search may leave out what lies between."""
    for seed in seeds:
        question = Question(seed)
        scale = axis(question.solve, question.setting)
        place = scale.bounds.least
        before = held(scale.on(question.setting, place))
        for _ in range(12):
            place = scale.span(place)[1] + 1
            after = held(scale.on(question.setting, place))
            assert all(one <= other for one, other in zip(before, after, strict=True)), (seed, place)
            before = after
