"""A bench result with any one place damaged is refused with its sentence, or is still printed."""

from __future__ import annotations

import copy

import pytest
from bench_documents import MS, case, document

from vggcost.bench import gates
from vggcost.bench.compare import comparison
from vggcost.bench.result import load, to_json
from vggcost.errors import VggcostError
from vggcost.report import bench
from vggcost.report.formats import rendered


def places(value, path=()):
    """Every place in a document, by its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield (*path, key)
        yield from places(inside, (*path, key))


def broken(made, path, replacement):
    """A copy of a document with one place taken out or filled with something else."""
    copied = copy.deepcopy(made)
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    if replacement is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = replacement[0]
    return copied


@pytest.mark.parametrize("replacement", [None, (None,), ("text",), ([],), ({},), (-1,), (True,)])
def test_a_document_damaged_anywhere_is_refused_or_still_printed(tmp_path, replacement):
    made = document(
        case(count=2, graph=34 * MS, stopped_by="budget", clocks=[900, 1410]),
        device="cuda:0",
        environment__nvml={
            "driver": "570",
            "sm_clock_mhz": 1410,
            "default_sm_clock_mhz": 1410,
            "memory_clock_mhz": 1593,
            "power_limit_w": 700.0,
            "temperature_c": 41,
        },
    )
    file = tmp_path / "result.json"
    refused = 0
    for path in places(made):
        file.write_text(to_json(broken(made, path, replacement)), encoding="utf-8")
        try:
            loaded = load(str(file))
        except VggcostError:
            refused += 1
            continue
        try:
            gates.verdict(loaded)
            rendered(bench.document(loaded), "table")
            rendered(bench.document(loaded), "csv")
            comparison(made, loaded, 0.01)
        except VggcostError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"{path} as {replacement}: {error!r}") from error
    assert refused > 20
