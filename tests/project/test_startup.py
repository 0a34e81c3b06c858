"""What start-up may load: an allow-list, and a test that the guard can fail. Never a timed test."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from measured_documents import case, document

from vggcost.bench.result import to_json
from vggcost.results.report_files import VARIANTS

THIRD_PARTY = {"vggcost"}
WITH_A_TABLE = THIRD_PARTY | {"tabulate", "wcwidth"}
HEAVY = {"torch", "sympy", "numpy", "pandas", "fvcore", "keras", "msgspec", "matplotlib"}
COSTLY = {
    "dataclasses",
    "inspect",
    "typing",
    "shutil",
    "difflib",
    "importlib.metadata",
    "importlib.resources",
    "tomllib",
}
"""Parts of the standard library that a run without tabulate has no need to load."""

REPORT = """
import sys
before = set(sys.modules)
{code}
for name in sorted(set(sys.modules) - before):
    file = getattr(sys.modules[name], "__file__", None) or ""
    print(name, "third-party" if "site-packages" in file or name.partition(".")[0] == "vggcost" else "standard")
"""
COMMAND = """
import contextlib, io
from vggcost.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    main({words!r})
"""


def loaded(code):
    """Names of the modules that the code loads, and the top-level ones among them that come from elsewhere."""
    done = subprocess.run([sys.executable, "-c", REPORT.format(code=code)], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in done.stdout.splitlines()]
    return {name for name, _ in pairs}, {name.partition(".")[0] for name, kind in pairs if kind == "third-party"}


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import vggcost", THIRD_PARTY),
        (COMMAND.format(words=["--help"]), THIRD_PARTY),
        (COMMAND.format(words=["table", "--config", "D"]), WITH_A_TABLE),
        (COMMAND.format(words=["table", "D", "--format", "json"]), THIRD_PARTY),
        (COMMAND.format(words=["table", "D", "--format", "csv"]), THIRD_PARTY),
        (COMMAND.format(words=["compare"]), WITH_A_TABLE),
        (COMMAND.format(words=["fit", "D", "--memory", "24GiB", "--training", "--format", "json"]), THIRD_PARTY),
        ("import vggcost; vggcost.cost('D')", THIRD_PARTY),
    ],
)
def test_start_up_loads_nothing_else(code, allowed):
    names, third_party = loaded(code)
    assert third_party <= allowed
    assert not names & HEAVY
    if allowed == THIRD_PARTY:
        assert not names & COSTLY


@pytest.mark.parametrize(
    "words",
    [
        ["lock", *VARIANTS, "-o", "own.json"],
        ["check", "--lock", "vggcost.lock.json"],
        ["check", "--lock", "vggcost.lock.json", "--format", "json"],
    ],
)
def test_a_lock_of_networks_is_written_and_checked_with_nothing_else(words, tmp_path, monkeypatch, vggcost):
    monkeypatch.chdir(tmp_path)
    assert vggcost("lock", *VARIANTS).status == 0
    names, third_party = loaded(COMMAND.format(words=words))
    assert third_party == THIRD_PARTY
    assert not names & (HEAVY | COSTLY)


def test_a_difference_is_told_without_torch(tmp_path, monkeypatch, vggcost):
    monkeypatch.chdir(tmp_path)
    assert vggcost("lock", "D=E").status == 0
    document = json.loads((tmp_path / "vggcost.lock.json").read_text())
    document["entries"][0]["target"] = "D"
    (tmp_path / "vggcost.lock.json").write_text(json.dumps(document))
    names, _ = loaded(COMMAND.format(words=["check"]))
    assert "vggcost.lock.comparison" in names
    assert not names & (HEAVY - {"msgspec"})


def test_a_forecast_loads_the_reader_of_its_data_and_nothing_else():
    names, third_party = loaded(COMMAND.format(words=["predict", "D", "--device", "a100", "--format", "json"]))
    assert third_party == THIRD_PARTY
    assert not names & COSTLY
    assert not names & HEAVY
    assert "scipy" not in names


def test_a_forecast_from_a_measurement_loads_what_reads_it_beside(tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(to_json(document(case("A", lambda row: row["flops"] / 100))), encoding="utf-8")
    names, third_party = loaded(COMMAND.format(words=["predict", "D", "--from", str(path), "--format", "json"]))
    assert third_party == THIRD_PARTY | {"msgspec", "typing_extensions"}
    assert "vggcost.predict.calibration" in names
    assert not names & (HEAVY - {"msgspec"})
    assert "scipy" not in names


def test_a_fleet_is_arithmetic_alone():
    words = ["fleet", "D", "--link", "25Gbit/s", "--measured", "1=130.9", "--format", "json"]
    names, third_party = loaded(COMMAND.format(words=words))
    assert third_party == THIRD_PARTY
    assert not names & (HEAVY | {"statistics", "decimal", "fractions"})


def test_importing_vggcost_loads_one_module():
    names, _ = loaded("import vggcost")
    assert names <= {"vggcost", "__future__"}


@pytest.mark.parametrize("module", ["sympy", "numpy", "pandas", "tabulate", "msgspec"])
def test_the_guard_sees_what_it_guards_against(module):
    names, third_party = loaded(f"import {module}")
    assert module in names
    assert not third_party <= THIRD_PARTY


@pytest.mark.parametrize(("fmt", "file"), [("table", "screen"), ("csv", "csv"), ("latex", "latex")])
def test_a_run_loads_one_format(fmt, file):
    names, _ = loaded(COMMAND.format(words=["table", "--format", fmt]))
    assert {name for name in names if name.startswith("vggcost.report.formats.")} == {f"vggcost.report.formats.{file}"}


def test_each_command_loads_only_its_own_file():
    names, _ = loaded(COMMAND.format(words=["table"]))
    assert {name for name in names if name.startswith("vggcost.cli.")} == {
        "vggcost.cli.options",
        "vggcost.cli.output",
        "vggcost.cli.program_options",
        "vggcost.cli.request",
        "vggcost.cli.shaping",
        "vggcost.cli.table",
    }
