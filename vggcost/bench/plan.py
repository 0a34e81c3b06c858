"""What a bench would do, before it does it: its cases, the memory that each takes, and how long all take at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.bench.devices import default_device, device_named, free_bytes, torch_dtype
from vggcost.bench.session import flush_bytes
from vggcost.costs.memory import in_use_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.bench.settings import Settings
    from vggcost.bench.subjects import Subject

PLAN_SCHEMA = "vggcost.bench-plan/1"


def planned(subjects: Sequence[Subject], settings: Settings, processes: int = 1) -> dict[str, Any]:
    """Return the cases of a bench with their estimates; nothing is built and nothing measured.

    A case has `in_use_bytes_estimated` [B], None for a module of the user's own, `fits` (whether it and what the bench
    itself allocates are free now; None where nobody says), and `at_most_s` [s], its budget and its sustained pass.

    Raises:
        MissingExtraError: torch is not installed.
        VggcostError: there is no such device or dtype.
    """
    device = device_named(settings.device or default_device())
    element_bytes = torch_dtype(settings.dtype).itemsize
    free, beside = free_bytes(device), flush_bytes(device)
    at_most_s = settings.budget_s + (settings.sustained_s or 0.0)
    cases = []
    for subject in subjects:
        counted = subject.counted
        peak = (
            None
            if counted is None
            else in_use_bytes(counted, element_bytes, backward=settings.backward, in_place=settings.in_place)
        )
        cases.append(
            {
                "network": subject.identity(),
                "input": list(subject.input),
                "in_use_bytes_estimated": peak,
                "fits": None if peak is None or free is None else peak + beside <= free,
                "at_most_s": at_most_s,
            }
        )
    return {
        "schema": PLAN_SCHEMA,
        "device": str(device),
        "dtype": settings.dtype,
        "free_bytes": free,
        "beside_bytes": beside,
        "processes": processes,
        "cases": cases,
        "at_most_s": processes * len(cases) * at_most_s,
    }
