"""A command line is one value: each option is read once, and a command reads none of them a second time."""

from __future__ import annotations

import ast
import re
from collections import Counter
from importlib import import_module

import pytest

from vggcost.cli import COMMANDS, options, request
from vggcost.conventions.rows import convention
from vggcost.errors import VggcostError
from vggcost.network import catalogue


def asked(command, *words, **more):
    """The request of a command line."""
    module = import_module(f"vggcost.cli.{command}")
    return request.request(module.parser().parse(list(words)), **more)


def test_a_command_line_is_one_value(tmp_path):
    place = str(tmp_path / "d.md")
    words = ("vgg16_bn", "--size", "64x96", "--batch", "2", "--dtype", "float16", "--convention", "FVCore")
    value = asked("table", *words, "--classes", "10", "--head", "none", "--width", "0.50", "--all", "-o", place)
    assert value.plans == (catalogue.find("D-bn"),)
    assert value.options == {"classes": 10, "head": (), "width": 0.5}
    assert (value.size, value.batches, value.batch, value.dtype) == ((64, 96), (2,), 2, "float16")
    assert value.convention is convention("fvcore")
    assert (value.fmt, value.place) == ("markdown", place)
    assert (value.view.every_row, value.view.human) == (True, False)
    (network,) = value.networks
    assert network.image == (64, 96)
    assert network.variant.batch_norm
    with pytest.raises(AttributeError, match="frozen"):
        value.batches = (3,)


def test_what_is_not_given_is_the_commands_own():
    value = asked("compare", default=("A", "B"))
    assert [plan.name for plan in value.plans] == ["A", "B"]
    assert (value.size, value.batches, value.batch, value.options) == (None, (), 1, {})
    assert value.convention.name == "mac"
    assert (value.fmt, value.place) == ("table", None)
    assert [network.image for network in value.networks] == [(224, 224), (224, 224)]


def test_programs_stand_beside_configurations(tmp_path):
    net = tmp_path / "net.toml"
    net.write_text("features = [8, 'M']\n")
    value = asked("bench", "D,a.py:f", str(net), "--target", "b.py:g", "--call", "n=3", "--batch", "1,8")
    assert value.texts == ("D", "a.py:f", str(net), "b.py:g")
    assert value.subjects == (catalogue.find("D"), "a.py:f", catalogue.named(str(net)), "b.py:g")
    assert (value.programs, value.call.words, value.batches) == (("a.py:f", "b.py:g"), "n=3", (1, 8))
    with pytest.raises(
        VggcostError, match=r"'a\.py:f' is no configuration and no network file, and this command takes"
    ):
        _ = value.plans
    assert asked("bench", "--target", "a.py:f", "--in-channels", "4").options == {"in_channels": 4}


def test_a_file_whose_name_has_a_comma_is_one(tmp_path):
    net = tmp_path / "a,b.toml"
    net.write_text("features = [8, 'M']\n")
    assert [plan.features for plan in asked("compare", f"{net}").plans] == [(8, "M")]
    assert asked("table", f"{net}:f").texts == (f"{net}:f",)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("bench --call n=3", "--call is for a program, and none is given; leave it away"),
        ("table D --input 3x8x8", "--input is for a program, and 'D' is a configuration; leave it away"),
        ("compare D E --call n=3", "--call is for a program, and 'D' is a configuration"),
        ("table a.py:f --classes 9", "--classes is for a configuration, and 'a.py:f' is none; leave it away"),
        ("table a.py:f --dtype float16", "--dtype is for a configuration, and 'a.py:f' is none"),
        ("table a.py:f --formulas", "--formulas is for a configuration, and 'a.py:f' is none"),
        ("bench a.py:f --batch-norm", "--batch-norm is for a configuration, and 'a.py:f' is none"),
        ("report a.py:f b.onnx --no-bias", "--no-bias is for a configuration, and 'a.py:f' is none"),
        ("table a.py:f --input 3x8x8 --size 8", "--input and --size are both given"),
        ("table a.py:f --input 3x0x8", "--input is '3x0x8'; give a shape"),
        ("table a.py:f D", "unexpected word 'D'"),
        ("table a.py:f,D", "2 configurations are given, a.py:f, D; this command takes one"),
        ("verify a.py:f b.py:g", "verify takes one program at a time, and 2 targets are given"),
        ("bench x.onnx", "bench times configurations and torch programs, and 'x.onnx' is a stored model"),
        ("report a.py:f a.py:f", "two networks are called 'a.py-f', and a file can hold one"),
        ("report a.py:f b/a.py:f", "the file 'a.py' is not there"),
    ],
)
def test_what_a_subject_has_no_use_for_is_refused_before_it_is_run(refused, words, line):
    assert line in refused(*words.split())


