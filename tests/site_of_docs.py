"""The documentation site, built as whoever publishes it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def built(folder: Path, kind: str = "html") -> Path:
    """Build the site, or man pages, into a folder, where every warning is a failure, and return the folder of pages."""
    words = ("-q", "-b", kind, "-W", "--keep-going", "-d", str(folder / "trees"), str(DOCS), str(folder / kind))
    done = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / kind
