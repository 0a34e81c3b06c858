"""Mutants of a module: its source with one small change, by the syntax tree or by hand.

`python tests/mutants.py` runs the tests on each; its page says which changes are made.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

PER_FUNCTION = 2
"""How many mutants are made of a function; of data, all."""
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
SYMMETRIC = {
    *("compute_time", "contraction_macs", "in_use", "least_traffic", "lrn_window_pixels", "memory_time"),
    *("tensor_bytes", "winograd_saving"),
}
"""Formulas that give the same whichever way round their arguments are, which a test holds: none is exchanged."""


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
        if ast.unparse(node.func).rpartition(".")[2] in UNORDERED | SYMMETRIC:
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


@cache
def _tree(source: str) -> ast.Module:
    """The tree of a source; each mutant made by hand is looked for in all of them."""
    return ast.parse(source)


def _spans(source: str, function: str) -> list[tuple[int, int]]:
    """Where the functions or classes of a qualified name stand."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    level: list[Any] = [_tree(source)]
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
