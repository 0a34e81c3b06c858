"""What Keras's recurrent layers and embeddings do to shapes: one rule a class, over built layers; nothing is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.keras.record import Recorder
from vggcost.network import foreign_layers, sequences
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    Ints = tuple[int, ...]
    Shapes = list[Ints]

CELLS = {"LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "RNN"}
"""Keras's cells, and what torch calls the layer of each."""


class SequenceRules(Recorder):
    """The rules of recurrent layers, their cells, and embeddings."""

    def recurrent(self, layer: Any, shapes: Shapes) -> Shapes:
        """LSTM, GRU, SimpleRNN, and RNN over cells, one row a cell; states are given where they are asked for."""
        shape = shapes[0]
        if len(shape) != 3:
            self.fail(layer, None, f"takes steps of features and gets {shape_text(self.outward(shape))}", (shape,))
            return [self.free(layer, shape, shape)]
        batch, steps = shape[:2]
        cells = getattr(layer.cell, "cells", None) or [layer.cell]
        states: Shapes = []
        for place, cell in enumerate(cells):
            known = CELLS.get(type(cell).__name__)
            sizes = cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size]
            states += [(batch, size) for size in sizes]
            output = (batch, steps, int(getattr(cell, "output_size", None) or sizes[0]))
            ending = f".{place}" if len(cells) > 1 else ""
            if known is None:
                self.emit(layer, foreign_layers.Uncounted("", None, type(cell).__name__), shape, output, ending=ending)
            else:
                made = _recurrent(known, cell)
                if made.in_features != shape[-1]:
                    self.fail(layer, made, f"takes {made.in_features:,} features and gets {shape[-1]:,}", (shape,))
                last = place == len(cells) - 1
                shown = output if layer.return_sequences or not last else (batch, output[-1])
                self.emit(layer, made, shape, shown, made.apply(shape)[1], ending=ending)
            shape = output
        first = shape if layer.return_sequences else (batch, shape[-1])
        return [first, *(states if layer.return_state else [])]

    def recurrent_cell(self, layer: Any, shapes: Shapes) -> Shapes:
        """One step of a recurrent layer: the output, and the states that it hands on."""
        made = _recurrent(CELLS[type(layer).__name__], layer).replace(single=True)
        output, ledger = made.apply(shapes[0])
        self.emit(layer, made, shapes[0], output, ledger)
        return [output, *shapes[1:]]

    def embedding(self, layer: Any, shapes: Shapes) -> Ints:
        """Rows of a table."""
        made = sequences.Embedding("", None, layer.input_dim, layer.output_dim)
        outer = self.outward(shapes[0])
        return self.emit(layer, made, shapes[0], self.inward((*outer, layer.output_dim)), Ledger())


def _recurrent(known: str, cell: Any) -> sequences.Recurrent:
    return sequences.Recurrent("", None, known, int(cell.kernel.shape[0]), cell.units, bias=cell.use_bias)
