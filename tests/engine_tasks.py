"""What the tests of engines let workers do: functions that a worker can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def doubled(number: int) -> int:
    return 2 * number


def refuses(number: int) -> int:
    raise ValueError(f"not {number}")


def dies_once(folder: str) -> str:
    """Kill its own process the first time, and say who lives the second."""
    mark = Path(folder, "died")
    if not mark.exists():
        mark.write_text("x", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return "lives"


def always_dies(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
