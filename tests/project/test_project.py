"""The project around the code: what is tested is the wheel, pages and the import contract speak of what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import vggcost


def test_the_wheel_is_what_is_tested(checkout):
    assert not Path(vggcost.__file__).resolve().is_relative_to(checkout)
    assert Path(vggcost.__file__).with_name("py.typed").exists()


def test_the_installed_package_is_this_checkouts(checkout):
    installed = Path(vggcost.__file__).parent
    sources = sorted(path.relative_to(checkout / "vggcost") for path in (checkout / "vggcost").rglob("*.py"))
    assert sources == sorted(path.relative_to(installed) for path in installed.rglob("*.py"))
    for source in sources:
        assert (checkout / "vggcost" / source).read_bytes() == (installed / source).read_bytes(), source


def test_every_room_but_the_frameworks_is_kept_from_them(checkout):
    contracts = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (kept,) = (contract["source_modules"] for contract in contracts if contract["type"] == "forbidden")
    rooms = set(rooms_of_the_contract(checkout))
    assert set(kept) == {f"vggcost.{room}" for room in rooms - {"__main__", "frameworks", "bench"}}


def rooms_of_the_contract(checkout):
    contracts = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (lines,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["vggcost"])
    return [room for line in lines for room in line.split(" | ")]


def rooms_of_the_page(page):
    return re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)


def test_the_architecture_page_is_the_contract(checkout):
    page = (checkout / "ARCHITECTURE.md").read_text()
    assert rooms_of_the_page(page) == rooms_of_the_contract(checkout)
    swapped = page.replace("| `api` |", "| `apis` |")
    assert rooms_of_the_page(swapped) != rooms_of_the_contract(checkout)


def test_the_rooms_are_what_lies_in_the_package(checkout):
    found = [path.stem for path in (checkout / "vggcost").iterdir() if path.suffix == ".py" or path.is_dir()]
    assert sorted(set(found) - {"__init__", "__pycache__"}) == sorted(rooms_of_the_contract(checkout))
    assert len([path for path in (checkout / "vggcost").iterdir() if path.suffix == ".py"]) <= 8


def test_files_that_the_architecture_page_names_exist(checkout):
    for named in re.findall(r"`([\w/]+\.py)`", (checkout / "ARCHITECTURE.md").read_text()):
        if "X" in named:
            continue  # it stands for what a recipe adds
        assert list((checkout / "vggcost").rglob(named)) or list(checkout.rglob(named)), named


def test_the_changelog_speaks_of_this_version(checkout):
    assert f"\n## {vggcost.__version__}\n" in (checkout / "CHANGELOG.md").read_text()


def test_the_extra_test_brings_all_that_the_suite_needs(checkout):
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    merged = " ".join(extras["test"])
    for extra in set(extras) - {"test", "dev"}:
        assert re.search(rf"vggcost\[[^]]*\b{extra}\b", merged), extra


def test_the_test_pins_torch(checkout):
    assert "torch==2.13.0\n" in (checkout / "constraints.txt").read_text()
