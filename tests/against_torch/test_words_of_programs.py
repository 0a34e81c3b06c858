"""An audited program has the words of memory, and their numbers, of the configuration that it is."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

PROGRAM = """
import vggcost
from vggcost.frameworks.pytorch.build import build_module


def net():
    return build_module(vggcost.cost("D", batch_norm={batch_norm}, classes=10).network)
"""


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_program_has_the_numbers_of_its_configuration(vggcost, tmp_path, batch_norm):
    path = tmp_path / "own.py"
    path.write_text(PROGRAM.format(batch_norm=batch_norm))
    target, options = f"{path}:net", ("--classes", "10", *(("--batch-norm",) if batch_norm else ()))

    def read(*words):
        return json.loads(vggcost(*words, "--format", "json").out)

    audited = read("audit", target)["totals"]
    memory = read("memory", "D", *options)["totals"]
    assert {key: audited[key] for key in ("weight_bytes", "buffer_bytes")} == {
        key: memory[key] for key in ("weight_bytes", "buffer_bytes")
    }
    (ours,) = read("compare", "D", *options)["networks"]
    (theirs,) = read("compare", target)["networks"]
    for word in ("weight_bytes", "weight_layer_output_bytes"):
        assert ours[word] == theirs[word] == memory[word]
