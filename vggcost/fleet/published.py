"""Published runs of VGG on many devices (`scaling.csv`), and those among them that the model is for."""

from __future__ import annotations

import os

from vggcost.errors import VggcostError
from vggcost.fleet.model import LOCAL, RDMA, TCP, Cluster, Link
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SCALING_FILE = os.path.join(os.path.dirname(__file__), "scaling.csv")

BYTES_OF_GBIT = 1e9 / 8
"""Bytes in a Gbit [B]."""

LOCAL_BYTES_PER_S: Mapping[str, float] = {"P100": 20e9, "V100": 25e9}
"""An NVLink of each device, one way [B/s], for runs within one machine, whose rows say no speed."""

ASSUMED_ALONE: Mapping[str, float] = {"uber": 130.9, "amazon": 214.5}
"""Images/s of one GPU for rows that print an efficiency alone: that of the same laboratory's same cluster, and for
amazon's, whose batch is an assumption, too, another laboratory's on a V100 at batch 32."""


class Run(Record):
    """One published run: who, on what, so many GPUs with a batch each, images/s of one, and the efficiency it had."""

    source: str
    lab: str
    device: str
    gpus: int
    batch: int
    cluster: Cluster
    alone_images_per_s: float
    efficiency: float

    @property
    def link(self) -> Link:
        """The line that joins them."""
        return self.cluster.between(self.gpus)


def rows() -> list[dict[str, str]]:
    """Return every row of the file, as it is written."""
    import csv

    with open(SCALING_FILE, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def runs() -> tuple[Run, ...]:
    """Return the runs that the model is for: VGG-16 by all-reduce between more than one GPU, with synthetic images."""
    wanted = (row for row in rows() if row["kind"] == "allreduce" and row["model"] == "vgg16")
    return tuple(_run(row) for row in wanted if float(row["gpus"]) > 1)


def _run(row: Mapping[str, str]) -> Run:
    gpus, per_node, efficiency = int(float(row["gpus"])), int(row["gpus_per_node"]), float(row["efficiency"])
    local, link = Link(LOCAL_BYTES_PER_S.get(row["device"], LOCAL_BYTES_PER_S["P100"]), LOCAL), None
    if row["line_gbit_s"]:
        transport = RDMA if "RDMA" in row["method"] else TCP
        link = Link(float(row["line_gbit_s"]) * BYTES_OF_GBIT, transport)
    if row["images_per_s"]:
        alone = float(row["images_per_s"]) / gpus / efficiency
    elif row["lab"] in ASSUMED_ALONE:
        alone = ASSUMED_ALONE[row["lab"]]
    else:
        raise VggcostError(f"{SCALING_FILE} has no speed of one GPU for {row['source']!r}")
    batch = int(row["batch_per_gpu"])
    return Run(row["source"], row["lab"], row["device"], gpus, batch, Cluster(link, local, per_node), alone, efficiency)
