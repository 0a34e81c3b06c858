"""Pages that are made from the code: each command's help, each convention's rule, and the formulas.

They are written to ``docs/generated`` before Sphinx reads its sources.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy

from vggcost import formulas
from vggcost.cli import COMMANDS, GROUPS, main
from vggcost.conventions.rows import CONVENTIONS
from vggcost.formulas.notation import LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sphinx.application import Sphinx

COLUMNS = 88
"""The width of what is shown [characters]."""


def printed(*words: str) -> str:
    """What a command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(list(words))
    return out.getvalue().rstrip()


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def command_pages() -> Iterator[tuple[str, str]]:
    """A page a command, whose options are those of its live parser, and the list of them in the groups of --help."""
    contents = ["# Commands\n"]
    for what, names in GROUPS.items():
        known = [name for name in names if name in COMMANDS]
        if known:
            contents += [f"## {what.capitalize()}\n", "```{toctree}", ":titlesonly:\n", *known, "```\n"]
    yield "commands/index.md", "\n".join(contents)
    for name, what in COMMANDS.items():
        yield f"commands/{name}.md", f"# vggcost {name}\n\n{what.capitalize()}.\n\n{_block(printed(name, '--help'))}"


def convention_pages() -> Iterator[tuple[str, str]]:
    """A page a convention, made from its row, and the list of them."""
    names = [row.name for row in CONVENTIONS]
    contents = ["# Conventions\n", "```{toctree}", ":titlesonly:\n", *names, "```\n"]
    yield "conventions/index.md", "\n".join(contents)
    for row in CONVENTIONS:
        shown = printed("conventions", "D", "--of", row.name)
        yield f"conventions/{row.name}.md", f"# {row.name}\n\nHow {row.title} counts, and D by it.\n\n{_block(shown)}"


def formula_page() -> Iterator[tuple[str, str]]:
    """The formulas, typeset from the code that counts."""
    parts = [
        "# Formulas\n",
        "Each is one function of `vggcost.formulas`, called here with symbols; the same function gives every number.\n",
    ]
    for found in pkgutil.iter_modules(formulas.__path__):
        module = importlib.import_module(f"vggcost.formulas.{found.name}")
        own = [each for each in vars(module).values() if _is_formula(each, module)]
        if own:
            parts.append(f"## {_head(module)}\n")
            parts += [_formula(each) for each in own]
    yield "formulas.md", "\n".join(parts)


def _is_formula(each: object, module: ModuleType) -> bool:
    public = inspect.isfunction(each) and not each.__name__.startswith("_")
    return public and each.__module__ == module.__name__ and ">>>" in (each.__doc__ or "")


def _head(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().partition("\n")[0].rstrip(".").partition(":")[0]


def _formula(function: Callable[..., Any]) -> str:
    about, _, example = inspect.getdoc(function).partition("\n>>>")  # type: ignore[union-attr]
    about = re.sub(r"(?<=\S)\*(?=\S)", r"\\*", about)
    lines = [f"### {function.__name__}\n", f"{about}\n"]
    typeset = _typeset(function)
    if typeset:
        lines.append(f"{typeset}\n")
    return "\n".join([*lines, f"```pycon\n>>>{example}\n```\n"])


def _typeset(function: Callable[..., Any]) -> str | None:
    """The formula as MathML, which browsers set without any script; None where it takes no plain numbers."""
    names = list(inspect.signature(function).parameters)
    symbols = [sympy.Symbol(_letter(name), integer=True, positive=True) for name in names]
    try:
        value = function(*symbols)
    except (TypeError, AttributeError, ValueError):
        return None
    if not isinstance(value, sympy.Expr):
        return None
    shown = sympy.printing.mathml(value, printer="presentation")
    return f'<math display="block" class="formula"><mrow>{shown}</mrow></math>'


def _letter(name: str) -> str:
    letter = LETTERS.get(name)
    if letter is None:
        return name
    return re.sub(r"^([A-Za-z])([a-z0-9]+)$", r"\1_\2", letter)


def write(folder: Path) -> None:
    """Write every page, where it changed, and take away those that are no longer made."""
    pages = dict([*command_pages(), *convention_pages(), *formula_page()])
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _before_reading(app: Sphinx) -> None:
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(COLUMNS)
    try:
        write(Path(app.srcdir) / "generated")
    finally:
        os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx make the pages before it reads them."""
    app.connect("builder-inited", _before_reading)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
