"""What --input and the API's input mean: shapes, dtypes, names, lists, dictionaries; no framework is needed for it."""

from __future__ import annotations

import pytest

from vggcost.errors import VggcostError
from vggcost.frameworks.arguments import Arguments, Shaped, of_values
from vggcost.frameworks.input_text import read_inputs


def image(*shape):
    return Shaped(shape, None, batch_added=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3x224x224", image(2, 3, 224, 224)),
        ("3X8x6", image(2, 3, 8, 6)),
        ("10", image(2, 10)),
        (" 007x8 ", image(2, 7, 8)),
        ("int64[2x20]", Shaped((2, 20), "int64")),
        ("bool [ 2x3 ]", Shaped((2, 3), "bool")),
        ("[3x8x8, 3x6x6]", [image(2, 3, 8, 8), image(2, 3, 6, 6)]),
        ("[]", []),
        ("(3x8x8,)", (image(2, 3, 8, 8),)),
        ("{a: 3x8x8, 'b': int32[2x1]}", {"a": image(2, 3, 8, 8), "b": Shaped((2, 1), "int32")}),
        ("{a: [3, {b: 4}]}", {"a": [image(2, 3), {"b": image(2, 4)}]}),
        ("True", True),
        ("None", None),
        ("0.5", 0.5),
        ("-1", -1),
        ("+3", 3),
        ("1e3", 1000.0),
        ("'a text, [with] signs'", "a text, [with] signs"),
    ],
)
def test_a_text_is_an_argument(text, value):
    assert read_inputs([text], 2) == Arguments((value,), {})
    assert read_inputs([f"left={text}"], 2) == Arguments((), {"left": value})


def test_without_a_batch_it_is_one_and_brackets_have_their_own():
    found = read_inputs(["3x8x8", "ids=int64[7x20]", "scale=float32[]"], None)
    assert found == Arguments((image(1, 3, 8, 8),), {"ids": Shaped((7, 20), "int64"), "scale": Shaped((), "float32")})
    assert found.shapes() == ((1, 3, 8, 8), (7, 20), ())
    assert read_inputs([], None) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "3x", "x3", "3x0x4", "0", "3*4", "3x224y", "int64", "int64[", "int64[3", "int64[3]]", "int64[a]"),
        *("[3", "3]", "[3 4]", "{3}", "{a}", "{a:}", "{a: 3", "(3", "3 4", "a=b=3", "int64[0x3]", "'open", "=3", "a="),
        *("9" * 5000, f"{10**18 + 1}x3", "1.2.3", "3;4", "[" * 2000),
    ],
)
def test_what_is_written_otherwise_is_refused(text):
    with pytest.raises(VggcostError, match=r"--input is ['\"].*['\"]; give a shape of whole numbers from 1 to 10\^18"):
        read_inputs([text], None)


def test_a_batch_and_a_name_are_given_once():
    with pytest.raises(VggcostError, match=r"has its batch in the brackets, and --batch is 2.*or write int64\[2x20\]"):
        read_inputs(["ids=int64[1x20]"], 2)
    with pytest.raises(VggcostError, match="--input gives 'a' twice"):
        read_inputs(["a=3", "a=4"], None)
    with pytest.raises(VggcostError, match="unknown dtype 'int46'; the nearest are int64"):
        read_inputs(["int46[1x20]"], None)


class Tensor:
    """What a framework's tensor has."""

    shape, dtype = (1, 3), "float32"


TENSOR = Tensor()


@pytest.mark.parametrize(
    ("given", "positional", "named"),
    [
        ((1, 3, 8, 8), (Shaped((1, 3, 8, 8)),), {}),
        ([1, 3], (Shaped((1, 3)),), {}),
        (TENSOR, (TENSOR,), {}),
        ("int64[1x20]", (Shaped((1, 20), "int64"),), {}),
        ([(1, 3), TENSOR], (Shaped((1, 3)), TENSOR), {}),
        (((1, 3), "bool[2]"), (Shaped((1, 3)), Shaped((2,), "bool")), {}),
        ([[TENSOR, (3, 4)]], ([TENSOR, Shaped((3, 4))],), {}),
        ({"a": (1, 3), "b": [TENSOR]}, (), {"a": Shaped((1, 3)), "b": [TENSOR]}),
        ([{"a": (1, 3)}, None], ({"a": Shaped((1, 3))}, None), {}),
        ([TENSOR, True, "mode"], (TENSOR, True, "mode"), {}),
    ],
)
def test_a_value_of_the_api_is_the_arguments(given, positional, named):
    expected = Arguments(positional, named, or_one=bool(named))
    assert of_values(given) == of_values(of_values(given)) == expected


@pytest.mark.parametrize("given", [None, 3, "image", [], {}, (), [None], {"a": None}, [True, False]])
def test_what_has_no_tensor_is_refused(given):
    with pytest.raises(VggcostError, match=r"input is .*; give a shape such as \(1, 3, 224, 224\), a tensor"):
        of_values(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 0, 3), r"input has the shape \(1, 0, 3\)"),
        ([(1, 3), (-1, 3)], r"input has the shape \(-1, 3\)"),
        ("int64[0x3]", r"give dtype\[shape\]"),
        ("int64[3", r"give dtype\[shape\]"),
        ("int46[3]", "unknown dtype 'int46'"),
    ],
)
def test_what_is_no_shape_is_refused(given, words):
    with pytest.raises(VggcostError, match=words):
        of_values(given)


def test_named_tuples_and_other_mappings_stay_what_they_are():
    from collections import UserDict
    from typing import NamedTuple

    class Pair(NamedTuple):
        left: object
        right: object

    arguments = of_values(UserDict({"both": Pair((1, 3), TENSOR)}))
    assert arguments.named == {"both": Pair(Shaped((1, 3)), TENSOR)}
    assert arguments.changed(lambda each: 0).named["both"].right == 0


def test_tensors_are_changed_wherever_they_are():
    arguments = of_values([{"a": (1, 3)}, [(2, 4), None]])
    assert arguments.shapes() == ((1, 3), (2, 4))
    assert arguments.changed(lambda each: each.shape[1]) == Arguments(({"a": 3}, [4, None]), {})
