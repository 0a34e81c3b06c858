"""The explorer in a real browser: its numbers are Python's, it asks for nothing, and everybody can use it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import sympy
from explorer_settings import by_python, drawn
from odd_network import ODD_NAME, odd_network

from vggcost.cli import main
from vggcost.explorer.printer import RUNTIME, javascript
from vggcost.network.catalogue import TABLE_1

PHONE, DESKTOP = 360, 1280
SETTINGS = 330
QUOTED = "a\"b'&lt;<script>alert(1)<!--"

SHOW = """
const plain = text => text.replace(/,/g, "").replace(/ B$/, "");
const seen = [];
for (const setting of arguments[0]) {
  const form = document.getElementById("controls");
  for (const [name, value] of Object.entries(setting)) {
    const control = form.elements[name];
    if (control.type === "checkbox") control.checked = value === "1";
    else if (name === "config")
      control.selectedIndex = [...control.options].findIndex(o => o.text.split(" (")[0] === value);
    else control.value = value;
  }
  config = form.elements.config.value;
  form.dispatchEvent(new Event("input"));
  const keys = [...document.querySelectorAll("#table thead th")].map(cell => cell.dataset.key);
  const cells = row => Object.fromEntries([...row.cells].map((cell, place) => [keys[place], plain(cell.textContent)]));
  seen.push({
    fault: document.getElementById("faults").textContent,
    rows: [...document.querySelectorAll("#table tbody tr")].map(cells),
    sums: cells(document.querySelector("#table tfoot tr")),
    totals: Object.fromEntries([...document.querySelectorAll("#totals div")].map(
      tile => [tile.dataset.key, plain(tile.querySelector("dd .exact, dd").lastChild.textContent)])),
    parts: Object.fromEntries([...document.querySelectorAll("#step-parts tr")].map(
      row => [row.dataset.key, plain(row.cells[1].textContent)])),
    held: Object.fromEntries([...document.querySelectorAll("#forward-parts tr")].map(
      row => [row.dataset.key, plain(row.cells[1].textContent)])),
    when: document.getElementById("step-when").textContent,
    why: document.getElementById("why").textContent,
  });
}
return seen;
"""
MOMENTS = {
    "forward": "in the forward call, while {} runs",
    "backward": "in the backward pass, at {}",
    "step": "in the optimizer's step",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Network files by name, two of them with names that are to be shown as they are."""
    tmp_path = tmp_path_factory.mktemp("networks")
    quoted = tmp_path / "quoted.toml"
    quoted.write_text(f'name = """{QUOTED}"""\nfeatures = ["conv5-8/2", 16, "M", "conv1-4", "M"]\n', encoding="utf-8")
    return {ODD_NAME: odd_network(tmp_path), QUOTED: str(quoted)}


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    place = tmp_path_factory.mktemp("page") / "explorer.html"
    assert main(["explorer", *files.values(), "-o", str(place)]) == 0
    return place


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The page of the paper's networks alone."""
    place = tmp_path_factory.mktemp("paper") / "explorer.html"
    assert main(["explorer", "-o", str(place)]) == 0
    return place


def expected(python):
    """What the page shows of what Python says."""
    rows = []
    for row in python["rows"]:
        own = {**row, "output": "x".join(row["output"][1:]), "count": "none" if row["count"] is None else row["count"]}
        rows.append({key: own.get(key, "none") for key in (*own, "saved_bytes")})
    return rows


