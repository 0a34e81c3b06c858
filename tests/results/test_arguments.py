"""What public calls are given: all that people pass is taken, and everything else is refused in one line."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import vggcost
from vggcost.costs.arguments import OF_ONE_CALL, READERS, public
from vggcost.errors import VggcostError, WrongKindError

CALLS = {
    "cost": {},
    "closed_form": {},
    "memory": {},
    "memory_totals": {},
    "fit": {"memory": "8GiB"},
    "audit": {"model": None, "input": (1, 3, 32, 32)},
    "sweep": {"space": {"axes": {"config": "A"}}},
}
"""Every public call, with what it cannot do without."""


class Hostile:
    """Raises whatever is done with it."""

    def __repr__(self):
        raise RuntimeError

    def _raise(self):
        raise KeyError

    __index__ = __float__ = __fspath__ = __len__ = __iter__ = _raise

    def __getitem__(self, _):
        raise KeyError


VALUES = (
    *(True, 0, 1, -1, 10**30, 10**5000, 1.5, float("nan"), float("inf"), 1j, Fraction(1, 3)),
    *("x", "", "yes", "True", "a\nb\x1b[31m", "\ud800", "\0", b"x", bytearray(b"x"), memoryview(b"x")),
    *([], [1], [1, 2, 3], (), (1, "a"), (1, 2), {}, {"a": 1}, {1: 2}, set(), {1, 2}, range(5), [[[]]]),
    *(object(), Hostile(), int, list[int], len, Ellipsis, NotImplemented, None, sys),
    *(np.array([1, 2]), np.array([[1, 2], [3, 4]]), np.array("a"), np.array(Hostile()), np.array([])),
    *(
        np.float32(1.5),
        np.bool_(True),
        np.int64(-3),
        np.datetime64("2020"),
        np.dtype("complex64"),
        np.dtype([("a", int)]),
    ),
)
ARGUMENTS = [(call, name) for call in CALLS for name in inspect.signature(getattr(vggcost, call)).parameters]


def outcome(call, words):
    """What a call returns or refuses with; whatever else it raises is this test's to see."""
    try:
        return getattr(vggcost, call)(**words)
    except VggcostError as error:
        refusal = error
    assert str(refusal).isprintable() and str(refusal)
    return refusal


def test_every_public_call_is_here():
    assert set(CALLS) == {name for name in vggcost.__all__ if name.islower() and not name.startswith("_")}


@pytest.mark.parametrize(("call", "name"), ARGUMENTS)
def test_whatever_an_argument_is_the_call_returns_or_refuses(call, name):
    for value in VALUES:
        found = outcome(call, {**CALLS[call], name: value})
        if READERS[name].__name__ == "flag" and not isinstance(value, bool | np.bool_ | None):
            assert isinstance(found, WrongKindError), value


@pytest.mark.parametrize("call", CALLS)
def test_numbers_texts_and_flags_of_another_kind_are_type_errors(call):
    wrong = {"batch": "8", "dtype": 32, "optimizer": 5, "convention": b"mac", "bias": "no", "head": 512, "size": {}}
    wrong |= {"width": [0.5], "freeze": 3, "file": 3, "training": 1, "classes": 10.0, "solve": object(), "like": 1}
    taken = inspect.signature(getattr(vggcost, call)).parameters
    for name in wrong.keys() & taken:
        with pytest.raises(TypeError, match="; give ") as refused:
            getattr(vggcost, call)(**{**CALLS[call], name: wrong[name]})
        assert isinstance(refused.value, VggcostError)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"batch_norm": "yes"}, "batch_norm is 'yes'; give True or False"),
        ({"batch_norm": 1}, "batch_norm is 1; give True or False"),
        ({"batch": "8"}, "batch is '8'; give a whole number of at least 1"),
        ({"batch": True}, "batch is True; give a whole number of at least 1"),
        ({"size": "224x224"}, "size is '224x224'; give one whole number or (height, width)"),
        ({"size": (1, 2, 3)}, "size is (1, 2, 3); give one number or (height, width)"),
        ({"head": 512}, "head is 512; give hidden widths such as (512, 512), or () for none"),
        ({"dtype": float}, "dtype is <class 'float'>; give a dtype such as 'float32' or torch.float32"),
        ({"file": 0}, "file is 0; give a path, as a text or a pathlib.Path"),
        ({"network": 16}, "the network is 16; give its name as a text such as 'D', or a network file as file="),
        ({"batchnorm": True}, "unknown argument of cost 'batchnorm'; the nearest are batch_norm"),
    ],
)
def test_a_refusal_says_what_to_give(words, line):
    with pytest.raises(WrongKindError) if words != {"size": (1, 2, 3)} else pytest.raises(VggcostError) as refused:
        vggcost.cost(**words)
    assert str(refused.value).startswith(line)


