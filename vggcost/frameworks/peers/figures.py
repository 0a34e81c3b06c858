"""What tools print of memory and of training, heard from the tools themselves, each in a process of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vggcost.errors import VggcostError
from vggcost.frameworks.outcome import installed
from vggcost.frameworks.peers.registry import Peer
from vggcost.frameworks.peers.running import Started, asked, last_words, place_for_prints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.costs.table import Table

TOOLS = {
    "torchinfo": ("torchinfo-input", "torchinfo-pass", "torchinfo-params", "torchinfo-total"),
    "torchsummary": ("torchsummary-input", "torchsummary-pass", "torchsummary-params", "torchsummary-total"),
    "torchscan": ("torchscan-model",),
    "calflops": ("calflops-training", "calflops-training-macs"),
}
"""The tools that the extra `peers` installs, and the figures that each prints."""


def has(tool: str) -> bool:
    """Whether a tool is installed, in the release that its figures were read from or another."""
    return installed({tool: ()}) is not None


def heard(tool: str, tables: Sequence[Table]) -> Iterator[dict[str, tuple[str, int | None]]]:
    """Yield what a tool prints of each network, by the names of `vggcost.conventions.figure_rows`.

    With the text comes the exact number behind it, None where the tool does not hand it out.

    Raises:
        VggcostError: the tool ended instead; with its last words.
    """
    peer = Peer(tool, {}, (), f"vggcost.frameworks.peers.{tool}_figures")
    with place_for_prints(peer) as said:
        questions = [(table.network.short_name, (table.network, table.input)) for table in tables]
        for answered in asked(peer, questions, said, (None, Started())):
            if answered is None or isinstance(answered, str):
                raise VggcostError(f"{tool} ended: {last_words(said) if answered is None else answered}")
            yield {reading["convention"]: (reading["printed"], reading["total"]) for reading in answered}


def lines_of(text: str) -> dict[str, str]:
    r"""Return the lines of a summary that read ``Words (MB): 1.23``, as ``1.23 MB`` by ``Words (MB)``.

    >>> lines_of("Total params: 5\nParams size (MB): 0.60")
    {'Params size (MB)': '0.60 MB'}
    """
    found = re.findall(r"^(.+ \((\w+)\)): ([\d.]+)$", text, re.MULTILINE)
    return {words: f"{number} {unit}" for words, unit, number in found}
