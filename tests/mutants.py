"""What the tests that need no torch would not see: ``python tests/mutants.py``, on two cores within ten minutes.

Each mutant is this repository with one small change where numbers are made, in a copy in a temporary folder; the tests
of the copy must fail. ``tests/mutants.toml`` says where mutants are made, which are made by hand beside those of the
syntax tree, and which are equivalent, each with its proof. A mutant runs the quickest tests first, then those of its
room, and survives only if the whole of ``pytest -m "not torch"`` passes.

The mutants of the syntax tree: + and - exchanged, * and //, % and //; a side of a sum, product, `and` or `or` dropped;
an argument, or an entry of a table, exchanged with its neighbour; a parameter in a sum or product replaced by the next;
a number one higher; a comparison turned; a weight given to another primitive of its kind. Data outside functions (each
weight of each convention, each default) is all taken. Of a function, the PER_FUNCTION whose SHA-256 is the lowest are:
always the same ones, in every function, whatever else the file holds.

The last line is ``N mutants, K killed, E equivalent, S survive``. The exit status is 1 where one survives, or where the
list of equivalent ones does not hold: one of them is killed, or is no longer made.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
WORKERS = 2
PER_FUNCTION = 4
MEMORY_LIMIT = 8 * 2**30
"""What one run of tests may map [B]: a mutant may ask for memory without end."""
PATIENCE = 10
"""How much longer than a multiple of their usual time tests may take [s]: a mutant may hang."""
PYTEST = ("-q", "-x", "-m", "not torch", "--assert=plain", "--hypothesis-profile=mutants", "-p", "no:cacheprovider")
PYTEST += ("-p", "no:randomly", "-p", "no:xdist")

EXCHANGED = {ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Mod: "//"}
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
TURNED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
UNORDERED = {"isinstance", "max", "min"}
"""Calls whose arguments exchanged make no sense, or no difference."""


@dataclass(frozen=True)
class Mutant:
    """A file with one change; function and the changed lines name it, wherever the file's other lines go."""

    file: str
    function: str
    before: str
    after: str
    source: str
    nth: int = 1

    @property
    def name(self) -> str:
        """``conv2d_macs: return batch * ... -> return batch // ...``, and which where lines are alike."""
        return f"{self.function}: {self.before} -> {self.after}" + (f" (#{self.nth})" if self.nth > 1 else "")