@pytest.mark.parametrize("seed", [1])
def test_totals_and_every_layer_are_pythons_digit_for_digit(browser, page, files, seed):
    settings = drawn(SETTINGS, seed, [*TABLE_1, *files])
    browser.open(page)
    for setting, seen in zip(settings, browser.run(SHOW, settings), strict=True):
        python = by_python(setting, files)
        assert not seen["fault"], setting
        textbook = setting["convention"] == "mac"
        rows = [
            {key: value for key, value in row.items() if key != "count" or not textbook} for row in expected(python)
        ]
        assert seen["rows"] == rows, setting
        totals = {key: "none" if value is None else value for key, value in python["totals"].items()}
        shown = seen["totals"]
        missing = {"buffer_bytes", "input_bytes", *({"count"} if textbook else ())}
        assert {key: shown[key] for key in totals if key not in missing} == {
            key: value for key, value in totals.items() if key not in missing
        }, setting
        assert {key: value for key, value in seen["sums"].items() if key in totals} == {
            key: totals[key] for key in seen["sums"] if key in totals
        }, setting
        assert seen["held"].get("buffer_bytes", "0") == totals["buffer_bytes"]
        assert seen["held"]["input_bytes"] == totals["input_bytes"]
        assert seen["held"].get("working_bytes") == totals["peak_bytes"]
        assert python["why"] in seen["why"]
        if "peak" in python:
            peak = python["peak"]
            for key in ("live_gradient_bytes", "live_saved_bytes", "working_bytes"):
                assert seen["parts"].get(key, "0") == peak[key], (setting, key)
            assert MOMENTS[peak["phase"]].format(peak["layer"] or "the loss") in seen["when"], setting
    assert browser.messages() == []
    assert browser.requests() == [page.as_uri()]


def test_the_printer_gives_what_python_gives(browser, page):
    """Random expressions of + - * // and % over whole numbers of both signs."""
    import random

    draw = random.Random(5)  # noqa: S311  # a seeded draw of examples
    symbols = sympy.symbols("a b c", integer=True)

    def expression(depth):
        if depth == 0 or draw.random() < 0.1:
            return draw.choice((*symbols, sympy.Integer(draw.randint(-50, 50))))
        one, other = expression(depth - 1), expression(depth - 1)
        divisor = sympy.Integer(draw.choice((-7, -2, 1, 2, 3, 64)))
        kinds = (lambda: one + other, lambda: one - other, lambda: one * other, lambda: one // divisor)
        more = (lambda: sympy.Max(one, other), lambda: sympy.Min(one, other), lambda: one % divisor, lambda: one**2)
        return draw.choice((*kinds, *more))()

    drawn_ones = [expression(4) for _ in range(300)]
    points = [
        [draw.choice((draw.randint(-9, 9), draw.randint(-(10**25), 10**25))) for _ in symbols] for _ in drawn_ones
    ]
    texts = [
        f"(({','.join(map(str, symbols))})=>{javascript(each)})({','.join(f'{number}n' for number in point)})"
        for each, point in zip(drawn_ones, points, strict=True)
    ]
    browser.open(page)
    # What the driver runs is not the page's, whose policy it is not held to.
    seen = browser.run(f"{{{RUNTIME} return [{','.join(texts)}].map(String);}}")
    python = [
        str(each.xreplace(dict(zip(symbols, point, strict=True))))
        for each, point in zip(drawn_ones, points, strict=True)
    ]
    assert seen == python


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_page_asks_for_nothing_and_shows_odd_names_as_text(browser, page, width):
    browser.open(page, width=width)
    assert browser.requests() == [page.as_uri()]
    assert browser.messages() == []
    assert browser.run("return document.images.length") == 0
    assert browser.run("return document.documentElement.scrollWidth") <= width
    for name in (ODD_NAME, QUOTED):
        browser.run(
            "const select = document.getElementById('config');"
            "select.selectedIndex = [...select.options].findIndex(option => option.text === arguments[0]);"
            "select.form.dispatchEvent(new Event('input'));",
            name,
        )
        assert name in browser.run("return document.getElementById('heading').innerText")
        assert browser.run("return shown.state.classes") == ("5" if name == ODD_NAME else "1000")
    assert browser.run("return document.images.length") == 0
    assert browser.messages() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_axe_finds_nothing(browser, axe, page, width, dark):
    browser.open(page, width=width, dark=dark)
    assert axe() == []
    browser.run("document.getElementById('batch').value = 'x'; form.dispatchEvent(new Event('input'));")
    browser.run("document.querySelector('#table thead [data-key=macs] button').click()")
    assert axe() == []


WRONG = {
    "batch": ("0", "-1", "1e3", "", "\u0661", "9" * 30),
    "height": ("31", "x", "2.5"),
    "factor": ("0", "-1", "1.2.3", "nan", "1234567890.1234567"),
    "head": ("4096,", "512,512,512", "0", "x"),
}


@pytest.mark.parametrize(("field", "texts"), WRONG.items())
def test_a_field_says_what_it_takes_and_the_last_view_stays(browser, paper, field, texts):
    browser.open(paper)
    before = browser.run("return document.getElementById('totals').innerText")
    for text in texts:
        fault, totals, invalid, address = browser.run(
            "const control = form.elements[arguments[0]]; control.value = arguments[1];"
            "form.dispatchEvent(new Event('input'));"
            "return [document.getElementById('faults').innerText, document.getElementById('totals').innerText,"
            " control.getAttribute('aria-invalid'), location.hash]",
            field,
            text,
        )
        assert " takes " in fault and totals == before and invalid == "true" and address == "", text


def test_the_address_has_the_settings(browser, page):
    browser.open(page)
    browser.run(
        "form.elements.batch.value = '64'; form.elements.bn.checked = true; form.dispatchEvent(new Event('input'));"
    )
    browser.driver.execute_async_script("setTimeout(arguments[0], 400)")
    address = browser.run("return location.href")
    totals = browser.run("return document.getElementById('totals').innerText")
    assert "MACs; a training step takes" in browser.run("return document.querySelector('[role=status]').textContent")
    browser.driver.get("about:blank")
    browser.driver.get(address)
    assert browser.run("return document.getElementById('totals').innerText") == totals
    assert browser.run("return form.elements.batch.value") == "64"


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("config=Z", "Configuration takes one of A"),
        ("config=D&convention=flop", "Convention takes one of mac"),
        ("config=D&dtype=int4", "Dtype takes one of"),
        ("config=D&batch=many", "Batch takes a whole number"),
        ("config=D&bn=maybe", "Batch normalization takes one of 0, 1"),
        ("config=D&pool=0&height=256", "fc6 takes 25,088 features and gets 28,672 at 256x224"),
        ("config=D&colour=red", "The address takes config, bn"),
        (quote("<img src=x onerror=alert(1)>"), "The address takes config, bn"),
    ],
)
def test_nonsense_in_the_address_is_said(browser, paper, fragment, words):
    browser.open(paper)
    browser.run("location.hash = arguments[0]", f"#{fragment}")
    browser.driver.execute_async_script("setTimeout(arguments[0], 20)")
    assert words in browser.run("return document.getElementById('faults').innerText")
    assert "138,357,544" in browser.run("return document.getElementById('totals').innerText")
    assert browser.messages() == []


