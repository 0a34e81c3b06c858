"""Tables as LaTeX and Typst set them: they compile, and their pages have the numbers that went in."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess

import pypdf
import pytest
import typst

HAS_LATEX = shutil.which("pdflatex") is not None  # .ci/run installs it, and takes no skip for it

TABLES = {
    "table": ("table", "D"),
    "every row": ("table", "A-LRN", "--rows", "all"),
    "columns": ("table", "D", "--columns", "name,kind,output,params,share,macs,share", "--precision", "3"),
    "blocks": ("table", "E", "--rows", "blocks", "--sort", "macs", "--caption", "Cost of $E_1$, 50% & more"),
    "thop": ("table", "D", "--convention", "thop", "--caption", "By thop", "--label", "tab:thop"),
    "turned": ("table", "A", "--rows", "blocks", "--columns", "name,params,macs", "--transpose"),
    "compare": ("compare", "A,D,E", "--transpose", "--columns", "name,params,macs"),
    "memory": ("memory", "D", "--training", "--caption", "Memory", "--label", "tab:memory"),
    "conventions": ("conventions", "D", "--columns", "name,unit,total"),
    "human": ("table", "D", "--human", "--precision", "2"),
    "formula": ("formula", "D"),
}


def latex_page(text, folder):
    """What stands on the pages that pdflatex makes of a part of a text."""
    source = (
        "\\documentclass[9pt]{extarticle}\n\\usepackage[paperwidth=60cm,paperheight=60cm,margin=1cm]{geometry}\n"
        "\\usepackage[T1]{fontenc}\n\\usepackage{booktabs,amsmath,siunitx}\n\\begin{document}\n"
        f"{text}\n\\end{{document}}\n"
    )
    (folder / "page.tex").write_text(source, encoding="utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return read(folder / "page.pdf")


def typst_page(text, _):
    """What stands on the pages that Typst makes of it."""
    source = f"#set page(width: 60cm, height: auto)\n{text}"
    return read(io.BytesIO(typst.compile(source.encode("utf-8"))))


def read(file):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(file).pages)


def numbers(text):
    """The whole numbers of at least four digits, by size and with how often each stands there."""
    return sorted(int(found.replace(",", "")) for found in re.findall(r"(?<![\d,])\d{1,3}(?:,\d{3})+", text))


@pytest.mark.parametrize(
    ("fmt", "page"),
    [
        pytest.param("latex", latex_page, marks=pytest.mark.skipif(not HAS_LATEX, reason="pdflatex is not installed")),
        pytest.param(
            "latex-siunitx", latex_page, marks=pytest.mark.skipif(not HAS_LATEX, reason="pdflatex is not installed")
        ),
        ("typst", typst_page),
    ],
)
@pytest.mark.parametrize("name", TABLES)
def test_a_page_has_the_numbers_of_the_table(vggcost, tmp_path, fmt, page, name):
    text = vggcost(*TABLES[name], "--format", fmt).out
    shown = page(text, tmp_path)
    wanted = numbers(vggcost(*TABLES[name], "--format", "typst").out)
    assert wanted or name in ("human", "formula")
    assert numbers(shown) == wanted
    for word in ("Cost of $E_1$, 50% & more", "By thop"):
        assert (word in TABLES[name]) == (word in shown)


@pytest.mark.skipif(not HAS_LATEX, reason="pdflatex is not installed")
def test_a_table_that_does_not_compile_would_be_seen(tmp_path):
    with pytest.raises(AssertionError):
        latex_page("\\begin{tabular}{l}\na_b \\\\\n\\end{tabular}\n", tmp_path)


def test_the_rows_of_typst_are_those_of_json(vggcost):
    words = ("table", "D", "--columns", "name,params,macs", "--rows", "all", "--format")
    document = json.loads(vggcost(*words, "json").out)
    rows = [f'  "{row["name"]}", "{row["params"]:,}", "{row["macs"]:,}",' for row in document["layers"]]
    assert [line for line in vggcost(*words, "typst").out.splitlines() if line.startswith('  "')][:-1] == rows
