"""The one exception that every refusal goes through: a sentence that a person can act on."""

from __future__ import annotations


class VggcostError(ValueError):
    """Input that cannot be used.

    The message is one line: what was given, what was expected, where, and what to do. The command prints it
    after ``vggcost: error:`` and ends with exit status 2.
    """


class MissingExtraError(VggcostError, ImportError):
    """A feature needs a package that is not installed; the message names the extra that brings it."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(f"{feature} needs {package}, which is not installed; run: pip install 'vggcost[{extra}]'")
        self.package = package
        self.extra = extra


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return ``the nearest are X, Y`` for a word that is not among the known ones.

    The comparison ignores case. difflib is loaded here because only a refusal needs it.
    """
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=3, cutoff=0.5)
    if not close:
        return f"known are {', '.join(known)}"
    return f"the nearest are {', '.join(by_lower[name] for name in close)}"
