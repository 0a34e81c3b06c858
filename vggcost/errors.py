"""The one exception that every refusal goes through: a sentence that a person can act on, and its data beside it."""

from __future__ import annotations

from vggcost.printable import one_line, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class VggcostError(ValueError):
    """Input that cannot be used.

    The message is one printable line: what was given, what was expected, where, and what to do. The command prints it
    after ``vggcost: error:`` and ends with exit status 2.

    A caller that wants no sentence has its data, each None (`nearest`: empty) where it does not apply: the `layer` that
    does not fit, what it `takes` and `gets` (channels or features; (height, width) of a window and of what reaches it;
    the shapes of an addition), the `smallest` image that works as (height, width) [pixels], the names `nearest` to one
    that is not known, the `file` that could not be read, as `instead` a word that was given with the one that is
    meant, and as `unknown` what a word was to name, the word, and the names that are known.
    """

    def __init__(
        self,
        message: str,
        *,
        layer: str | None = None,
        takes: Any = None,
        gets: Any = None,
        smallest: tuple[int, int] | None = None,
        nearest: tuple[str, ...] = (),
        file: str | None = None,
        instead: tuple[str, str] | None = None,
        unknown: tuple[str, str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(one_line(message))
        self.layer = layer
        self.takes = takes
        self.gets = gets
        self.smallest = smallest
        self.nearest = nearest
        self.file = file
        self.instead = instead
        self.unknown = unknown


class WrongKindError(VggcostError, TypeError):
    """An argument of another kind than a call takes; the same sentence, for those who expect a TypeError."""


def wrong_kind(what: str, value: object, expected: str) -> WrongKindError:
    """Return the refusal of a value that is of another kind than what is expected.

    >>> wrong_kind("bias", "yes", "True or False").args
    ("bias is 'yes'; give True or False",)
    """
    return WrongKindError(f"{what} is {shown(value)}; give {expected}")


class MissingExtraError(VggcostError, ImportError):
    """A feature needs a package that is not installed; the message names the extra that brings it."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(f"{feature} needs {package}, which is not installed; run: pip install 'vggcost[{extra}]'")
        self.package = package
        self.extra = extra


class Needs:
    """A block that imports a package which only an extra brings: ``with Needs("a closed form", "sympy", "formula"):``.

    Where the package is not installed, the import is refused by a `MissingExtraError`, whatever of it was imported.
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        self._feature, self._package, self._extra = feature, package, extra

    def __enter__(self) -> None:
        """Begin to import."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Refuse what is not installed.

        Raises:
            MissingExtraError: the package is not.
        """
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == self._package:
            raise MissingExtraError(self._feature, self._package, self._extra) from None


class Nearest:
    """The names nearest to a word that is not known; as text ``the nearest are X, Y``, or all that are known."""

    def __init__(self, names: tuple[str, ...], text: str) -> None:
        self.names = names
        self._text = text

    def __str__(self) -> str:
        return self._text


def nearest(word: str, known: tuple[str, ...]) -> Nearest:
    """Return the known names nearest to a word that is not among them, at most three.

    The comparison ignores case. difflib is loaded here because only a refusal needs it.

    >>> str(nearest("jsn", ("csv", "json")))
    'the nearest are json'
    """
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    names = tuple(by_lower[name] for name in get_close_matches(word.lower(), by_lower, n=3, cutoff=0.5))
    return Nearest(names, f"the nearest are {', '.join(names)}" if names else f"known are {', '.join(known)}")


LONGEST_QUOTED = 200
"""A longer word is quoted in part [characters]; a path is nearly always shorter."""


def in_part(text: str) -> str:
    """Return a text as a refusal shows it: a long one by its beginning and its end.

    >>> in_part("D"), len(in_part("D" * 5000))
    ('D', 200)
    """
    if len(text) <= LONGEST_QUOTED:
        return text
    half = (LONGEST_QUOTED - len(" ... ")) // 2
    return f"{text[:half]} ... {text[-(LONGEST_QUOTED - len(' ... ') - half) :]}"


def unknown(what: str, word: str, known: tuple[str, ...], more: str = "") -> VggcostError:
    """Return the refusal of a word that is not known, which names the nearest.

    >>> str(unknown("format", "jsn", ("csv", "json")))
    "unknown format 'jsn'; the nearest are json"
    """
    if not isinstance(word, str):
        return wrong_kind(what, word, f"one of {', '.join(known)}")
    found = nearest(word, known)
    return VggcostError(
        f"unknown {what} {in_part(word)!r}; {found}{more}", nearest=found.names, unknown=(what, word, known)
    )


def unreadable(file: str, error: OSError) -> VggcostError:
    """Return the refusal of a file or directory that the system does not let us read."""
    return VggcostError(f"cannot read {in_part(file)!r}: {error.strerror or error}", file=file)