class Mutations(ast.NodeVisitor):
    """The changes of one module, each as (function, whether inside one, start, end, text) in bytes of its source."""

    def __init__(self, source: str) -> None:
        self.source = source.encode()
        self.starts = [0]
        for line in self.source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.found: list[tuple[str, bool, int, int, str]] = []
        self._scope: list[str] = []
        self._parameters: list[str] = []
        self._inside = False
        tree = ast.parse(source)
        self._keys = sorted({key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in _weighed(node)})
        self.visit(tree)

    def span(self, node: Any) -> tuple[int, int]:
        """Where a node begins and ends."""
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def _add(self, start: int, end: int, text: str) -> None:
        self.found.append((".".join(self._scope) or "<module>", self._inside, start, end, text))

    def _sign(self, left: Any, right: Any, old: str, new: str) -> None:
        """Exchange what stands between two nodes."""
        start, end = self.span(left)[1], self.span(right)[0]
        between = self.source[start:end].decode()
        self._add(start, end, between.replace(old, new, 1))

    def _swap(self, one: Any, other: Any) -> None:
        texts = ast.unparse(one), ast.unparse(other)
        if texts[0] != texts[1]:
            (start, first_end), (second_start, end) = self.span(one), self.span(other)
            between = self.source[first_end:second_start].decode()
            self._add(start, end, f"{texts[1]}{between}{texts[0]}")

    def _only(self, node: Any, kept: Any) -> None:
        plain = isinstance(kept, ast.Name | ast.Constant | ast.Attribute | ast.Call | ast.Subscript)
        self._add(*self.span(node), ast.unparse(kept) if plain else f"({ast.unparse(kept)})")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = self._parameters, self._inside
        self._scope.append(node.name)
        arguments = node.args
        self._parameters = [one.arg for one in (*arguments.args, *arguments.kwonlyargs) if one.arg not in ("self", "_")]
        self._inside = True
        for part in (*arguments.defaults, *filter(None, arguments.kw_defaults), *node.body):
            self.visit(part)  # neither annotations nor decorators
        self._scope.pop()
        self._parameters, self._inside = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        for part in node.body:
            self.visit(part)
        self._scope.pop()

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave texts alone: Python 3.11 does not say where in them an expression stands."""

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.generic_visit(node)
        sign = type(node.op)
        sides = (node.left, node.right)
        texts = any(isinstance(side, ast.JoinedStr | ast.Tuple) or _is_text(side) for side in sides)
        if sign not in EXCHANGED or texts:
            return
        self._sign(*sides, SIGNS[sign], EXCHANGED[sign])
        self._only(node, node.left)
        if sign in (ast.Add, ast.Mult):
            self._only(node, node.right)
        for side in sides:
            if isinstance(side, ast.Name) and side.id in self._parameters and len(self._parameters) > 1:
                place = self._parameters.index(side.id) + 1
                self._add(*self.span(side), self._parameters[place % len(self._parameters)])

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.generic_visit(node)
        if len(node.values) == 2:
            for side in node.values:
                self._only(node, side)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        sign = type(node.op)
        if sign in EXCHANGED and not (isinstance(node.value, ast.JoinedStr) or _is_text(node.value)):
            self._sign(node.target, node.value, f"{SIGNS[sign]}=", f"{EXCHANGED[sign]}=")

    def visit_Compare(self, node: ast.Compare) -> None:
        self.generic_visit(node)
        for left, sign, right in zip((node.left, *node.comparators), node.ops, node.comparators, strict=False):
            self._sign(left, right, *TURNED[type(sign)])

    def visit_Constant(self, node: ast.Constant) -> None:
        if type(node.value) in (int, float):
            self._add(*self.span(node), repr(node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if ast.unparse(node.func) in UNORDERED:
            return
        named = [keyword.value for keyword in node.keywords if keyword.arg]
        for row in (node.args, named):
            self._neighbours(row)

    def visit_Dict(self, node: ast.Dict) -> None:
        self.generic_visit(node)
        self._neighbours([value for key, value in zip(node.keys, node.values, strict=True) if key])
        for key in filter(None, node.keys):
            if isinstance(key, ast.Constant) and key.value in _weighed(node):
                kind = key.value.partition("_")[0]
                for other in self._keys:
                    if other.partition("_")[0] == kind and other != key.value:
                        self._add(*self.span(key), f'"{other}"')

    def _neighbours(self, row: list[Any]) -> None:
        for one, other in pairwise(row):
            if not any(isinstance(node, ast.Starred | ast.JoinedStr) or _is_text(node) for node in (one, other)):
                self._swap(one, other)


def _is_text(node: Any) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _weighed(node: ast.Dict) -> list[str]:
    """The names to which a table gives a whole number: the primitives that a convention weighs."""
    pairs = zip(node.keys, node.values, strict=True)
    return [key.value for key, value in pairs if key and _is_text(key) and not _is_text(value) and _is_whole(value)]


def _is_whole(node: Any) -> bool:
    number = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(number, ast.Constant) and type(number.value) is int


def changed(file: str, function: str, source: bytes, start: int, end: int, text: str) -> Mutant:
    """A source with one piece replaced, named by the lines in which that stands, before and after."""
    first = source.rfind(b"\n", 0, start) + 1
    last = (source.find(b"\n", end) + 1 or len(source) + 1) - 1
    before = source[first:last].decode()
    after = (source[first:start] + text.encode() + source[end:last]).decode()
    mutated = (source[:start] + text.encode() + source[end:]).decode()
    return Mutant(file, function, " ".join(before.split()), " ".join(after.split()), mutated)


def of_the_tree(file: str, source: str) -> Iterator[Mutant]:
    """The mutants of one module: all of its data, and a stable sample of each of its functions."""
    mutations = Mutations(source)
    alike: Counter[str] = Counter()
    functions: dict[str, list[Mutant]] = {}
    for function, inside, start, end, text in mutations.found:
        one = changed(file, function, mutations.source, start, end, text)
        if one.source == source:
            raise ValueError(f"{file}: {one.name} changes nothing")
        alike[one.name] += 1
        one = Mutant(**{**vars(one), "nth": alike[one.name]})
        if inside:
            functions.setdefault(function, []).append(one)
        else:
            yield one
    for made in functions.values():
        yield from sorted(made, key=lambda one: hashlib.sha256(one.name.encode()).hexdigest())[:PER_FUNCTION]


def by_hand(sources: dict[str, str], entry: dict[str, str]) -> Mutant:
    """A mutant made by hand: in the one function of this name, one text for another.

    Raises:
        ValueError: there is no such function or no such text, or more than one.
    """
    found = []
    for file, source in sources.items():
        raw, old = source.encode(), entry["old"].encode()
        for start, end in _spans(source, entry["function"]):
            places = [place for place in range(start, end) if raw.startswith(old, place)]
            found += [(file, raw, place) for place in places]
    if len(found) != 1:
        raise ValueError(f"{entry['function']} has {entry['old']!r} {len(found)} times; mend tests/mutants.toml")
    ((file, raw, place),) = found
    return changed(file, entry["function"], raw, place, place + len(entry["old"].encode()), entry["new"])


def _spans(source: str, function: str) -> list[tuple[int, int]]:
    """Where the functions or classes of a qualified name stand."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    level: list[Any] = [ast.parse(source)]
    for name in function.split("."):
        inside = [node for outer in level for node in outer.body]
        level = [node for node in inside if getattr(node, "name", None) == name]
    return [(starts[node.lineno - 1], starts[node.end_lineno]) for node in level]


