"""What a program needs of memory: followed through one forward call and one training step, or by the formulas."""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.costs import training as step
from vggcost.costs.arguments import flag
from vggcost.costs.course import Peak
from vggcost.costs.memory_totals import MemoryTotals
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.formulas.forward import flops_of_passes
from vggcost.programs.followed import Asked, FollowedRow
from vggcost.record import Frozen
from vggcost.report import formats
from vggcost.report import program_memory as memory_report
from vggcost.results.audit import Audit
from vggcost.results.memory import LayerMemory, Memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from vggcost.costs.training import Training
    from vggcost.costs.training_cost import TrainingCost
    from vggcost.frameworks.target import Given
    from vggcost.network.plan import Network
    from vggcost.programs.followed import Followed
    from vggcost.programs.reading import ProgramReading
    from vggcost.report.document import Document

TRAINS_IN = ("float64", "float32", "float16", "bfloat16")
"""The dtypes that a program's weights can be turned into."""

BY_FORMULA, FOLLOWED = "formula", "followed"
"""How a part was found."""


class ProgramMemory(Frozen):
    """A program's memory at one input, as plain ints; `totals`, `peak` and `layers` are as those of `Memory`.

    `reading` is what an audit reads, `followed` what following it has shown. lower_bound: something takes memory that
    is not seen, and `followed.unseen` names it.
    """

    reading: ProgramReading
    followed: Followed
    training: Training | None
    mixed: str | None
    title: str
    network: Network | None

    def __init__(
        self, audit: Audit, followed: Followed, training: Training | None = None, mixed: str | None = None
    ) -> None:
        self._set(
            reading=audit.reading,
            followed=followed,
            training=training,
            mixed=mixed,
            title=audit.verdict,
            network=network_of(audit),
        )

    @property
    def dtype(self) -> str:
        """What the first parameter is stored in."""
        return self.followed.dtype

    @property
    def lower_bound(self) -> bool:
        """Whether something takes memory that is not seen."""
        return bool(self.followed.unseen)

    @cached_property
    def peak(self) -> Peak:
        """The worst moment, part by part."""
        followed, training = self.followed, self.training
        held = {
            "weight_bytes": sum(row.weight_bytes for row in self.layers),
            "buffer_bytes": sum(row.buffer_bytes for row in self.layers),
            "input_bytes": followed.input_bytes,
        }
        if training is None or followed.step is None:
            worst = followed.forward
            return Peak(
                worst.phase,
                worst.layer,
                **held,
                optimizer_bytes=0,
                live_gradient_bytes=0,
                live_saved_bytes=0,
                working_bytes=worst.bytes,
            )
        gradients = sum(size for _, size in followed.gradients)
        held["optimizer_bytes"] = step.state_bytes(gradients, training)
        before = gradients if training.accumulate > 1 else 0
        updating = max(step.updates_of(followed.gradients, training), default=0)
        worst = followed.step
        if before + worst.bytes < gradients + updating:
            return Peak("step", None, **held, live_gradient_bytes=gradients, live_saved_bytes=0, working_bytes=updating)
        return Peak(
            worst.phase,
            worst.layer,
            **held,
            live_gradient_bytes=before + worst.live_gradient_bytes,
            live_saved_bytes=worst.live_saved_bytes,
            working_bytes=worst.working_bytes,
        )

    @cached_property
    def layers(self) -> tuple[LayerMemory, ...]:
        """A row a call of torch's functions, in execution order, named as in an audit."""
        rows = self.followed.rows
        if self.dtype == self.reading.dtype:
            rows += tuple(self._elsewhere())
        return tuple(self._layer(row) for row in rows)

    def _elsewhere(self) -> Iterator[FollowedRow]:
        """What an audit finds beside the modules' own tensors: packed weights, and those in compiled code."""
        rows, state = self.followed.rows, self.reading.state
        weights = state.weight_bytes - sum(row.weight_bytes for row in rows)
        buffers = state.buffer_bytes - sum(row.buffer_bytes for row in rows)
        if weights > 0 or buffers > 0:
            yield FollowedRow(
                "elsewhere", "packed", None, None, weight_bytes=max(weights, 0), buffer_bytes=max(buffers, 0)
            )

    def _layer(self, row: Any) -> LayerMemory:
        training = self.training
        trains = training is not None
        return LayerMemory(
            name=row.name,
            kind=row.kind,
            output=row.output or (),
            weight_bytes=row.weight_bytes,
            buffer_bytes=row.buffer_bytes,
            output_bytes=row.output_bytes,
            live_bytes=row.live_bytes,
            saved_bytes=row.saved_bytes if trains else None,
            gradient_bytes=row.gradient_bytes if trains else None,
            optimizer_bytes=None if training is None else step.state_bytes(row.gradient_bytes, training),
            master_weight_bytes=None,
            forward_flops=row.forward_flops if trains else None,
            backward_flops=row.backward_flops if trains else None,
        )

    @cached_property
    def totals(self) -> MemoryTotals:
        """The whole program's numbers."""
        rows, followed, training = self.followed.rows, self.followed, self.training
        weighted = [row.output_bytes for row in rows if row.kind.lower().startswith(WEIGHT_LAYERS)]
        inference = MemoryTotals(
            weight_bytes=self.peak.weight_bytes,
            buffer_bytes=self.peak.buffer_bytes,
            input_bytes=followed.input_bytes,
            output_bytes=sum(row.output_bytes for row in rows),
            weight_layer_output_bytes=sum(weighted),
            peak_bytes=followed.forward.bytes,
        )
        if training is None:
            return inference
        gradients = sum(size for _, size in followed.gradients)
        return inference.replace(
            saved_bytes=sum(row.saved_bytes for row in rows),
            gradient_bytes=gradients,
            optimizer_bytes=step.state_bytes(gradients, training),
            training_peak_bytes=self.peak.bytes,
            **(self.flops or {}),
        )

    cost: TrainingCost | None = None
    """The gradients' products one by one, which are not told apart in a program."""

    @property
    def flops(self) -> dict[str, int] | None:
        """What torch's counter gives for forward, backward and step [FLOP]; None without training."""
        ahead, back = self.followed.forward_flops, self.followed.backward_flops
        if self.training is None:
            return None
        whole = flops_of_passes(ahead + back, self.training.accumulate)
        return {"forward_flops": ahead, "backward_flops": back, "step_flops": whole}

    def alive_at_peak(self) -> list[tuple[str | None, int]]:
        """What is alive at the worst moment of a forward call: who wrote it, and its bytes."""
        return list(self.followed.forward.alive.items())

    @cached_property
    def by_formula(self) -> dict[str, Any] | None:
        """The totals by formula of the network that the program is, and whether following gives the same.

        None where there are no formulas for it, or where parts of it are frozen, whose names are the program's own.
        """
        network, training = self.network, self.training
        if network is None or (training is not None and training.frozen) or self.dtype not in units.DTYPE_BYTES:
            return None
        counted = table(network, self.reading.inputs[0])
        ways = [
            Memory(counted, self.dtype, training, in_place=in_place, mixed=self.mixed) for in_place in (True, False)
        ]
        own = [getattr(self.totals, name) for name in self.totals._fields]
        agrees = [own == [getattr(way.totals, name) for name in self.totals._fields] for way in ways]
        chosen = ways[agrees.index(True) if any(agrees) else 0]
        return {
            "network": network.title,
            "agrees": any(agrees),
            "in_place": chosen.in_place,
            **{name: getattr(chosen.totals, name) for name in ("peak_bytes", "saved_bytes", "training_peak_bytes")},
        }

    @property
    def found_by(self) -> dict[str, str]:
        """The way in which each part of the peak was found."""
        agrees = self.by_formula is not None and self.by_formula["agrees"]
        parts = [name for name in Peak._fields if name.endswith("_bytes")]
        known = memory_report.ALWAYS_BY_FORMULA if self.peak.phase != "step" else parts
        return {name: BY_FORMULA if agrees or name in known else FOLLOWED for name in parts}

    def document(self, *, human: bool = False) -> Document:
        """What `vggcost memory` shows, for the formats."""
        return memory_report.document(self, human=flag(human, "human"))

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.memory/1."""
        return memory_report.memory_data(self)

    def rendered(self, fmt: str, *, human: bool = False) -> str:
        """The memory in one of the formats that --format names.

        Raises:
            VggcostError: there is no such format.
        """
        return formats.rendered(self.document(human=human), formats.checked(fmt))

    def __repr__(self) -> str:
        what = "a forward call" if self.training is None else "a training step"
        least = "at least " if self.lower_bound else ""
        return f"<vggcost memory of {self.reading.program}: {least}{units.human_bytes(self.peak.bytes)} in {what}>"


WEIGHT_LAYERS = ("conv", "linear", "lazyconv", "lazylinear")
"""How the kinds of convolutions and linear layers begin, modules and functions both."""


def network_of(audit: Audit) -> Network | None:
    """Return the network that what was read is exactly; None where there are no formulas for it."""
    reading = audit.reading
    if reading.failures or reading.weights_alone or len(reading.inputs) != 1:
        return None
    from vggcost.network import catalogue
    from vggcost.programs.configuration import configuration_of

    if audit.paper.same:
        return audit.paper.network
    try:
        plan = configuration_of(reading)
    except VggcostError:
        return None
    return catalogue.unfolded(plan, plan.variant, plan.size)


def memory_of(
    target: Any,
    given: Given,
    dtype: str | None = None,
    training: Training | None = None,
    mixed: str | None = None,
) -> Memory | ProgramMemory:
    """Return the memory of a program, of a stored model that is a network, or of a live model.

    target is the text of a target, or a live model, whose input is given then. What is given as arguments may also be
    what `vggcost.frameworks.arguments.of_values` takes. frozen of training has parameters and modules, as
    `vggcost.programs.followed.Asked` has them; of a stored model the names of layers. mixed: the low precision of
    torch.autocast around the forward call.

    Raises:
        VggcostError: it cannot be read or run, raises in a training step, or is none that can be followed and no
            network that there are formulas for.
    """
    from vggcost.frameworks import door
    from vggcost.frameworks.arguments import of_values

    if dtype is not None and dtype not in TRAINS_IN:
        raise VggcostError(
            f"--dtype {dtype} is none that a program's weights can be turned into; give one of {', '.join(TRAINS_IN)}"
        )
    if mixed is not None:
        step.check_mixed(mixed, dtype or "float32")

    def ask(reading: ProgramReading) -> Asked:
        return _asked(Audit(reading), dtype, training, mixed)

    if given.arguments is not None:
        given = given.replace(arguments=of_values(given.arguments))
    if isinstance(target, str):
        reading, followed = door.follow_target(target, given, ask)
    elif given.arguments is None:
        raise VggcostError("a live model needs its input, as memory(model, input=(1, 3, 224, 224))")
    else:
        reading, followed = door.follow(target, given.arguments, type(target).__name__, ask)
    if reading.failures:
        first = reading.failures[0]
        where = f" ({first.source})" if first.source else ""
        raise VggcostError(
            f"{reading.program} cannot run: {first.path or first.operation} {first.problem}{where}; vggcost audit says"
            " more"
        )
    audit = Audit(reading)
    if followed is not None:
        return ProgramMemory(audit, followed, training, mixed)
    return _of_network(audit, dtype, training, mixed)


def _asked(audit: Audit, dtype: str | None, training: Training | None, mixed: str | None) -> Asked:
    frozen = () if training is None else tuple(sorted(training.frozen))
    accumulating = training is not None and training.accumulate > 1
    # Autocast has no effect on the meta device.
    device = "cpu" if mixed is not None or network_of(audit) is None else "meta"
    return Asked(training is not None, accumulating, frozen, dtype, mixed, device)


def asked_of(memory: ProgramMemory, dtype: str | None) -> Asked:
    """Return how a program was followed in this dtype."""
    return _asked(Audit(memory.reading), dtype, memory.training, memory.mixed)


def followed_again(memory: ProgramMemory, training: Training) -> ProgramMemory:
    """Return the memory of a step with another optimizer; the program is not followed again, for it has none."""
    return ProgramMemory(Audit(memory.reading), memory.followed, training, memory.mixed)


def _of_network(audit: Audit, dtype: str | None, training: Training | None, mixed: str | None) -> Memory:
    """The memory of a model that cannot be followed, where it is a network that there are formulas for."""
    reading, network = audit.reading, network_of(audit)
    if network is None:
        size = units.human_bytes(reading.state.weight_bytes)
        what = reading.file or f"a {reading.framework} model"
        raise VggcostError(
            f"{reading.program} is {what}, of no network that vggcost has formulas for, and only a torch program can be"
            f" followed; its weights take {size}, and for more give the program as path/to/file.py:callable"
        )
    counted = table(network, reading.inputs[0])
    how = training
    if training is not None:
        how = step.checked(
            counted,
            training.optimizer,
            training.implementation,
            training.accumulate,
            tuple(sorted(training.frozen)),
            checkpoint=training.checkpoint,
        )
    return Memory(counted, dtype or reading.dtype, how, mixed=mixed)


REFUSED = ("checkpoint", "master_weights", "images", "epochs")
"""What the API takes and only a network of ours has a use for, beside the options of its variant."""


def of_words(target: Any, words: Mapping[str, Any]) -> Memory | ProgramMemory:
    """Return `memory_of` from the arguments of `vggcost.memory`, by their names; size is (height, width) or None.

    Raises:
        VggcostError: an argument that only a network of ours has a use for, an unknown optimizer or implementation; see
            `memory_of`.
    """
    from vggcost.costs.table import checked_count
    from vggcost.frameworks.target import Given
    from vggcost.network.catalogue import Variant

    given = [name for name in Variant._fields if words[name] is not None]
    given += [name for name in REFUSED if words[name]] + ([] if words["in_place"] else ["in_place"])
    for name in given:
        raise VggcostError(f"{name} is for a configuration, and a program is as it is written; leave it away")
    inputs = Given(None, words["input"], words["size"], checked_count(words["batch"], "batch"))
    training = None
    if words["training"]:
        optimizer, implementation = words["optimizer"], words["implementation"] or step.IMPLEMENTATIONS[0]
        step.check_words(optimizer, implementation)
        passes = checked_count(words["accumulate"], "accumulate")
        training = step.Training(optimizer, implementation, passes, frozenset(words["freeze"]))
    return memory_of(target, inputs, words["dtype"], training, words["mixed"])
