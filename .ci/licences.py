"""Prints the licence of every package that is installed here, and fails where one is not known to be free.

What a package says of itself is read from its metadata, without the network: its licence expression, its classifiers,
or the first line of what it says in words.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distributions

FREE = (
    *("MIT", "BSD", "Apache", "ISC", "PSF", "Python Software Foundation", "MPL", "Mozilla Public License", "Zlib"),
    *("0BSD", "BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "Unlicense", "Unicode", "The Unlicense"),
)
"""How the names of licences begin that let everybody use, change and pass on; MPL where the file stays as it is."""

NUMBERED = re.compile(r"(?:[23]-Clause )?BSD")
"""The BSD licences that some write with their number first."""

STATED_ELSEWHERE = {
    "docutils": "BSD-2-Clause",  # and public domain; the GPL is that of its mode for Emacs, which no wheel has
    "namex": "Apache-2.0",  # the LICENSE in its wheel
    "pytest-timeout": "MIT",  # "DFSG approved", it says besides
    "torchsummary": "MIT",  # the LICENSE in its repository
}
"""Packages whose metadata says nothing, or too much, with the licence and where it stands."""

OF_TORCH = ("nvidia-", "cuda-")
"""NVIDIA's own libraries, which torch's wheels for CUDA bring: vggcost neither needs nor ships them."""


def stated(package: Distribution) -> str:
    """Return what a package says of its licence."""
    said = package.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if "License ::" in line]
    named = [line for line in classifiers if line != "OSI Approved"]
    words = (said.get("License") or "").strip().partition("\n")[0]
    known = STATED_ELSEWHERE.get(said["Name"], "")
    return known or said.get("License-Expression") or " AND ".join(named) or ("" if words == "UNKNOWN" else words)


def is_free(licence: str) -> bool:
    """Return whether every part of a licence is known to be free, or one of several to choose from.

    >>> is_free("MIT AND Apache-2.0 WITH LLVM-exception"), is_free("GPL-3.0-only OR MIT"), is_free("GPL-3.0-only")
    (True, True, False)
    """
    choices = re.split(r"\s+OR\s+", licence.replace("(", " ").replace(")", " ").strip())
    return any(all(map(_one_is_free, re.split(r"\s+AND\s+", choice))) for choice in choices)


def _one_is_free(name: str) -> bool:
    return name.strip().startswith(FREE) or NUMBERED.match(name.strip()) is not None


def main() -> int:
    """Print the list; return 1 where something in it is not known to be free."""
    rows = sorted({(each.metadata["Name"], each.version, stated(each)) for each in distributions()}, key=str)
    bad = [row for row in rows if not is_free(row[2]) and not row[0].startswith(OF_TORCH)]
    for name, version, licence in rows:
        print(f"{name} {version}: {licence or 'says nothing'}")
    for name, version, licence in bad:
        print(f"{name} {version} is under {licence or 'no licence that it states'!r}: look at it", file=sys.stderr)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