def rooms(root: Path, plan: dict[str, Any]) -> dict[str, str]:
    """The files in which mutants are made, with their sources.

    Raises:
        ValueError: a pattern matches no file.
    """
    left_out = {path for pattern in plan.get("but", ()) for path in root.glob(pattern)}
    files: dict[str, str] = {}
    for pattern in plan["rooms"]:
        paths = sorted(set(root.glob(pattern)) - left_out)
        if not paths:
            raise ValueError(f"no file matches {pattern}; mend tests/mutants.toml")
        files |= {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return files


def mutants(sources: dict[str, str], plan: dict[str, Any]) -> list[Mutant]:
    """Every mutant, each once, in the order of the files."""
    made = [one for file, source in sources.items() for one in of_the_tree(file, source)]
    made += [by_hand(sources, entry) for entry in plan.get("by_hand", ())]
    return list({(one.file, one.source): one for one in made}.values())


class Place:
    """A copy of the repository with a copy of the package beside it, as if installed; one mutant at a time in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.installed = folder / "installed"
        self.mutant: Mutant | None = None
        self.stage = 0
        self.since = 0.0
        shutil.copytree(CHECKOUT, self.repository, ignore=_left_behind)
        shutil.copytree(self.repository / "vggcost", self.installed / "vggcost")

    def write(self, file: str, source: str) -> None:
        """Write a file into both copies, and let no bytecode of another version of it stay."""
        for root in (self.repository, self.installed):
            path = root / file
            path.write_text(source, encoding="utf-8")
            for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
                compiled.unlink()

    def start(self, tests: list[str]) -> int:
        """Run tests in a process of their own, and return its id; its exit status is pytest's."""
        self.since = time.monotonic()
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        status = 3
        try:
            os.setsid()
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
            os.chdir(self.repository)
            os.environ["PYTHONPATH"] = str(self.installed)
            sys.path[:] = [str(self.installed), *(path for path in sys.path if path != str(Path(__file__).parent))]
            if self.mutant:
                os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
                sys.dont_write_bytecode = True
            status = int(pytest.main([*PYTEST, *tests]))
        except BaseException:  # noqa: BLE001  # a forked process must never go on as its parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _left_behind(folder: str, names: list[str]) -> set[str]:
    hidden = {name for name in names if name.startswith(".") and name not in (".ci", ".github")}
    return hidden | ({"__pycache__", "build", "dist", "venv"} & set(names))


def stages(place: Place, plan: dict[str, Any], file: str) -> list[list[str]]:
    """What is run of a mutant in this file, until something fails: the quick tests, the room's, all."""
    tests = place.repository / "tests"
    quick = sorted(str(path) for pattern in plan["first"] for path in place.repository.glob(pattern))
    room = tests / Path(file).parent.name
    return [quick, [str(room)], [str(tests)]] if room.is_dir() else [quick, [str(tests)]]


def unmutated(place: Place, tests: list[str]) -> float:
    """How long these tests take where nothing is changed [s].

    Raises:
        ValueError: they fail.
    """
    child = place.start(tests)
    _, status = os.waitpid(child, 0)
    if status:
        raise ValueError(f"the tests fail without any change:\n{(place.folder / 'log').read_text()[-3000:]}")
    return time.monotonic() - place.since


def killed(made: list[Mutant], places: list[Place], plan: dict[str, Any]) -> Iterator[tuple[Mutant, bool]]:
    """Run the tests of every mutant, and yield each with whether something failed.

    A mutant whose tests take far longer than without it has failed too: it hangs.
    """
    pristine = rooms(CHECKOUT, plan)
    every = [str(places[0].repository / "tests")]
    quick = stages(places[0], plan, "")[0]
    # The whole first: it writes the bytecode that all others read.
    slowest = unmutated(places[0], every)
    limits = [PATIENCE + 8 * unmutated(places[0], quick), PATIENCE + 4 * slowest]
    waiting = iter(made)
    running: dict[int, Place] = {}
    free = list(places)
    while True:
        while free and (one := next(waiting, None)):
            place = free.pop()
            place.mutant, place.stage = one, 0
            place.write(one.file, one.source)
            running[place.start(stages(place, plan, one.file)[0])] = place
        if not running:
            return
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            time.sleep(0.01)
            late = [one for one, place in running.items() if time.monotonic() - place.since > limits[place.stage > 0]]
            for hanging in late:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(hanging, signal.SIGKILL)
            continue
        place = running.pop(child)
        one = place.mutant
        assert one
        left = stages(place, plan, one.file)[place.stage + 1 :]
        if left and not status:
            place.stage += 1
            running[place.start(left[0])] = place
            continue
        place.write(one.file, pristine[one.file])
        free.append(place)
        yield one, bool(status)


def run(plan: dict[str, Any], only: str | None) -> int:
    """Make all mutants, say which survive, and return the exit status."""
    sources = rooms(CHECKOUT, plan)
    made = mutants(sources, plan)
    proofs = {f"{entry['function']}: {entry['change']}": entry["proof"] for entry in plan.get("equivalent", ())}
    complaints = [
        f"listed as equivalent and no longer made: {name}" for name in proofs if name not in {m.name for m in made}
    ]
    if only:
        made = [one for one in made if one.file == only]
        if not made:
            raise ValueError(f"no mutant is made in {only}; mutants are made in {', '.join(sources)}")
    counts = {"killed": 0, "equivalent": 0, "survive": 0}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        places = [Place(Path(folder) / str(number)) for number in range(WORKERS)]
        for name in plan.get("warm", ()):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for one, failed in killed(made, places, plan):
            listed = one.name in proofs
            counts["killed" if failed else "equivalent" if listed else "survive"] += 1
            if failed and listed:
                complaints.append(f"listed as equivalent and killed: {one.name}")
            if not failed and not listed:
                print(f"survives: {one.file}, {one.name}", flush=True)
            if sys.stderr.isatty():
                print(f"\r{sum(counts.values())} of {len(made)}", end="\r", file=sys.stderr, flush=True)
    for complaint in complaints:
        print(complaint)
    sums = ", ".join(f"{number} {what}" for what, number in counts.items())
    print(f"{len(made)} mutants, {sums}")
    return int(bool(counts["survive"] or complaints))


def main() -> int:
    """Read the options and the plan, and run."""
    parser = argparse.ArgumentParser(description="Change the code a little, and see whether a test fails.")
    parser.add_argument("--only", metavar="FILE", help="make the mutants of one file: vggcost/costs/table.py")
    only = parser.parse_args().only
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]  # the options of a run that this one may be part of
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with (CHECKOUT / "tests" / "mutants.toml").open("rb") as file:
        plan = tomllib.load(file)
    try:
        return run(plan, only)
    except ValueError as problem:
        print(f"mutants.py: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
