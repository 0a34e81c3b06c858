"""The kinds of picture, and what each shows."""

from __future__ import annotations

KINDS = {
    "layers": "where the weights are and where the work is: aligned bars, a row a layer",
    "configs": "parameters against MACs, area: outputs; several networks, the paper's without a name",
    "conventions": "one network under each counter, stacked by what is counted",
    "scaling": "MACs and memory against the image's size and the batch",
    "memory": "what is alive over a training step, the peak marked",
    "network": "the outputs drawn to scale, residual blocks included",
    "curve": "latency and images/s over batches; TARGET is what vggcost bench --format json wrote",
    "front": "networks that none is better than; TARGET is what vggcost sweep -o wrote",
}
"""Every kind of picture and what it shows."""


def shows(kind: str) -> str:
    """Return what a kind of picture shows, without what is for who types its name.

    >>> shows("curve")
    'Latency and images/s over batches'
    """
    words = KINDS[kind].partition(";")[0]
    return words[0].upper() + words[1:]