def test_calls_that_are_no_call_of_the_signature_are_refused():
    for call in (
        lambda: vggcost.cost("D", "E"),
        lambda: vggcost.cost("D", network="E"),
        vggcost.audit,
        lambda: vggcost.audit(None),
        lambda: vggcost.fit("D", memori="24GiB"),
    ):
        with pytest.raises(WrongKindError):
            call()


def test_dtypes_of_numpy_are_their_names():
    for dtype in (np.float16, np.dtype("float16"), np.dtype(">f2"), np.zeros(1, np.float16).dtype, np.str_("float16")):
        assert vggcost.cost("D", dtype=dtype).dtype == "float16"
    assert vggcost.memory("A", mixed=np.float16).mixed == "float16"
    with pytest.raises(WrongKindError, match=r"dtype is <class 'numpy\.complex64'>; give a dtype"):
        vggcost.cost("D", dtype=np.complex64)


@pytest.mark.parametrize(
    "size", [[64, 96], (64, 96), np.array([64, 96]), (np.int64(64), np.uint8(96)), range(64, 97, 32)]
)
def test_a_size_is_any_pair(size):
    assert vggcost.cost("A", size=size).input == (1, 3, 64, 96)
    assert vggcost.memory("A", size=size).table.input == (1, 3, 64, 96)
    assert vggcost.closed_form("A", size=size).image == (64, 96)


def test_whole_numbers_of_numpy_are_counts():
    counted = vggcost.cost("A", batch=np.int32(2), classes=np.array(10), head=np.array([8, 8]), size=np.int64(64))
    assert counted.input == (2, 3, 64, 64)
    assert type(counted.totals.params) is int
    assert counted.totals.params == vggcost.cost("A", batch=2, classes=10, head=(8, 8), size=64).totals.params
    assert vggcost.cost("A", width=np.float32(0.5)).totals == vggcost.cost("A", width=0.5).totals
    assert vggcost.fit("A", memory=np.int64(1 << 31)).batch == vggcost.fit("A", memory="2GiB").batch
    assert (
        vggcost.closed_form("A").at(np.int64(1), 1000, np.int32(224), 224)["params"] == vggcost.cost("A").totals.params
    )


def test_numpys_truth_values_are_flags():
    assert vggcost.cost("A", batch_norm=np.bool_(True)).totals == vggcost.cost("A", batch_norm=True).totals
    assert vggcost.memory("A", training=np.bool_(False)).training is None


def test_paths_are_taken_as_objects(checkout):
    path = checkout / "tests" / "networks" / "A.toml"
    assert isinstance(path, pathlib.Path)
    assert vggcost.cost(file=path).totals.params == vggcost.cost("A").totals.params


def test_one_name_to_freeze_may_stand_alone():
    alone, listed = (vggcost.memory("A", training=True, freeze=names) for names in ("features", ["features"]))
    assert alone.totals == listed.totals


def test_results_refuse_what_their_methods_do_not_take():
    cost, memory, form = vggcost.cost("A"), vggcost.memory("A"), vggcost.closed_form("A")
    fit = vggcost.fit("A", memory="2GiB")
    calls = [
        cost.rendered,
        cost.to_json,
        cost.to_dict,
        memory.rendered,
        lambda value: memory.document(human=value),
        lambda value: fit.rendered("json", human=value),
        form.layer,
        lambda value: form.memory(training=value),
        lambda value: form.memory(in_place=value),
        lambda value: form.memory(training=True, mixed=value),
        lambda value: cost.to_frame([value]),
        lambda value: form.at(value, 1000, 224, 224),
        lambda value: form.at(1, 1000, value, 224),
    ]
    for call in calls:
        for value in VALUES:
            if value is None or isinstance(value, bool | np.bool_ | int):
                continue
            with pytest.raises(VggcostError) as refused:
                call(value)
            assert str(refused.value).isprintable()


def test_every_argument_has_its_reader_and_a_new_one_would_be_missed():
    for call, name in ARGUMENTS:
        assert name in READERS or name in OF_ONE_CALL[call]

    def cost(another=None):
        return another

    with pytest.raises(KeyError, match="another"):
        public(cost)


def test_no_framework_is_imported_to_look_at_an_argument():
    code = (
        "import sys, vggcost\n"
        "try:\n    vggcost.cost('D', dtype=object(), size=[64, 64])\nexcept TypeError:\n    pass\n"
        "assert not {'torch', 'numpy', 'inspect', 'typing'} & set(sys.modules), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
