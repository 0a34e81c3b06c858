"""What a network needs of memory: one forward call, or one training step, part by part and layer by layer."""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.costs import course as moment_by_moment
from vggcost.costs import memory as costs
from vggcost.costs import training as step
from vggcost.costs.arguments import flag
from vggcost.costs.course import Peak
from vggcost.costs.memory_totals import totals_of, worst
from vggcost.costs.training_cost import PARTS, TrainingCost, in_macs_and_flops, training_cost
from vggcost.errors import VggcostError
from vggcost.formulas.forward import flops_of_passes
from vggcost.formulas.memory import tensor_bytes
from vggcost.record import Frozen, Record
from vggcost.report import formats
from vggcost.report import memory as memory_report
from vggcost.report.document import SCREEN
from vggcost.report.training_cost import grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

    from vggcost.costs.liveness import Lifetimes
    from vggcost.costs.memory_totals import MemoryTotals
    from vggcost.costs.storages import Storage
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training
    from vggcost.report.document import Document
    from vggcost.report.plots.picture import Drawing


class LayerMemory(Record):
    """One layer [B]; what belongs to training is None where none is asked for.

    live_bytes are the activations alive while it runs in a forward call, the largest of which is the totals'
    peak_bytes; all else sums to the totals. saved_bytes is what autograd keeps of what the layer wrote last; the
    network's input stands at the first layer that keeps it.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    weight_bytes: int
    buffer_bytes: int
    output_bytes: int
    live_bytes: int
    saved_bytes: int | None = None
    gradient_bytes: int | None = None
    optimizer_bytes: int | None = None
    master_weight_bytes: int | None = None
    forward_macs: int | None = None
    input_gradient_macs: int | None = None
    weight_gradient_macs: int | None = None
    recomputed_macs: int | None = None
    backward_macs: int | None = None
    step_macs: int | None = None
    forward_flops: int | None = None
    input_gradient_flops: int | None = None
    weight_gradient_flops: int | None = None
    recomputed_flops: int | None = None
    backward_flops: int | None = None
    step_flops: int | None = None


class Memory(Frozen):
    """A network's memory at one input, as plain ints.

    `totals` has the definitions' numbers, `peak` the worst moment of what was asked for (a training step, or one
    forward call without gradients) part by part, `layers` a row a layer. mixed is the low precision of torch.autocast
    around the forward call, or None.
    """

    table: Table
    dtype: str
    training: Training | None
    in_place: bool
    mixed: str | None

    def __init__(
        self,
        counted: Table,
        dtype: str,
        training: Training | None = None,
        *,
        in_place: bool = True,
        mixed: str | None = None,
    ) -> None:
        step.check_mixed(mixed, dtype)
        if training is not None:
            step.check_dtype(dtype, mixed=mixed, master_weights=training.master_weights)
        self._set(table=counted, dtype=dtype, training=training, in_place=in_place, mixed=mixed)

    @cached_property
    def peak(self) -> Peak:
        """The worst moment, part by part.

        Raises:
            VggcostError: a training step of a network without parameters.
        """
        if self.training is not None:
            return moment_by_moment.peak(
                self.table, self._element_bytes, self.training, in_place=self.in_place, low_bytes=self._low_bytes
            )
        moment = max(self._forward.alive.moments, key=lambda moment: moment.bytes)
        casts = sum(storage.bytes for storage in self._alive_at_peak if storage.cast) if self.mixed else 0
        return Peak(
            "forward",
            moment.layer,
            weight_bytes=self.totals.weight_bytes,
            buffer_bytes=self.totals.buffer_bytes,
            input_bytes=self.totals.input_bytes,
            optimizer_bytes=0,
            live_gradient_bytes=0,
            live_saved_bytes=0,
            working_bytes=moment.bytes - casts,
            live_cast_bytes=casts,
        )

    @cached_property
    def course(self) -> tuple[Peak, ...]:
        """Every moment of the training step in its order, part by part; the worst of them is `peak`.

        Raises:
            VggcostError: no training step was asked for, or the network has no parameters.
        """
        if self.training is None:
            raise VggcostError("a forward call has no course of a step; ask for training")
        where = (self.table, self._element_bytes, self.training)
        return tuple(moment_by_moment.course(*where, in_place=self.in_place, low_bytes=self._low_bytes))

    @cached_property
    def worst_bytes(self) -> int:
        """All that is held at the worst moment [B], whose parts are `peak`'s.

        Raises:
            VggcostError: a training step of a network without parameters.
        """
        if self.training is None:
            return self.peak.bytes
        return int(worst(step.moments(self.table, self._element_bytes, self.training, self._step)))

    @cached_property
    def layers(self) -> tuple[LayerMemory, ...]:
        """A row a layer, in execution order."""
        alive = costs.live_by_layer(self._forward)
        trained = self._trained_columns()
        return tuple(
            LayerMemory(
                row.name,
                row.kind,
                row.output,
                tensor_bytes(row.params, self._element_bytes),
                costs.layer_buffer_bytes(row.layer, self._element_bytes),
                self._forward.output_bytes[row.name],
                live,
                *columns,
            )
            for row, live, columns in zip(self.table.rows, alive, trained, strict=True)
        )

    @cached_property
    def totals(self) -> MemoryTotals:
        """The whole network's numbers."""
        training = self.training
        trained = None if training is None else (training, self._step)
        return totals_of(self.table, self._element_bytes, self._forward, trained)

    @cached_property
    def cost(self) -> TrainingCost | None:
        """What training multiplies; None where none is asked for."""
        return None if self.training is None else training_cost(self.table, self._step, self.training)

    def alive_at_peak(self) -> list[tuple[str | None, int]]:
        """What is alive at the worst moment of a forward call: who wrote each storage, and its bytes.

        The weights' casts under torch.autocast are not listed.
        """
        return [(storage.writer, storage.bytes) for storage in self._alive_at_peak if not storage.cast]

    def plot(self, ax: Any = None) -> Any:
        """Draw what is alive at each moment of the step into ax or a new figure of matplotlib's; return the axes.

        Raises:
            VggcostError: no training step was asked for.
            MissingExtraError: matplotlib is not installed.
        """
        from vggcost.report.plots.picture import on_axes

        return on_axes(self.drawing(), ax)

    def drawing(self) -> Drawing:
        """Return the picture of `plot`, for a file.

        Raises:
            VggcostError: no training step was asked for.
        """
        from vggcost.report.plots.memory import memory

        course, training = self.course, self.training
        words = [self.table.network.heading, units.shape_text(self.table.input), self.dtype]
        if training is not None:
            words.append(training.optimizer)
            words += [f"{training.accumulate} passes"] if training.accumulate > 1 else []
            words += ["checkpointed"] if training.checkpoint else []
        words += [f"autocast to {self.mixed}"] if self.mixed else []
        return memory(", ".join(words), course)

    def document(self, *, human: bool = False) -> Document:
        """What `vggcost memory` shows, for the formats."""
        return memory_report.document(self, human=flag(human, "human"))

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.memory/1."""
        return grouped(memory_report.memory_data(self))

    def rendered(self, fmt: str, *, human: bool = False) -> str:
        """The memory in one of the formats that --format names.

        Raises:
            VggcostError: there is no such format.
        """
        return formats.rendered(self.document(human=human), formats.checked(fmt))

    def _repr_html_(self) -> str:
        from vggcost.report.formats import html

        return html.render(self.document(), SCREEN)

    def __repr__(self) -> str:
        what = "a forward call" if self.training is None else "a training step"
        return f"<vggcost memory of {self.table.network.title}: {units.human_bytes(self.peak.bytes)} in {what}>"

    @property
    def _element_bytes(self) -> int:
        return units.dtype_bytes(self.dtype)

    @property
    def _low_bytes(self) -> int:
        return 0 if self.mixed is None else units.dtype_bytes(self.mixed)

    @cached_property
    def _forward(self) -> Lifetimes:
        return self._forward_call()

    def _forward_call(self, watched: Container[int] = ()) -> Lifetimes:
        # autocast holds the casts of what is not frozen, also where nobody wants a gradient.
        trains: dict[str, Any] = {} if self.training is None else {"trains": self.training.trains}
        return costs.lived(
            self.table,
            self._element_bytes,
            training=False,
            watched=watched,
            **trains,
            in_place=self.in_place,
            low_bytes=self._low_bytes,
        )

    @cached_property
    def _alive_at_peak(self) -> list[Storage]:
        moments = self._forward.alive.moments
        place = max(range(len(moments)), key=lambda index: moments[index].bytes)
        return [storage for storage, _ in self._forward_call((place,)).alive.seen[place]]

    @cached_property
    def _step(self) -> Lifetimes:
        if self.training is None:
            raise AssertionError("no training was asked for")
        return step.lived(
            self.table, self._element_bytes, self.training, in_place=self.in_place, low_bytes=self._low_bytes
        )

    def _trained_columns(self) -> list[tuple[int | None, ...]]:
        """Saved, gradients, optimizer state and FLOPs of each row; nothing where no training is asked for."""
        training = self.training
        if training is None:
            return [() for _ in self.table.rows]
        saved = step.saved_by_layer(self._step)
        columns: list[tuple[int | None, ...]] = []
        for row, macs in zip(self.table.rows, step.step_macs(self.table, self._step), strict=True):
            gradient = tensor_bytes(row.params, self._element_bytes) if training.trains(row.layer) else 0
            state = step.state_bytes(gradient, training)
            master = step.master_weight_bytes(gradient, training) if training.master_weights else None
            work = {name: getattr(macs, name) for name in (*PARTS, "backward")}
            work["step"] = flops_of_passes(macs.forward + macs.backward, training.accumulate)
            columns.append((saved.get(row.name, 0), gradient, state, master, *in_macs_and_flops(work).values()))
        return columns
