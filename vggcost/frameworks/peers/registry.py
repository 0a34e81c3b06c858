"""Which tools can be run, what they are called by the installer, and the release that each convention was read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.conventions.rows import NAMES, convention
from vggcost.errors import VggcostError, unknown
from vggcost.frameworks.outcome import installed
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vggcost.frameworks.outcome import Installed


class Peer(Record):
    """A tool: its distributions, the conventions that its adapter reads, the torch device that it can work on.

    Each distribution has a convention beside it, whose releases are those that are known. Counts depend on shapes
    alone, so a tool that takes modules on the meta device gets them there, where nothing is multiplied. The others get
    real memory that nobody has initialised.
    """

    name: str
    distributions: Mapping[str, str]
    conventions: tuple[str, ...]
    adapter: str
    device: str = "meta"

    def installed(self) -> Installed | None:
        """What is installed of it, or None; of two that share a module the one that installs over the other."""
        return installed({distribution: convention(name).releases for distribution, name in self.distributions.items()})


def _peer(name: str, *more: str, device: str = "meta", **distributions: str) -> Peer:
    found = {name: name, **{key.replace("_", "-"): value for key, value in distributions.items()}}
    return Peer(name, found, (name, *more), f"vggcost.frameworks.peers.{name}_adapter", device)


PEERS = (
    _peer("fvcore", device="cpu"),
    _peer("torch"),
    _peer("torchprofile", device="cpu"),
    _peer("ptflops", "ptflops-aten", "ptflops-modules", device="cpu"),
    _peer("thop", "ultralytics-thop", ultralytics_thop="ultralytics-thop"),
    _peer("torchinfo"),
    _peer("calflops", "calflops-macs"),
    _peer("torchscan", "torchscan-macs"),
)
"""The tools that the extra `peers` installs, and torch itself."""


def peers_named(names: Sequence[str]) -> tuple[Peer, ...]:
    """Return the tools of these names, each once and in the order of PEERS; ``all`` is every one.

    Raises:
        VggcostError: a tool that is not known, or that cannot be run beside the others.
    """
    known = {peer.name: peer for peer in PEERS}
    wanted: set[str] = set()
    for name in names:
        word = name.strip().lower()
        if word == "all":
            wanted.update(known)
            continue
        if word not in known:
            raise _unknown(name, word, tuple(known))
        wanted.add(word)
    return tuple(peer for peer in PEERS if peer.name in wanted)


def _unknown(name: str, word: str, known: tuple[str, ...]) -> VggcostError:
    of_tool = next((peer.name for peer in PEERS if word in peer.conventions[1:] and word != "ultralytics-thop"), None)
    if of_tool:
        text = f"{name!r} is a convention of the tool {of_tool}; give --against {of_tool}"
        return VggcostError(text, nearest=(of_tool,))
    if word in NAMES:
        tools = ", ".join(known)
        return VggcostError(
            f"{name!r} cannot be run here, its convention is held by recorded totals; tools are {tools}"
        )
    return unknown("tool", name, (*known, "all"), " (all runs every one that is installed)")