def test_options_of_a_configuration_leave_a_program_beside_it():
    assert asked("compare", "D", "a.py:f", "--classes", "9", "--call", "n=3").options == {"classes": 9}


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (
            "table --size 64 --batch 2 --dtype float16 --convention torch --format csv --classes 9 --head 8 --width 2",
            "--size --batch --dtype --convention --format --classes --head --width",
        ),
        ("compare A B --size 64 --in-channels 4", "--size --in-channels"),
        ("formula D --size 64 --batch 3 --format json", "--size --batch --format"),
        ("conventions D --of thop --batch 2 --format csv", "--of --batch --format"),
        ("stack 3x3 --size 7 --format json", "--size --format"),
    ],
)
def test_each_option_is_read_once_and_each_name_looked_up_once(vggcost, monkeypatch, words, read):
    reads, lookups, requests = Counter(), [], []
    read_option, find, ask = options.Read.__call__, catalogue.find, request.request

    def counted(action, *rest, **more):
        reads[action.option_strings[-1]] += 1
        read_option(action, *rest, **more)

    monkeypatch.setattr(options.Read, "__call__", counted)
    monkeypatch.setattr(catalogue, "find", lambda name: lookups.append(name) or find(name))
    command, *rest = words.split()
    module = import_module(f"vggcost.cli.{command}")
    if hasattr(module, "request"):
        monkeypatch.setattr(module, "request", lambda *args, **more: requests.append(args) or ask(*args, **more))
    assert vggcost(command, *rest).status == 0
    assert reads == dict.fromkeys(read.split(), 1)
    assert len(lookups) == len(set(lookups))
    assert len(requests) <= 1


def test_a_wrong_option_is_refused_before_anything_is_read_or_written(refused, tmp_path):
    missing = str(tmp_path / "none.json")
    assert "--batch is 0" in refused("roofline", missing, "-o", str(tmp_path / "x.svg"), "--batch", "0")
    assert "--threshold is 'x'" in refused("bench-compare", missing, missing, "--threshold", "x")
    assert "--budget is '0'; give seconds above 0" in refused("bench", "--budget", "0")
    assert "--threads is 0" in refused("bench", "--threads", "0")
    assert "--size is 'x'" in refused("report", "--size", "x", "-o", str(tmp_path / "reports"))
    assert list(tmp_path.iterdir()) == []


# Structure: what the request has read, nothing reads again.


def attributes_of_args(source):
    """The options that a source reads from argparse's namespace: `args.size`."""
    nodes = ast.walk(ast.parse(source))
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "args"
    }


def calls(source):
    """Names of the functions that a source calls by a plain name."""
    nodes = ast.walk(ast.parse(source))
    return {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def in_a_request(source):
    """The options that request.py takes from the namespace."""
    given = re.findall(r'given\.get\("(\w+)"', source)
    return {*given, *attributes_of_args(source), *request._VARIANT_OPTIONS}


def read_twice(source, known):
    """The options that a command's source reads although its request has them."""
    return attributes_of_args(source) & known if "request" in calls(source) else set()


def asks_option_by_option(source):
    """Whether a command has the shared options of a network or an input and takes no request."""
    made = calls(source)
    asks = made & {"request", "every_request"}  # the second makes several of the first
    return bool(made & {"add_network", "add_input", "add_convention"}) and not asks


@pytest.fixture
def sources(checkout):
    folder = checkout / "vggcost" / "cli"
    return {name: (folder / f"{name.replace('-', '_')}.py").read_text() for name in COMMANDS}


def test_no_command_reads_what_its_request_has(sources, checkout):
    known = in_a_request((checkout / "vggcost" / "cli" / "request.py").read_text())
    assert {"size", "batch", "dtype", "convention", "format", "output", "human", "all", "names", "classes"} <= known
    assert {name: twice for name, source in sources.items() if (twice := read_twice(source, known))} == {}


def test_every_command_with_the_shared_options_takes_a_request(sources):
    assert {name for name, source in sources.items() if asks_option_by_option(source)} == set()


def test_the_guards_see_what_they_guard_against():
    good = "def run(args):\n    asked = request(args)\n    emit(asked.size, args.layer)\n"
    assert read_twice(good, {"size"}) == set()
    assert read_twice(good.replace("asked.size", "args.size"), {"size"}) == {"size"}
    assert asks_option_by_option("add_input(parser)\nsize = read_size(args.size, '--size')\n")
    assert not asks_option_by_option("add_input(parser)\nasked = request(args)\n")


# A new command is one file and one row of COMMANDS.

NEW_COMMAND = '''
"""``vggcost weigh-in``: the bytes of a network's parameters."""

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_input, add_network
from vggcost.cli.output import emit
from vggcost.cli.request import request


def parser():
    """The command's options."""
    result = Parser("weigh-in", "The bytes of a network's parameters.", "vggcost weigh-in D")
    add_network(result)
    add_input(result)
    return result


def run(args):
    """Print the bytes."""
    asked = request(args)
    emit(f"{next(asked.counted()).totals.weight_bytes}\\n", asked.place)
    return EXIT_FINE
'''


def test_a_new_command_is_one_file_and_one_row(vggcost, refused, monkeypatch, tmp_path):
    import vggcost.cli as package

    (tmp_path / "weigh_in.py").write_text(NEW_COMMAND)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setitem(COMMANDS, "weigh-in", "the bytes of a network's parameters")
    monkeypatch.syspath_prepend(str(tmp_path))  # forgets what importlib knows of folders
    assert vggcost("weigh-in", "A", "--dtype", "float16").out == f"{2 * 132_863_336}\n"
    assert "\n  weigh-in " in vggcost("--help").out
    assert "--size is 'x'" in refused("weigh-in", "--size", "x")
    assert "the nearest are weigh-in" in refused("weigh-on")
