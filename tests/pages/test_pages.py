"""Every block of the README and of docs/ is run, and shown output is real output."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pages import refresh

TEXTS = {path: path.read_text(encoding="utf-8") for path in refresh.pages()}
IN_ORDER = [path for path, text in TEXTS.items() if refresh.IN_ORDER in text]
ALL = [block for path in TEXTS if path not in IN_ORDER for block in refresh.blocks(path)]
TOGETHER = [block for path in IN_ORDER for block in refresh.blocks(path)]
LINK = re.compile(r"\]\(([^)\s]+)\)")
SET_UP = ("pip install",)
"""A line that installs is what .ci/run does on a clean machine; here it is only held against the packaging."""


def of(*languages):
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in ALL if block.language in languages]


def test_every_block_is_of_a_kind_that_is_checked():
    assert ALL
    assert {block.language for block in (*ALL, *TOGETHER)} <= set(refresh.LANGUAGES)


NOT_RUN = {
    "a time is another one each time": 1,
    "is a part of a file": 1,
    "it needs scipy and a minute": 1,
    "needs a GPU": 3,
    "needs the counters": 1,
    "takes half an hour": 1,
    "times on a GPU": 1,
    "times on other machines": 1,
    "times on this machine": 1,
}
"""Why blocks are not run, and how many there are of each."""


def test_what_is_not_run_says_why_and_is_counted():
    reasons = Counter(reason for text in TEXTS.values() for reason in refresh.NOT_RUN.findall(text))
    assert dict(sorted(reasons.items())) == NOT_RUN
    assert sum(block.language == "text" for block in (*ALL, *TOGETHER)) <= sum(reasons.values())
    assert not refresh.NOT_RUN.findall("```text\nvggcost bench D\n```\n")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_to_what_is_there(path, checkout):
    links = [link.partition("#")[0] for link in LINK.findall(TEXTS[path]) if "://" not in link and link[0] != "#"]
    made = checkout / "docs" / "generated"
    missing = [link for link in links if not (path.parent / link).resolve().exists()]
    assert [link for link in missing if not (path.parent / link).resolve().is_relative_to(made)] == []


@pytest.mark.parametrize("block", of("console"))
def test_shown_output_is_real_output(block):
    pytest.importorskip("torch")
    assert refresh.commands(block.text)
    assert refresh.filled(block.text) == block.text


@pytest.mark.parametrize("path", IN_ORDER, ids=lambda path: path.name)
def test_a_page_that_is_run_in_order_shows_real_output(path):
    pytest.importorskip("torch")
    assert refresh.refreshed(TEXTS[path]) == TEXTS[path]


def test_a_page_that_is_run_in_order_would_be_seen_to_differ():
    page = f"{refresh.IN_ORDER}```toml\n# a/b.toml\nkey = 1\n```\n```console\n$ cat a/b.toml && exit 1\nkey = 2\n```\n"
    assert refresh.refreshed(page) == page.replace("key = 2", "# a/b.toml\nkey = 1")


@pytest.mark.parametrize(
    "block", [block for block in TOGETHER if block.language == "yaml"], ids=lambda block: block.line
)
def test_files_for_others_are_what_they_take(block, tmp_path):
    file = tmp_path / "file.yaml"
    file.write_text(block.text)
    if "repos:" in block.text:
        words = ("pre_commit", "validate-config", str(file))
    else:
        words = ("check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file))
    pytest.importorskip(words[0])
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", refresh.pages(), ids=lambda path: path.name)
def test_shown_tables_are_what_their_commands_print(path):
    text = path.read_text(encoding="utf-8")
    assert refresh.TABLE.sub(lambda found: refresh.table(found[1]), text) == text
    assert text.count("<!-- $ ") == len(refresh.TABLE.findall(text))


def test_the_page_of_counters_shows_what_every_counter_prints(checkout):
    page = (checkout / "docs" / "counters.md").read_text(encoding="utf-8")
    (command, shown), *_ = refresh.TABLE.findall(page)
    assert command == "vggcost conventions D --format markdown"
    totals = [line.split("|")[6].strip() for line in shown.splitlines() if line.startswith("| ")][1:]
    counted = f"{len(totals)} counters, {len(set(totals))} answers"
    assert page.startswith(f"# One network, {counted}\n")
    assert f"**One network, {counted}.**" in (checkout / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_a_page(checkout):
    lines = (checkout / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 120


def test_a_changed_digit_would_be_seen():
    block = next(block for block in ALL if block.language == "console")
    assert refresh.filled(block.text.replace("138,357,544", "138,357,545")) != block.text.replace(
        "138,357,544", "138,357,545"
    )


@pytest.mark.parametrize("block", of("pycon"))
def test_sessions_run(block):
    test = doctest.DocTestParser().get_doctest(block.text, {}, block.page, block.page, block.line)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("block", of("sh"))
def test_commands_run(block, tmp_path):
    folder = os.path.dirname(sys.executable)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    for line in block.text.splitlines():
        if line.startswith(SET_UP):
            continue
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), line


def test_the_two_commands_do_all_the_set_up(checkout):
    lines = [
        line for block in refresh.blocks(checkout / "README.md") if block.language == "sh" for line in [block.text]
    ]
    assert lines[0] == "pip install . && vggcost table --config D\n"
    assert lines[1] == "pip install -c constraints.txt '.[test]' && pytest\n"
    assert lines[1].strip() in Path(checkout, ".ci", "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "block", [block for block in of("toml") if re.search(r"^features = ", block.values[0].text, re.MULTILINE)]
)
def test_network_files_can_be_read(block, vggcost, tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(block.text)
    ran = vggcost("table", "--file", str(file))
    assert (ran.status, ran.err) == (0, "")
