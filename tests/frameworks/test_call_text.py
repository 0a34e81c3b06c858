"""--call: the arguments of a call as Python writes them, in the names of the program's file."""

from __future__ import annotations

import os

import pytest

from vggcost.errors import VggcostError
from vggcost.frameworks import finding
from vggcost.frameworks.call_text import as_in_source, read_call

NAMES = {"cfgs": {"D": [64, "M"]}, "Net": type("Net", (), {}), "nn": __import__("math"), "more": {"b": 2}}


@pytest.mark.parametrize(
    ("text", "positional", "named"),
    [
        ("", [], {}),
        ("  ", [], {}),
        ("num_classes=4, bias=False", [], {"num_classes": 4, "bias": False}),
        ("3, 'a'", [3, "a"], {}),
        ("cfg=cfgs['D']", [], {"cfg": [64, "M"]}),
        ("cfgs['D'], act=nn.sqrt", [[64, "M"]], {"act": nn} if (nn := __import__("math").sqrt) else {}),
        ("*cfgs['D'], **more", [64, "M"], {"b": 2}),
        ("widths=[8 * n for n in (1, 2)], f=(lambda x: x)(3),", [], {"widths": [8, 16], "f": 3}),
        ("text='a), (b'", [], {"text": "a), (b"}),
        ("x=1  # a comment", [], {"x": 1}),
    ],
)
def test_arguments_are_evaluated_in_the_names_of_the_file(text, positional, named):
    assert read_call(text).values(NAMES) == (positional, named)


def test_each_call_evaluates_anew():
    call = read_call("Net()")
    assert call.values(NAMES)[0][0] is not call.values(NAMES)[0][0]
    assert "__builtins__" not in NAMES


@pytest.mark.parametrize("text", ["a b", "3 +", "x=", ")", "a), g(b", "a)(b", "f(", "a=1, a", "\0", "(" * 3000])
def test_what_is_no_call_is_refused(text):
    with pytest.raises(VggcostError, match=r"--call is .*; give arguments as Python writes them"):
        read_call(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "net=Nett()",
            r"--call has net=Nett\(\), which raises NameError: name 'Nett' is not defined; the nearest are Net",
        ),
        ("qqqqqq", "--call has qqqqqq, which raises NameError: .*; give an expression in the names of the program's"),
        ("1, cfgs['Q']", r"--call has cfgs\['Q'\], which raises KeyError: 'Q'"),
        ("act=nn.RLU", "--call has act=nn.RLU, which raises AttributeError: module 'math' has no attribute 'RLU'"),
        ("*3", r"--call has \*3, which raises TypeError"),
        ("**3", r"--call has \*\*3, which raises TypeError"),
        ("exit(3)", r"--call has exit\(3\), which raises SystemExit: 3"),
    ],
)
def test_what_raises_is_named_as_it_was_written(text, words):
    with pytest.raises(VggcostError, match=words):
        read_call(text).values({**NAMES, "exit": __import__("sys").exit})


def test_letters_are_utf_8_whatever_the_locale_says(monkeypatch):
    """Where the locale is ASCII, Python has a shell's bytes as halves of surrogate pairs, and a file's as letters."""
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("ascii", "surrogateescape"))
    shell = "Größe".encode().decode("ascii", "surrogateescape")
    assert as_in_source(shell) == "Größe"
    assert read_call(f"k='{shell}'").values({}) == ([], {"k": "Größe"})
    assert finding._parted(f"{shell}.py:{shell}") == (f"{shell}.py", ":", "Größe")
    assert as_in_source("\udcff") == "\udcff"
    assert as_in_source("Größe") == "Größe"
