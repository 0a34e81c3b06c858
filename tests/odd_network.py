"""A network file with residual blocks whose name every medium must show as text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

ODD_NAME = "a$b_c$ <img src=x onerror=alert(1)>"
RESIDUAL = """
name = {name!r}
features = [8, {{ residual = [8, 8] }}, "M", {{ residual = [16, 16], shortcut = "conv1-16" }}, "M"]
head = [32]
classes = 5
"""


def odd_network(folder: Path) -> str:
    """Write the network's file into a folder; return its path."""
    path = folder / "net.toml"
    path.write_text(RESIDUAL.format(name=ODD_NAME), encoding="utf-8")
    return str(path)
