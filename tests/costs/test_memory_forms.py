"""The closed forms of memory are the int door's numbers, and no moment of theirs is missing or idle."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import sympy

import vggcost as package
from vggcost.costs.closed_forms import SYMBOLS, K, N, a, b
from vggcost.costs.polynomials import can_be_largest
from vggcost.errors import VggcostError

WAYS = [
    ("A", {"training": True}),
    ("A-LRN", {"training": True, "optimizer": "momentum", "in_place": False}),
    ("B", {"dtype": "int8", "in_place": False}),
    ("C", {"training": True, "optimizer": "adamw", "implementation": "for-loop", "dtype": "bfloat16"}),
    ("D", {"training": True, "optimizer": "adam", "accumulate": 4, "dtype": "float16"}),
    ("vgg16_bn", {"training": True, "optimizer": "adam", "mixed": "bfloat16"}),
    ("vgg19_bn", {"training": True, "optimizer": "adam", "master_weights": True, "dtype": "float16"}),
    ("E", {"training": True, "optimizer": "adam", "implementation": "fused", "checkpoint": True}),
    ("residual-vgg16", {"training": True}),
    ("residual-vgg16_bn", {"training": True, "freeze": ("conv1_1", "res3_1_conv1", "classifier")}),
    ("keras-residual-vgg", {"training": True, "optimizer": "adam", "implementation": "for-loop"}),
]
# Where a peak changes from one moment to the next: few images and many, small and large, few classes and many.
POINTS = [
    *((1, 1, 1, 1), (2, 1000, 1, 3), (5, 1, 2, 1), (64, 1000, 1, 1), (3, 10**6, 1, 1)),
    *((1024, 10, 7, 7), (200, 50_000, 7, 2), (10**6, 10**9, 100, 3)),
]


def totals(name, way, batch, classes, height, width):
    found = package.memory(name, **way, batch=batch, classes=classes, size=(height, width)).totals
    return {field: value for field in found._fields if (value := getattr(found, field)) is not None}


def form_of(name, way):
    return package.closed_form(name).memory(**way)


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_the_closed_forms_of_memory_are_the_int_doors(name, way):
    form = form_of(name, way)
    for batch, classes, tall, wide in POINTS:
        point = (batch, classes, 32 * tall, 32 * wide)
        assert form.at(*point) == totals(name, way, *point)


@pytest.mark.parametrize(("name", "way"), WAYS[:6])
def test_each_moment_is_the_largest_somewhere(name, way):
    # So a form that lacks any of them is wrong somewhere, and none is there for nothing.
    counts = (*range(1, 41), *(int(1.15**power) for power in range(27, 100)))
    for moments in form_of(name, way).moments.values():
        values = sympy.lambdify(SYMBOLS, [moment.bytes for moment in moments])
        points = itertools.product(counts, (1, 1000, 10**4, 10**6, 10**9), (1, 2, 3, 7, 49, 343), (1,))
        found = {each.index(max(each)) for each in (values(*point) for point in points)}
        assert found == set(range(len(moments)))


def test_a_peak_is_sympys_maximum_of_its_moments():
    form = package.closed_form("D").memory(training=True)
    assert form.totals.peak_bytes == sympy.Max(4 * N * (K + 29184), 524288 * N * a * b)
    assert form.totals.training_peak_bytes.func is sympy.Max
    where = [(moment.phase, moment.layer) for moment in form.moments["training_peak_bytes"]]
    assert where[:2] == [("backward", None), ("backward", "fc6")]
    assert form.totals.training_peak_bytes.xreplace(form.form.values(8, 1000, 224, 224)) == 1_665_586_248
    assert "closed form" in repr(form)


def test_a_number_given_takes_its_symbols_place_in_memory():
    form = package.closed_form("D", classes=10, batch=64, size=224).memory(training=True, optimizer="adam")
    expected = totals("D", {"training": True, "optimizer": "adam"}, 64, 10, 224, 224)
    assert {name: int(value) for name, value in form.quantities().items()} == expected
    assert [len(moments) for moments in form.moments.values()] == [1, 1]


def test_what_memory_refuses_its_closed_form_does():
    form = package.closed_form("D")
    for way, words in (
        ({"training": True, "dtype": "int8"}, "int8 has no gradients"),
        ({"dtype": "float23"}, "unknown dtype"),
        ({"training": True, "optimizer": "adamm"}, "unknown optimizer"),
        ({"training": True, "freeze": ("conv9",)}, "--freeze 'conv9' is no layer"),
        ({"training": True, "accumulate": 0}, "accumulate is 0"),
    ):
        with pytest.raises(VggcostError, match=words):
            form.memory(**way)
    with pytest.raises(VggcostError, match="multiples of 32"):
        form.memory().at(1, 1000, 225, 224)


def test_what_is_left_out_is_never_the_largest():
    draw = np.random.default_rng(5)
    monomials = (1, N, N * a * b, K, N * K)
    for _ in range(10):
        every = [sum(int(draw.integers(0, 10)) * each for each in monomials) for _ in range(12)]
        kept = can_be_largest(every, SYMBOLS)
        values = sympy.lambdify(SYMBOLS, every)
        for point in itertools.product((1, 2, 3, 50), repeat=4):
            found = values(*point)
            assert max(found[place] for place in kept) == max(found)
        assert len(kept) < len(every)


@pytest.mark.parametrize(
    ("expressions", "kept"),
    [
        ([N, 2 * N], [1]),
        ([N + 1, 2 * N], [1]),  # equal at 1, and below from there on
        ([N + 2, 2 * N], [0, 1]),  # larger at 1
        ([3 * N, 3 * N, N], [0]),
        ([8 * N, 4 * N + 4 * K, 8 * K], [0, 2]),  # the mean of the two others
        ([8 * N, 4 * N + 4 * K + 1, 8 * K], [0, 1, 2]),  # above it where the two meet
        ([sympy.floor(a / 2), a], [0, 1]),  # no polynomial
        ([5, 7], [1]),
    ],
)
def test_which_of_several_can_be_the_largest(expressions, kept):
    assert can_be_largest(expressions, SYMBOLS) == kept


def test_the_command_shows_each_moment(vggcost):
    out = vggcost("formula", "D", "--training", "--optimizer", "adam").out
    for words in (
        "4*(4097*K + 134260544)",
        "2048*N*(729*a*b + 97)",
        "conv1_2, forward  524288*N*a*b",
        "relu4_3, backward",
        "the optimizer's step",
        "2,767,752,992 B at the peak of a training step",
    ):
        assert " ".join(words.split()) in " ".join(out.split())
    assert "peak_bytes" not in vggcost("formula", "D").out
    assert "training_peak_bytes" not in vggcost("formula", "D", "--memory").out


@pytest.mark.parametrize("fmt", ["json", "python"])
def test_what_a_program_reads_of_it_evaluates_to_the_int_door(vggcost, fmt):
    words = ("--training", "--optimizer", "adam", "--accumulate", "2", "--dtype", "bfloat16", "--no-inplace")
    text = vggcost("formula", "E", "--batch-norm", *words, "--format", fmt).out
    way = {"training": True, "optimizer": "adam", "accumulate": 2, "dtype": "bfloat16", "in_place": False}
    expected = totals("vgg19_bn", way, 2, 10, 96, 128)
    if fmt == "python":
        found = eval(text)(N=2, K=10, a=3, b=4)  # noqa: S307  # that it runs is the promise
    else:
        document = json.loads(text)
        assert document["training"]["optimizer"] == "adam"
        found = {name: eval(document[name], {"N": 2, "K": 10, "a": 3, "b": 4}) for name in expected}  # noqa: S307
        each = [eval(one["bytes"], {"N": 2, "K": 10, "a": 3, "b": 4}) for one in document["moments"]["peak_bytes"]]  # noqa: S307
        assert max(each) == expected["peak_bytes"]
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--dtype", "float16"), "--dtype is given without --memory; add --memory, or leave it away"),
        (("--no-inplace",), "--no-inplace is given without --memory"),
        (("--memory", "--layer", "fc6"), "--layer and --memory do not go together"),
        (("--memory", "--optimizer", "adam"), "--optimizer is given without --training"),
        (("--training", "--freeze", "featurs"), "the nearest are features"),
        (("--memroy",), "unknown option '--memroy'; the nearest are --memory"),
    ],
)
def test_what_the_command_refuses(refused, words, error):
    assert error in refused("formula", "D", *words)
