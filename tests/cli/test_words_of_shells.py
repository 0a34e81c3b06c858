"""What shells send: ``--option=--``, words that are empty because a variable is not set, and miles of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost.cli import COMMANDS, main
from vggcost.cli.options import Parser, read_count, read_head, read_size, read_width
from vggcost.errors import LONGEST_QUOTED, VggcostError
from vggcost.network import network_file


def parser_of(command):
    from importlib import import_module

    return import_module(f"vggcost.cli.{command.replace('-', '_')}").parser()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_takes_two_dashes_as_its_value_or_refuses_them(command):
    parser = parser_of(command)
    options = [action for action in parser._actions if action.option_strings and action.nargs is None]
    names = [word for action in parser._actions if not action.option_strings for word in ("3",) if action.nargs is None]
    for action in options:
        for word in ("--", "--x", "-"):
            if action.dest == "call":
                continue  # --x is minus minus x, as Python reads it
            try:
                args = parser.parse([f"{action.option_strings[-1]}={word}", *names])
            except VggcostError:
                continue
            assert getattr(args, action.dest) in (word, [word], (word,)), action.option_strings


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_an_empty_word_for_none(command):
    parser = parser_of(command)
    needed = [action for action in parser._actions if not action.option_strings and action.nargs is None]
    if any(not action.option_strings for action in parser._actions):
        with pytest.raises(VggcostError, match="is empty, as where a variable is not set"):
            parser.parse(["", *("3" for _ in needed[1:])])
    for action in parser._actions:
        if action.option_strings and action.nargs is None and action.dest != "call":  # no arguments are a call, too
            with pytest.raises(VggcostError):
                parser.parse([f"{action.option_strings[-1]}=", *("3" for _ in needed)])


def test_a_name_may_stand_behind_two_dashes(vggcost):
    assert vggcost("table", "--", "D").out == vggcost("table", "D").out


def test_the_empty_name_is_never_d(refused):
    for command in ("table", "compare", "formula", "configs", "audit", "memory", "bench", "report", "verify"):
        assert "is empty" in refused(command, "")
    assert "--layer is empty" in refused("formula", "--layer", "")


@pytest.mark.parametrize(
    "words",
    [
        ("{}",),
        ("--{}",),
        ("table", "{}"),
        ("table", "--{}"),
        ("table", "--config={}"),
        ("table", "D", "{}"),
        ("table", "D", "--size", "{}"),
        ("table", "D", "--width", "{}"),
        ("table", "D", "--dtype={}"),
        ("table", "D", "-o", "{}/x.csv"),
        ("table", "--file", "{}.toml"),
        ("formula", "D", "--layer", "{}"),
        ("explain", "{}"),
        ("stack", "{}"),
        ("configs", "{}"),
        ("bench-curve", "{}"),
        ("bench", "--load", "{}"),
        ("fit", "--memory", "{}"),
    ],
)
@pytest.mark.parametrize("long", ["x" * 5000, "'\\\n x" * 1000, "é" * 3000])
def test_a_long_wrong_word_is_quoted_in_part(refused, words, long):
    line = refused(*(word.format(long) for word in words))
    assert len(line) < LONGEST_QUOTED + 500


KEYS = {
    "classes": (read_count, st.integers(-1, 3) | st.integers(10**18 - 2, 10**18 + 2)),
    "in_channels": (read_count, st.integers(-1, 3) | st.integers(10**18 - 2, 10**18 + 2)),
    "size": (read_size, st.integers(-1, 3) | st.integers(10**18 - 2, 10**18 + 2)),
    "head": (
        read_head,
        st.lists(st.integers(0, 2) | st.just(10**18 + 1), min_size=1, max_size=3)
        | st.integers(250, 260).map(lambda count: [1] * count),
    ),
    "width": (
        read_width,
        st.integers(-1, 3)
        | st.integers(10**18 - 2, 10**18 + 2)
        | st.sampled_from(["0.5", "0.0", "-0.5", "1e18", "1.1e18", "inf", "nan", "0.1234567890123456789", "1e-400"]),
    ),
}


@pytest.mark.parametrize("key", KEYS)
@given(data=st.data())
def test_an_option_and_its_key_have_the_same_limits(tmp_path_factory, key, data):
    read, values = KEYS[key]
    value = data.draw(values)
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    file = tmp_path_factory.mktemp("net") / "net.toml"
    file.write_text(f'features = [8, "M"]\n{key} = {value}\n')

    def taken(reads, *given):
        try:
            return reads(*given)
        except VggcostError:
            return None

    as_option, as_key = taken(read, text, f"--{key}"), taken(network_file.read, str(file))
    assert (as_option is None) == (as_key is None), (text, as_option)


def test_a_help_that_is_asked_for_elsewhere_goes_there(capsys):
    from io import StringIO

    file = StringIO()
    parser = Parser("table", "what", "example")
    parser.print_help(file)
    assert "usage: vggcost table" in file.getvalue()
    assert capsys.readouterr().out == ""


def test_help_ends_well(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["table", "--help"])
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("usage: vggcost table")


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "D", "--size", "{}"),
        ("table", "D", "--size", "{}x{}"),
        ("sweep", "space.toml", "--where", "params < {}"),
    ],
)
def test_more_digits_than_python_reads_are_a_refusal(refused, monkeypatch, tmp_path, words):
    (tmp_path / "space.toml").write_text('[axes]\nconfig = ["A"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    line = refused(*(word.replace("{}", "9" * 5000) for word in words))
    assert len(line) < 500
