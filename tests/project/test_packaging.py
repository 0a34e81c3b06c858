"""What an index, a citation and a container say of vggcost is what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vggcost

yaml = pytest.importorskip("yaml")
pytestmark = pytest.mark.torch  # of a whole checkout, which the copies that mutants are made in are not


def test_the_citation_names_this_release(checkout):
    cited = yaml.safe_load((checkout / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == vggcost.__version__
    assert cited["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors", "type"} <= set(cited)


def test_an_index_shows_the_readme_without_links_that_lead_nowhere_there():
    (place,) = Path(vggcost.__file__).parents[1].glob("vggcost-*.dist-info/METADATA")
    shown = place.read_text(encoding="utf-8").partition("\n\n")[2]
    assert shown.startswith("# vggcost")
    assert "pip install . && vggcost table --config D" in shown
    assert re.findall(r"\]\((?!https?://|#)[^)]*\)", shown) == []


def test_the_container_takes_what_the_wheel_is_built_from(checkout):
    lines = (checkout / ".containerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"  # nothing goes in but what is named below
    for line in lines[1:]:
        assert (checkout / line.removeprefix("!")).exists(), line
    assert 'ENTRYPOINT ["vggcost"]' in (checkout / "Containerfile").read_text(encoding="utf-8")


def test_what_goes_into_the_source_is_there(checkout):
    import tomllib

    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [name for name in listed if not (checkout / name.lstrip("/")).exists()] == []
    tracked = {path.name for path in checkout.iterdir()} - {".git", ".gitignore", "pyproject.toml"}
    hidden = {name for name in tracked if name.startswith(".") and name.endswith("_cache")} | {".hypothesis"}
    unlisted = {name for name in tracked - hidden if f"/{name}" not in listed}
    assert not unlisted & {"tests", "docs", "benchmarks", "reports", "templates"}


@pytest.mark.parametrize("name", ["ci", "release", "audit"])
def test_workflows_are_what_github_takes(checkout, name):
    main = pytest.importorskip("check_jsonschema").main
    place = checkout / ".github" / "workflows" / f"{name}.yml"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--builtin-schema", "vendor.github-workflows", str(place)])


def test_a_workflow_that_is_none_is_seen(tmp_path):
    main = pytest.importorskip("check_jsonschema").main
    place = tmp_path / "ci.yml"
    place.write_text("name: ci\non: [push]\njobs: {all: {runs-on: x, step: []}}\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^1$"):
        main(["--builtin-schema", "vendor.github-workflows", str(place)])
