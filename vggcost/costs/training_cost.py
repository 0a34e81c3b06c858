"""What training multiplies and accumulates: one pass, one step, one epoch, a whole run."""

from __future__ import annotations

from vggcost.costs.training import StepMacs, step_macs
from vggcost.formulas import forward
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.costs.liveness import Lifetimes
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training


class TrainingCost(Record):
    """The multiply-accumulates of training [MAC].

    one_pass: those of one forward and backward pass over the batch, by what they are for. step: of all passes of a
    step. epoch: of as many images as it has, and run: of all epochs, one image's step each; None where nobody says how
    many images there are. FLOPs are twice as many; the optimizer's arithmetic is in none.
    """

    one_pass: StepMacs
    step: int
    epoch: int | None
    run: int | None

    def numbers(self) -> dict[str, int | None]:
        """Each number under its name in CSV: ``forward_macs`` ... ``run_macs`` and the same in ``_flops``."""
        macs: dict[str, int | None] = {name: getattr(self.one_pass, name) for name in (*PARTS, "backward")}
        macs |= {name: getattr(self, name) for name in WHOLES}
        return in_macs_and_flops(macs)


PARTS = StepMacs._fields
"""What one pass multiplies for."""

WHOLES = ("step", "epoch", "run")


def in_macs_and_flops(macs: dict[str, int | None]) -> dict[str, int | None]:
    """Return these numbers [MAC] under their names with ``_macs``, and in FLOPs under those with ``_flops``."""
    flops = {name: None if number is None else forward.flops(number) for name, number in macs.items()}
    return {f"{name}_macs": number for name, number in macs.items()} | {
        f"{name}_flops": number for name, number in flops.items()
    }


def training_cost(counted: Table, lives: Lifetimes, training: Training) -> TrainingCost:
    """Return what training of this kind multiplies; lives is what `vggcost.costs.training.lived` gave for it."""
    rows = tuple(step_macs(counted, lives))
    whole = StepMacs(*(sum(getattr(row, name) for row in rows) for name in PARTS))
    one_pass = whole.forward + whole.backward
    step: int = forward.flops_of_passes(one_pass, training.accumulate)
    if training.images is None:
        return TrainingCost(whole, step, None, None)
    epoch, run = (
        forward.macs_of_images(one_pass, counted.input[0], training.images, epochs) for epochs in (1, training.epochs)
    )
    return TrainingCost(whole, step, epoch, run)
