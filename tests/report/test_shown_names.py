"""What is shown is safe where it is shown: every format, read back, gives the names that went in."""

from __future__ import annotations

import json
import re
import tomllib
from xml.etree import ElementTree as ET

import pytest
from campaigns import names
from hypothesis import example, given
from lock_entries import network_entry
from named_documents import DOCUMENTS, everywhere, outcome_of
from shown_names import ATTACKS, NAMES, READERS, plain, shows, unseen

from vggcost.errors import VggcostError
from vggcost.network import catalogue, network_file
from vggcost.printable import one_line, printable, printable_lines, shown
from vggcost.report import check_files
from vggcost.report.formats import NAMES as FORMATS
from vggcost.report.formats import rendered

PLACES = {"markdown": 13, "csv": 2, "json": 2, "latex": 13, "html": 13, "latex-siunitx": 13, "typst": 13}
"""How often `everywhere` shows a name; the CSV and the JSON have their own places."""


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", [name.strip() for name in ATTACKS])
def test_a_name_is_shown_as_text_in_every_place(fmt, name):
    text = rendered(everywhere(name), fmt)
    assert shows(fmt, text, name)
    if fmt != "table":
        wanted = name if fmt == "json" else plain(name)
        places = sum(each.count(wanted) for each in READERS[fmt](text))
        # The long texts of a column that fills may have lines of their own.
        assert places == PLACES[fmt] - ("\n" in name and PLACES[fmt] > 2), READERS[fmt](text)


@pytest.mark.parametrize("fmt", FORMATS)
@given(NAMES)
def test_any_name_is_read_back_from_every_format(fmt, name):
    assert shows(fmt, rendered(everywhere(name), fmt), name)


def test_the_readers_see_what_they_guard_against():
    for fmt, bad in (
        ("markdown", "a **b** c"),
        ("markdown", "<b>x</b>"),
        ("markdown", "# x"),
        ("html", "<p><img src=x></p>"),
        ("html", "<p>a</p><!-- x -->"),
        ("latex", "50 % of"),
        ("latex", "\\input{x}"),
        ("latex", "a -- b"),
        ("junit", "<a>&b</a>"),
        ("github", "::error file=x::a\nb"),
    ):
        with pytest.raises((AssertionError, KeyError, ET.ParseError)):
            READERS[fmt](bad)
    with pytest.raises(AssertionError):
        shows("table", "\x1b[31m", "x")


@pytest.mark.parametrize("what", DOCUMENTS)
@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "a|b", "a\n\x1b[31m\u202e\udcff"])
def test_the_documents_of_commands_show_names_as_text(what, name):
    document = DOCUMENTS[what](name)
    for fmt in FORMATS:
        text = rendered(document, fmt)
        # A report's CSV may have no place for the name, and a narrow column breaks it.
        assert shows(fmt, text, name) or fmt in ("csv", "table"), (fmt, text)
        assert shows(fmt, text, "")


@pytest.mark.parametrize("fmt", check_files.FORMATS)
@given(NAMES)
@example("a\r\n::error::b")
def test_what_other_programs_read_of_a_check_holds_the_names(fmt, name):
    text = check_files.rendered([outcome_of(name)], fmt, name)
    assert shows(fmt, text, name)
    text.encode("utf-8")


@given(NAMES)
def test_a_refusal_is_one_printable_line(name):
    message = str(VggcostError(f"{name} is\n wrong"))
    assert message.isprintable()
    assert plain(name).split() == message.removesuffix(" is wrong").split() or not name.isprintable()


@given(NAMES)
def test_a_network_file_is_toml_whatever_is_in_it(name):
    plan = catalogue.find("A").replace(about=f"{name}.", source="x")
    text = network_file.toml_text(plan)
    assert not unseen(text)
    halves = dict.fromkeys(range(55296, 57344), "�")
    assert tomllib.loads(text)["about"] == plan.about.translate(halves)


def test_a_lock_holds_names_that_are_not_unicode():
    from vggcost.lock.lock_file import entry_data, lock_text

    entry = network_entry().replace(name="half \udcff \x7f\u202e")
    text = lock_text([entry_data(entry)])
    assert not unseen(text)
    assert json.loads(text)["entries"][0]["name"] == entry.name


def test_what_is_written_out():
    assert printable("a\x1b\u2028\U000e0001\udcff\xa0") == "a\\x1b\\u2028\\U000e0001\\udcff\\xa0"
    assert printable_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"
    assert one_line(" a \n b\x00 ") == "a b\\x00"

    class Silent:
        def __repr__(self):
            raise RuntimeError

    assert shown(Silent()) == "a Silent"
    assert len(shown("x" * 1000)) == 60


@pytest.mark.parametrize(
    ("module", "rule"),
    [("markdown", "_MARKS"), ("markdown", "_FIRST"), ("latex", "_SPECIAL")],
)
def test_the_campaign_sees_a_rule_that_is_gone(monkeypatch, module, rule):
    assert not list(names.broken(20, 3, None))
    monkeypatch.setattr(f"vggcost.report.formats.{module}.{rule}", re.compile(r"(?!)"))
    assert any(f"in {module}: " in line for line in names.broken(20, 3, None))


def test_the_campaign_sees_text_that_is_not_made_printable(monkeypatch):
    for module in ("document", "formats.csv", "formats.markdown", "check_files"):
        monkeypatch.setattr(f"vggcost.report.{module}.printable", str)
    found = " ".join(names.broken(20, 3, None))
    for fmt in ("table", "csv", "latex", "html", "markdown", "github", "junit"):
        assert f"in {fmt}: " in found, fmt
