"""What was read from a program, whichever framework it is written in: its operations, and what went wrong."""

from __future__ import annotations

from vggcost.network.foreign_layers import Uncounted
from vggcost.programs.state import total
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.network.layer import Layer
    from vggcost.network.ledger import Ledger
    from vggcost.programs.calls import FunctionCall, ModuleCall
    from vggcost.programs.state import State

    Ints = tuple[int, ...]


class Operation(Record):
    """One operation of a program.

    Shapes are batch first and channels first, whatever the program's layout; None where the forward call does not get
    there. state has the parameters and buffers that this operation serves and is the first to use, so that shared ones
    are counted once. source is ``file:line`` of the program's own code, note what is out of the ordinary. branch: how
    many operations an addition joins with what went past them, 0 for everything else. shares: the place of the
    operation that used some of this one's parameters first, None where all are its own. after: the places of the
    operations whose outputs it takes, none where it takes the program's inputs alone; None stands for the operation
    before it. makes_weight: it takes no activation, but makes a layer's weight of the layer's parameters, as weight
    normalization does; it costs what it costs, and is no part of the structure.
    """

    layer: Layer
    input: Ints | None
    output: Ints | None
    state: State
    ledger: Ledger
    source: str | None = None
    note: str | None = None
    branch: int = 0
    shares: int | None = None
    after: Ints | None = None
    makes_weight: bool = False

    @property
    def params(self) -> int:
        """Learned parameters that are counted here, frozen or not [elements]."""
        return self.state.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates [MAC]."""
        return int(self.ledger.macs)

    @property
    def counted(self) -> bool:
        """Whether there is a formula for it."""
        return not isinstance(self.layer, Uncounted)


class Failure(Record):
    """An operation that does not fit what reaches it.

    position: how many operations come before it; subject: the layer that fails, where it is one; problem: what it takes
    and gets, a sentence's rest (``takes 25,088 features and gets 32,768``); shapes: those that meet.
    """

    position: int
    subject: Layer | None
    operation: str
    problem: str
    shapes: tuple[Ints, ...]
    source: str | None
    path: str | None


class ProgramReading(Record):
    """A program as it was read at its inputs' shapes (batch first).

    failures: empty for a program that runs; otherwise the operation that stops it, and those behind it that would stop
    it next. notes: how it was read where that departs from the ordinary way. channels_last: whether the program's own
    layout is (N, H, W, C). dtype: what the first of its weights is stored in; `state` has those of all. module_calls
    and function_calls: how it is written, where the framework can tell; the first module call is then that of the model
    itself.
    stems: what layers are called that the framework numbers by itself, through the whole process (Keras: ``conv2d``,
    ``conv2d_1``). constructed: the program's own line that makes each module, by its path, where that was asked for.
    file: what it was read from, where that is no program: ``a PyTorch checkpoint``. weights_alone: it is a file of
    weights, of which only the layers that learn are known, without inputs and outputs;
    how often each is used, and so its MACs, is not.
    """

    program: str
    framework: str
    inputs: tuple[Ints, ...]
    operations: tuple[Operation, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    channels_last: bool = False
    dtype: str = "float32"
    unlisted: int = 0
    module_calls: tuple[ModuleCall, ...] = ()
    function_calls: tuple[FunctionCall, ...] = ()
    weights_alone: bool = False
    file: str | None = None
    stems: frozenset[str] = frozenset()
    constructed: Mapping[str, str] = {}  # a Record holds a read-only copy

    @property
    def state(self) -> State:
        """All parameters and buffers."""
        return total(operation.state for operation in self.operations)

    @property
    def params(self) -> int:
        """Learned parameters, frozen or not, each counted once [elements]."""
        return self.state.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the operations that have a formula [MAC]."""
        return sum(operation.macs for operation in self.operations)

    @property
    def image(self) -> tuple[int, int] | None:
        """Height and width of the first input, None where it is no image."""
        shape = self.inputs[0]
        if len(shape) != 4:
            return None
        return shape[2], shape[3]
