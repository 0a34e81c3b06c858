"""Forwards back to back for seconds: the throughput under the clock and the heat that last, and its energy.

A single forward behind an idle spin runs at the clock of a cool device; this is what the device can keep up.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import DeviceState
from vggcost.bench.statistics import extent

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_S = 2.0
"""Shorter, and neither clock nor power has settled."""

IN_FLIGHT = 4
"""Forwards that are queued at a time: enough that the device never waits, few enough that the end is near."""

ASK_EVERY_NS = 50_000_000
"""How often the device is asked for its clock."""


class Throughput:
    """Runs forwards back to back on one device.

    wait_behind returns what waits for all that was queued until now; None where an operation has ended when it
    returns. state and energy_mj ask the device, where somebody does; energy is what it has taken in all [mJ].
    """

    def __init__(
        self,
        now_ns: Callable[[], int],
        wait_behind: Callable[[], Callable[[], None]] | None = None,
        state: Callable[[], DeviceState] = DeviceState,
        energy_mj: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._now_ns = now_ns
        self._wait_behind = wait_behind
        self._state = state
        self._energy_mj = energy_mj

    def measure(self, step: Callable[[], Any], images: int, seconds: float) -> dict[str, Any]:
        """Run steps of that many images for at least these seconds; return rates, energy and clocks as plain values.

        Keys: seconds, forwards, images_per_s, watts, joules_per_image, sm_clock_mhz (min, median, max),
        throttle_reasons; None where nobody says.
        """
        queued: deque[Callable[[], None]] = deque()
        states: list[DeviceState] = []
        self._run(step, queued)
        self._drain(queued, 0)
        before_mj, begun = self._energy_mj(), self._now_ns()
        forwards, asked = 0, begun
        while self._now_ns() - begun < seconds * 1e9:
            self._run(step, queued)
            forwards += 1
            if self._now_ns() - asked >= ASK_EVERY_NS:
                asked = self._now_ns()
                states.append(self._state())
            self._drain(queued, IN_FLIGHT)
        self._drain(queued, 0)
        spent_s, after_mj = (self._now_ns() - begun) / 1e9, self._energy_mj()
        joules = None if before_mj is None or after_mj is None else (after_mj - before_mj) / 1e3
        return {
            "seconds": spent_s,
            "forwards": forwards,
            "images_per_s": forwards * images / spent_s,
            "watts": None if joules is None else joules / spent_s,
            "joules_per_image": None if joules is None else joules / (forwards * images),
            "sm_clock_mhz": extent(state.sm_clock_mhz for state in states),
            "throttle_reasons": sorted({reason for state in states for reason in state.throttle_reasons}),
        }

    def _run(self, step: Callable[[], Any], queued: deque[Callable[[], None]]) -> None:
        step()
        if self._wait_behind is not None:
            queued.append(self._wait_behind())

    def _drain(self, queued: deque[Callable[[], None]], left: int) -> None:
        while len(queued) > left:
            queued.popleft()()
