"""What a program keeps, in one line, where there is more to say of it than parameters of one dtype and their bytes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.programs.state import State


def state_lines(state: State) -> list[str]:
    """A line on frozen parameters, several dtypes and buffers; none where all is trainable and of one dtype.

    ``134,285,380 parameters: 119,570,692 frozen, 14,714,688 trainable; 8,448 elements of buffers, ...``
    """
    words = []
    if state.params_frozen:
        split = f"{state.params_frozen:,} frozen, {state.params_trainable:,} trainable"
        words.append(split if state.params_trainable else "all of them frozen")
    if len(state.dtypes) > 1:
        each = ", ".join(f"{elements:,} in {dtype}" for dtype, elements in state.dtypes.items())
        words.append(each)
    lines = [f"{state.params:,} parameters: {'; '.join(words)}"] if words else []
    if state.buffers:
        lines.append(f"{state.buffers:,} elements of buffers, which are no parameters ({state.buffer_bytes:,} bytes)")
    return ["; ".join(lines)] if lines else []
