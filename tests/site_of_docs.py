"""The documentation site, built as whoever publishes it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def built(folder: Path) -> Path:
    """Build the site into a folder, where every warning is a failure, and return the folder of its pages."""
    words = ("-q", "-W", "--keep-going", "-d", str(folder / "trees"), str(DOCS), str(folder / "html"))
    done = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"
