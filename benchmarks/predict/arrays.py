"""The model of `vggcost.predict` over all rows at once: every layer of every row in one array, the same formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.formulas import latency, memory
from vggcost.predict import classes
from vggcost.predict.evaluation import works_of
from vggcost.predict.model import PASSES, Pick, terms
from vggcost.predict.work import CLASSIFIER, CONVOLUTION, ELEMENTWISE, LayerWork, Pass, Product

if TYPE_CHECKING:
    from vggcost.predict.rows import Measured

ARRAYS = Pick(np.maximum, np.minimum, np.where)
SHEET = ("convolution_flops_per_s", "linear_flops_per_s", "bytes_per_s", "cache_bytes", "processors", "advertised_low")


class Arrays:
    """Rows as arrays; `seconds` is their time by the model, for any values of its parameters."""

    def __init__(self, rows: list[Measured]) -> None:
        self.rows = rows
        self.seconds_measured = np.array([row.seconds for row in rows])
        sheets = [classes.sheet(row.device, row.wanted) for row in rows]
        self.sheet = {name: np.array([getattr(sheet, name) for sheet in sheets], float) for name in SHEET}
        self.bytes = np.array([classes.element_bytes(row.choice.dtype) for row in rows], float)
        kinds = PASSES["eager"]
        self.passes = {kind: np.array([PASSES[row.choice.mode][kind] for row in rows], float) for kind in kinds}
        self.converts = np.array(
            [classes.converts(row.wanted, row.choice.mode, channels_last=row.choice.channels_last) for row in rows],
            float,
        )
        self.classes = np.array([classes.CLASSES.index(row.wanted) for row in rows])
        self.copied = np.array([row.copied for row in rows], float)
        images = [row.batch * 3 * row.size * row.size for row in rows]
        self.image_bytes = memory.tensor_bytes(np.array(images, float), self.bytes)
        self.products = {part: self._products(part) for part in (CONVOLUTION, CLASSIFIER)}
        self.each_pass = {kind: self._passes(kind) for kind in kinds}

    def _works(self) -> list[tuple[int, LayerWork]]:
        return [
            (place, work) for place, row in enumerate(self.rows) for work in works_of(row.model, row.batch, row.size)
        ]

    def _products(self, part: str) -> tuple[Any, Product]:
        found = [(place, work.product) for place, work in self._works() if work.part == part and work.product]
        fields = {name: np.array([getattr(product, name) for _, product in found]) for name in Product.__match_args__}
        return np.array([place for place, _ in found]), Product(**fields)

    def _passes(self, kind: str) -> tuple[Any, Pass]:
        found = [(place, each) for place, work in self._works() for each in work.passes if each.kind == kind]
        fields = {name: np.array([getattr(each, name) for _, each in found]) for name in ("moved", "tensor")}
        return np.array([place for place, _ in found]), Pass(kind, **fields)

    def machine(self, values: dict[str, float], places: Any) -> Any:
        """What each layer's row runs on."""
        efficiency = np.array([values[classes.EFFICIENCIES[wanted]] for wanted in classes.CLASSES])[self.classes]
        return classes.machine(
            classes.Sheet(**{name: array[places] for name, array in self.sheet.items()}),
            efficiency[places],
            values,
            bytes_of_element=self.bytes[places],
            passes={kind: runs[places] for kind, runs in self.passes.items()},
            converts=self.converts[places],
            pick=ARRAYS,
        )

    def seconds(self, values: dict[str, float]) -> Any:
        """Each row's time [s]."""
        total = latency.kernels_time(self.copied, self.image_bytes / (values["copy_gb_per_s"] * classes.GIGA))
        for part, (places, product) in self.products.items():
            total = total + self._summed(LayerWork("", "", part, product, ()), places, values)
        for places, each in self.each_pass.values():
            if len(places):
                total = total + self._summed(LayerWork("", "", ELEMENTWISE, None, (each,)), places, values)
        return total

    def _summed(self, work: LayerWork, places: Any, values: dict[str, float]) -> Any:
        seconds = terms(work, self.machine(values, places), ARRAYS).seconds
        return np.bincount(places, seconds, len(self.rows))
