"""The time of one step on many GPUs: the backward pass, and the all-reduces that begin while it runs.

A step ends where the backward pass or the last all-reduce does, whichever is later. The gradients leave from the last
layer on, each bucket once it is whole and the one before it has gone round the ring.
"""

from __future__ import annotations

from math import log2

from vggcost.errors import VggcostError
from vggcost.formulas import collectives
from vggcost.formulas.latency import lengthened
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from vggcost.fleet.gradients import Bucket

LOCAL, TCP, RDMA = "local", "tcp", "rdma"
"""How GPUs reach each other: within a machine, over a network by the system's sockets, or past them."""

COMPUTE, LINK, LATENCY = "compute", "link", "latency"
"""What a step waits for: nothing beside its own work, the bytes on the line, or what comes before the first byte."""


class Link(Record):
    """A line between GPUs [B/s], one way, and its transport."""

    bytes_per_s: float
    transport: str

    def as_local(self) -> Link:
        """The same line within a machine."""
        return self.replace(transport=LOCAL)


class Constants(Record):
    """What no datasheet says, fitted to published runs.

    local, tcp and rdma are the shares of a line's speed that an all-reduce gets, latency_s is the time before the first
    byte of a message [s], straggling the share of a step's work that a doubling of the GPUs adds to it.
    """

    local: float
    tcp: float
    rdma: float
    latency_s: float
    straggling: float

    def share(self, transport: str) -> float:
        """The share of a line that this transport gets."""
        return float(getattr(self, transport))


class Cluster(Record):
    """Machines with so many GPUs each; link joins the machines, None where there is one, local the GPUs in each."""

    link: Link | None
    local: Link
    per_node: int

    def between(self, gpus: int) -> Link:
        """The slowest line of a ring of so many GPUs.

        Raises:
            VggcostError: they do not fit into one machine, and nobody says what joins several.
        """
        if gpus <= self.per_node:
            return self.local
        if self.link is None:
            raise VggcostError(
                f"--gpus {gpus} is more than one machine has, --per-node {self.per_node}; give --link 25Gbit/s"
            )
        return self.link


class FleetStep(Record):
    """One step [s]: the whole, the work of the slowest GPU, what it waits for beyond that, and what was on the line."""

    seconds: float
    work_s: float
    transfer_s: float
    latency_s: float

    @property
    def waiting_s(self) -> float:
        """What the last all-reduce takes beyond the backward pass [s]."""
        return self.seconds - self.work_s

    @property
    def binds(self) -> str:
        """What a faster one of would make the step shorter: `COMPUTE`, `LINK` or `LATENCY`."""
        if self.seconds <= self.work_s:
            return COMPUTE
        return LATENCY if self.latency_s > self.transfer_s else LINK


def step(alone_s: float, gpus: int, buckets: Iterable[Bucket], link: Link, constants: Constants) -> FleetStep:
    """Return a step of so many GPUs, of which one alone takes alone_s for the same images [s]."""
    time_of_byte = 1 / link.bytes_per_s / constants.share(link.transport)
    work = lengthened(alone_s, log2(gpus), constants.straggling)
    latency = collectives.ring_latency(gpus, constants.latency_s)
    end = transfers = latencies = 0.0
    for bucket in buckets:
        transfer = collectives.transfer_time(collectives.ring_bytes(gpus, bucket.bytes), time_of_byte)
        end = max(end, work * bucket.ready) + latency + transfer
        transfers, latencies = transfers + transfer, latencies + latency
    return FleetStep(max(end, work), work, transfers, latencies)
