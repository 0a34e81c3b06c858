"""The notebooks of ``examples/``: ``python tests/pages/notebooks.py`` runs them and writes what their cells put out."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def notebooks() -> list[Path]:
    """Every notebook."""
    return sorted(EXAMPLES.glob("*.ipynb"))


def filled(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook with what each of its cells prints and comes to, run in their order as Jupyter does."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, number = [dict(cell) for cell in notebook["cells"]], 0
    for cell in cells:
        if cell["cell_type"] == "code":
            number += 1
            cell["execution_count"] = number
            cell["outputs"] = _outputs("".join(cell["source"]), names, number)
    return {**notebook, "cells": cells}


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    body = ast.parse(source)
    last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(body, "cell", "exec"), names)  # noqa: S102  # a notebook of ours
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307  # the same
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        lines = printed.getvalue().splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        for kind, method in (("text/html", "_repr_html_"), ("text/latex", "_repr_latex_")):
            made = getattr(value, method, None)
            if made is not None and made() is not None:
                data[kind] = made().splitlines(keepends=True)
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


def text(notebook: dict[str, Any]) -> str:
    """A notebook as it is written down."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in notebooks():
        path.write_text(text(filled(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    sys.stdout.write("notebooks refreshed\n")
