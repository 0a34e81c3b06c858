"""How much less than the direct count a layer may multiply, and which layers beat the ceiling without that.

Two questions are asked: of the layer, whether Winograd's algorithm applies to it at all (a layer's ``winograd``), and
of the device, whether a library there uses it. Where the kernels' names are known they answer both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.kernels import names_algorithms
from vggcost.bench.protocol import WHOLE
from vggcost.bench.result import pass_samples, rates
from vggcost.bench.statistics import summary
from vggcost.costs.roofline import WINOGRAD_SAVING
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

SLACK = 1.05
"""So far above a measured ceiling nothing is said: a ceiling is the best of ten samples, not of all."""

SAVES = re.compile(r"wino|fft|sp3asmconv", re.IGNORECASE)
"""In a kernel's name: Winograd at cuDNN, oneDNN and Arm's library, Fourier at cuDNN, Winograd at MIOpen."""


class Beaten(Record):
    """What is faster than the ceiling and than what its algorithm can save."""

    name: str
    fraction: float
    """Of the compute ceiling."""
    saving: float
    """How many times fewer multiplications the algorithm may take."""


def uses_winograd(environment: Mapping[str, Any], dtype: str) -> bool:
    """Whether a library of this device multiplies less than the direct count where a layer allows it.

    cuDNN and MIOpen do, but not in float64. On a CPU it is float32 alone: Arm's library below oneDNN, NNPACK where
    there is no oneDNN. On x86 oneDNN is direct in every dtype.
    """
    if environment["device"].partition(":")[0] != "cpu":
        return dtype != "float64"
    return dtype == "float32" and not (_is_x86(environment) and environment.get("onednn", True))


def _is_x86(environment: Mapping[str, Any]) -> bool:
    return environment["cpu_capability"].upper().startswith("AVX") or bool(
        re.search(r"x86_64|amd64|i[3-6]86", environment.get("platform") or "", re.IGNORECASE)
    )


def saving(document: Mapping[str, Any], layer: Mapping[str, Any]) -> int:
    """Return how many times fewer multiplications than the direct count the layer may take: 1 or WINOGRAD_SAVING."""
    kernels = layer.get("kernels")
    if kernels and names_algorithms(kernels):
        return WINOGRAD_SAVING if any(SAVES.search(kernel) for kernel in kernels) else 1
    granted = layer["winograd"] and uses_winograd(document["environment"], document["settings"]["dtype"])
    return WINOGRAD_SAVING if granted else 1


def whole_saving(document: Mapping[str, Any], case: Mapping[str, Any]) -> float:
    """Return how many times fewer the whole may multiply; all of it counts as convolutions where no layer is known."""
    flops = sum(layer["flops"] for layer in case["layers"])
    if not flops:
        return WINOGRAD_SAVING if uses_winograd(document["environment"], document["settings"]["dtype"]) else 1
    return float(flops / sum(layer["flops"] / saving(document, layer) for layer in case["layers"]))


def beaten(document: Mapping[str, Any], case: Mapping[str, Any]) -> list[Beaten]:
    """Return what shows that the compute ceiling is none: the whole first, then the layers in execution order."""
    ceilings = document["ceilings"]
    if not ceilings:
        return []
    found = []
    numbers, least = summary(pass_samples(case, WHOLE)), whole_saving(document, case)
    if numbers and numbers.median_ns and case["flops"]:
        fraction = case["flops"] / numbers.median_ns * 1e9 / ceilings["flops_per_s"]
        if fraction > SLACK * least:
            found.append(Beaten("the whole", fraction, least))
    for layer in case["layers"]:
        fraction, least = rates(layer, ceilings)["flops_fraction"], saving(document, layer)
        if fraction and fraction > SLACK * least:
            found.append(Beaten(layer["name"], fraction, float(least)))
    return found


def winograd_lifts(document: Mapping[str, Any], case: Mapping[str, Any]) -> list[float]:
    """Return how far Winograd's algorithm lifts the roof, where a layer that may use it stands above it.

    2.25 is F(2x2, 3x3); 4, which is F(4x4, 3x3), comes with it where a layer stands above that line as well.
    """
    allowed = (layer for layer in case["layers"] if saving(document, layer) > 1)
    most = max((rates(layer, document["ceilings"])["flops_fraction"] or 0.0 for layer in allowed), default=0.0)
    factors = [(3 * tile / (tile + 2)) ** 2 for tile in (2, 4)]  # of (3 * tile)^2 multiplications (tile + 2)^2 are left
    return [factor for factor, below in zip(factors, (1.0, *factors), strict=False) if most > below]


def compute_kernel(ceilings: Mapping[str, Any]) -> str:
    """Return what set the compute ceiling; results of earlier versions have a matrix product alone."""
    return str(ceilings.get("kernel") or f"matrix product of side {ceilings['matmul_side']}")


def memory_kernel(ceilings: Mapping[str, Any]) -> str:
    """Return what set the memory ceiling; results of earlier versions have a copy alone."""
    return str(ceilings.get("memory_kernel") or f"copy of {units.human_bytes(ceilings['copy_bytes'])}")
