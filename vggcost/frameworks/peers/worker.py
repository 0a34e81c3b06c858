"""The process that one tool runs in: networks or programs come in on standard input, readings go out on its output.

Everything that the tool itself prints goes to standard error. Run as
``python -m vggcost.frameworks.peers.worker ADAPTER DEVICE``.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
from typing import TextIO

from vggcost.frameworks.peers.reading import answer


def main(adapter: str, device: str) -> None:
    """Answer each network or program that arrives with one line of JSON, until the input ends or the tool raises."""
    answers = _own_channel()
    while True:
        try:
            subject = pickle.load(sys.stdin.buffer)  # noqa: S301  # our own parent wrote it
        except EOFError:
            return
        answers.write(json.dumps(answer(adapter, device, subject)) + "\n")
        answers.flush()
        # Counters tie knots between modules and their hooks; without this a network's memory stays while others come.
        gc.collect()
        gc.freeze()  # what is left is the libraries, which need not be searched again


def _own_channel() -> TextIO:
    """Keep the pipe to our parent for ourselves, and let all that prints, in C too, print to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


if __name__ == "__main__":
    main(*sys.argv[1:])