def test_the_bars_of_a_column_sum_to_its_total(browser, page):
    browser.open(page)
    for place in range(len(TABLE_1) + 1):
        sums, totals = browser.run(
            "form.elements.config.selectedIndex = arguments[0]; form.elements.bn.checked = true;"
            "form.dispatchEvent(new Event('input')); const keys = BARS.map(([, key]) => key);"
            "const groups = groupsOf(shown.rows);"
            "const added = keys.map(key => String(sum(groups.map(group => group[key]))));"
            "return [added, keys.map(key => String(shown.totals[key]))]",
            place,
        )
        assert sums == totals


def test_copies_and_sorting(browser, paper):
    browser.open(paper)
    csv, markdown, latex = (browser.run("return copyText(arguments[0])", fmt) for fmt in ("csv", "markdown", "latex"))
    assert csv.startswith("name,kind,output,params,macs") and ",1792," in csv and "\r\ntotal,,,138357544," in csv
    assert markdown.count("\n") == latex.count("\\\\") + 1
    assert "conv1\\_1 & Conv2d & 1x64x224x224 & 1,792 &" in latex
    head = "#table thead [data-key=macs]"
    for sort in ("descending", "ascending", None):
        browser.run(f"document.querySelector('{head} button').click()")
        assert browser.run(f"return document.querySelector('{head}').getAttribute('aria-sort')") == sort
    browser.run(f"document.querySelector('{head} button').click()")
    assert browser.run("return document.querySelector('#table tbody th').textContent") == "conv1_2"


def test_the_page_opens_on_what_was_named_and_else_on_the_paper_s_sixteen_layers(browser, page, paper):
    for place, name in ((paper, "VGG D (VGG-16)"), (page, f"VGG {ODD_NAME}")):
        browser.open(place)
        heading, chosen, fault = browser.run(
            "const form = document.getElementById('controls');"
            "return [document.getElementById('heading').textContent, form.elements.config.selectedOptions[0].text,"
            " document.getElementById('faults').textContent];"
        )
        assert heading.startswith(f"{name}; input")
        assert f"VGG {chosen}" == name
        assert not fault
