"""Outside of formulas/ nothing is multiplied or divided but what is listed here, each with its reason."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import vggcost

PACKAGE = Path(vggcost.__file__).parent

ROOMS = ("network", "costs", "conventions", "programs", "frameworks", "bench", "predict", "fleet", "results")
"""The rooms between the formulas and what a person sees."""

ALLOWED = {
    "network/foreign_layers.py:broadcast": "fills a tuple up with ones",
    "network/ledger.py:Ledger.__mul__": "a ledger several times, count by count",
    "costs/closed_forms.py:ClosedForm.values": "an image in units of 32 pixels",
    "costs/closed_forms.py:of_configuration": "an image in units of 32 pixels",
    "costs/fit.py": "a search's guesses, and the decimal digits and parts of a width factor",
    "costs/lines.py:_meeting": "the batch at which two lines meet",
    "costs/lines.py:_product": "what an image adds, as often as a formula or a batch says",
    "costs/table.py:_Door._smallest": "bisection",
    "conventions/amounts.py": "decimal digits of a number that a person gives",
    "conventions/counting.py": "the weights of a convention, which are rows of data, and totals per image",
    "conventions/handlers/by_function.py": "what single tools count of one call, one handler each",
    "conventions/handlers/by_hook.py": "what single tools count of one call, one handler each",
    "conventions/handlers/by_operator.py": "what single tools count of one call, one handler each",
    "conventions/handlers/forms.py": "what single tools count of one call, one handler each",
    "conventions/handlers/recurrent.py": "what single tools count of one call, one handler each",
    "conventions/figures.py": "the weights of a figure, which are rows of data",
    "conventions/figure_rows.py": "the text of a number, as each tool writes it",
    "conventions/seen.py": "the calls of a shared module, and a total per image",
    "conventions/explain.py:_less_one_layer": "decimal digits of a number that a person gives",
    "conventions/explain.py:_found": "half and double of a number that a person gives",
    "conventions/explain.py:_ways": "half and double of a number that a person gives",
    "conventions/searched.py:Section.largest": "a bound of a search",
    "conventions/special_rules.py": "what single tools do in place of the formulas, one named rule each",
    "programs/alignment.py:_costs": "costs of an alignment",
    "programs/flow.py:_scales": "an output that is larger by more than half of its input",
    "programs/likeness.py:shares": "half of the layers",
    "programs/naming.py:Namer.differences": "costs of differences",
    "programs/pieces.py:_convs_apart": "costs of an alignment",
    "programs/pieces.py:_linears_apart": "costs of an alignment",
    "programs/pieces.py:_others_apart": "costs of an alignment",
    "programs/variants.py:variants": "more than half of the layers",
    "programs/variants.py:shortest_factor": "decimal digits of a width factor",
    "frameworks/memory_verifier.py:_dense": "what another tool counts beyond the formulas",
    "frameworks/checkpoints/contents.py:_grouped": "groups, from what comes and what one of them takes",
    "frameworks/checkpoints/reader.py:_image": "the side of a square, from a weight's shape",
    "frameworks/checkpoints/safetensors_file.py:_tensor": "bytes of packed bits, which a header must agree with",
    "frameworks/keras/variables.py:itemsize": "bits of a dtype's name to bytes",
    "frameworks/keras/graph.py:_Walk._visit": "one shape for each of several outputs",
    "frameworks/keras/windows.py": "channels, from a weight's shape, and a padding's two sides",
    "frameworks/keras/rules.py:Rules.reshape": "the one side that a program leaves open",
    "frameworks/keras/rules.py:Rules.add": "an addition of several inputs is several additions",
    "frameworks/pytorch/convolutions.py:convolved": "channels, from a weight's shape",
    "frameworks/pytorch/convolutions.py:transposed": "channels, from a weight's shape",
    "frameworks/onnx/branches.py:_many_times": "a body's ledger, as often as it runs",
    "frameworks/onnx/convolutions.py:conv_transpose": "a padding's two sides",
    "frameworks/onnx/products.py:_with_heads": "an axis, taken apart",
    "frameworks/onnx/values.py:Initializers.nbytes": "bytes of packed bits",
    "frameworks/onnx/windows.py:_pads": "a padding's two sides",
    "frameworks/pytorch/convolutions.py:_conv_padding": "a padding's two sides",
    "frameworks/pytorch/kinds.py:": "torch divides LRN's alpha by the size, so it is given the product",
    "frameworks/pytorch/pools.py:fractional_max_pool": "a part of an image's size that a program gives",
    "frameworks/pytorch/fast_paths.py:_attention_pairs": "a head's width",
    "frameworks/pytorch/sequences.py:_fields": "units, from a weight's shape",
    "frameworks/pytorch/sizes.py": "what a program itself multiplies",
    "frameworks/pytorch/operations.py:pad": "a padding's two sides",
    "predict/capped.py:capped": "the cube root of a share of power",
    "predict/intervals.py:_unseen": "a threshold",
    "predict/scores.py": "order statistics of errors",
    "fleet/calibration.py:calibrated": "images of several GPUs in a measured time",
    "fleet/evaluation.py:fitted.loss": "squared errors of a fit",
    "fleet/gradients.py:": "bytes in a MiB",
    "fleet/model.py:step": "a part of a time",
    "fleet/plan.py": "times of several epochs, parts of a batch, and a price",
    "fleet/published.py:_run": "bytes in a Gbit",
    "fleet/words.py": "prefixes of units that a person gives",
    "results/gpu_speed.py:of_result": "a forward pass in place of a step",
    "results/budgets.py:read_time": "units of a time that a person gives",
    "results/fit.py:Fit._images": "the passes of a step",
    "results/settings.py:_first": "bisection",
    "results/settings.py:_of_memory": "a batch in two halves",
    "bench/algorithms.py": "thresholds, and nanoseconds in a second",
    "bench/between_processes.py": "Student's t, and the spread of times between processes",
    "bench/ceilings.py": "parts of memory, and nanoseconds in a second",
    "bench/device_gates.py": "thresholds",
    "bench/devices.py": "prefixes of sizes that an operating system writes",
    "bench/event_clock.py": "times",
    "bench/gates.py": "thresholds, and nanoseconds in a second",
    "bench/host_clock.py": "times",
    "bench/memory_check.py:advice": "half of a batch that was refused",
    "bench/protocol.py": "times",
    "bench/result.py:shares": "a zero for each layer",
    "bench/plan.py:planned": "seconds of several processes",
    "bench/session.py:flush_bytes": "twice a cache",
    "bench/statistics.py": "order statistics of times",
    "bench/sustained.py": "times, and the images of several forwards",
}
"""Files, and functions of files, that may multiply and divide; what has the unit of a cost is a formula instead."""

ARITHMETIC = (ast.Mult, ast.FloorDiv, ast.Pow)


def arithmetic(source: str) -> list[tuple[str, str]]:
    """The multiplications, floored divisions and powers of a source: the function they stand in, and their text."""
    found = []

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.BinOp | ast.AugAssign) and isinstance(child.op, ARITHMETIC):
                found.append((name, ast.unparse(child)))
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            visit(child, f"{name}.{child.name}".lstrip(".") if named else name)

    visit(ast.parse(source), "")
    return found


def places(file: str, source: str) -> list[tuple[str, str]]:
    """Where arithmetic stands that no entry of the list allows, and the entries that allow the rest."""
    answers = []
    for name, text in arithmetic(source):
        entry = next((each for each in (file, f"{file}:{name}") if each in ALLOWED), "")
        answers.append((entry, f"{file}:{name} {text}"))
    return answers


@cache
def everywhere() -> list[tuple[str, str]]:
    return [
        place
        for room in ROOMS
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for place in places(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
    ]


def test_every_cost_is_a_formula():
    assert [text for entry, text in everywhere() if not entry] == []


def test_the_list_has_nothing_that_is_not_there():
    assert set(ALLOWED) == {entry for entry, _ in everywhere()}
    assert all(ALLOWED.values())


@pytest.mark.parametrize(
    "line", ["return row.macs * 2", "total *= side", "return (size + 2 - kernel) // stride", "return side ** 3"]
)
def test_the_scan_sees_arithmetic(line):
    source = f"class Memory:\n    def peak(self, total, side):\n        {line}\n"
    found = places("costs/memory.py", source)
    assert found
    for entry, text in found:
        assert entry == ""
        assert text.startswith("costs/memory.py:Memory.peak ")
