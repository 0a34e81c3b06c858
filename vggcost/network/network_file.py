"""A network file: TOML in, a configuration out, and back. Reading one runs nothing.

What a file may say stands in `vggcost.network.file_schema`. tomllib and msgspec are loaded only when a file is read; a
packaged network, whose validity the tests hold, needs no msgspec.
"""

from __future__ import annotations

import os
from math import isfinite

from vggcost.errors import VggcostError, unreadable
from vggcost.network.plan import Configuration, ResidualToken, Variant
from vggcost.network.unfold import conv_token, exact_factor, width_factor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.network.plan import Token

_PACKAGED = os.path.join(os.path.dirname(__file__), "networks")

LARGEST_FILE_BYTES = 1 << 17
"""A network file has some hundred bytes; more than this is something else."""

LONGEST_KEY_DOTS = 16
"""tomllib takes memory in the square of a dotted key's length, so a mile of it is refused before."""

_ENDING = ".toml"
_TOO_DEEP = "nested too deeply; a network file has lists and tables of two levels"


def packaged_names() -> tuple[str, ...]:
    """Return the names of the networks that come with the package.

    Raises:
        VggcostError: the package's own folder cannot be read.
    """
    try:
        found = os.listdir(_PACKAGED)
    except OSError as error:
        raise unreadable(_PACKAGED, error) from None
    return tuple(sorted(name.removesuffix(_ENDING) for name in found if name.endswith(_ENDING)))


def packaged(name: str) -> Configuration:
    """Return a network that comes with the package, by one of `packaged_names`."""
    path = os.path.join(_PACKAGED, name + _ENDING)
    return _configuration(_document(path), path)


def read(path: str | os.PathLike[str]) -> Configuration:
    """Return the configuration that a network file describes.

    Raises:
        VggcostError: the file cannot be read, is not TOML (with file and line) or does not follow the schema (with
            the key's path).
    """
    return read_written(path)[0]


def read_written(path: str | os.PathLike[str]) -> tuple[Configuration, frozenset[str]]:
    """Return the configuration that a network file describes, and the keys that the file writes.

    Raises:
        VggcostError: as `read`.
    """
    where = os.fsdecode(path)
    document = _document(where)
    _check(document, where)
    return _configuration(document, where), frozenset(document)


def schema_text() -> str:
    """Return the JSON Schema of network files, as their types give it."""
    from vggcost.network import file_schema

    return file_schema.schema_text()


def toml_text(configuration: Configuration) -> str:
    """Return a configuration as a network file, which `read` takes back."""
    lines = ["# For vggcost --file; vggcost configs --help has all keys."]
    lines.append(f"name = {_toml(configuration.name)}")
    texts = {"about": configuration.about, "source": configuration.source}
    lines += [f"{key} = {_toml(text)}" for key, text in texts.items() if text]
    lines.append("features = [")
    row: list[str] = []
    for token in configuration.features:
        row.append(_token_toml(token))
        if token == "M":  # noqa: S105  # a max-pool ends a block, and so a line
            lines.append(f"    {', '.join(row)},")
            row = []
    if row:
        lines.append(f"    {', '.join(row)},")
    lines.append("]")
    for name, value in configuration.variant.departures().items():
        lines.append(f"{name} = {_toml(value)}")
    if configuration.size != Configuration.size:
        lines.append(f"size = {_toml(list(configuration.size))}")
    return "\n".join(lines) + "\n"


def _token_toml(token: Token | ResidualToken) -> str:
    if not isinstance(token, ResidualToken):
        return _toml(token)
    shortcut = "" if token.shortcut == "identity" else f", shortcut = {_toml(token.shortcut)}"
    return f"{{ residual = {_toml(list(token.body))}{shortcut} }}"


def _toml(value: object) -> str:
    """A text, number, truth value or list as TOML, which writes them as JSON does, but for what cannot be seen.

    JSON escapes pairs of surrogates, which TOML has none of, and leaves DEL, which TOML refuses.
    """
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    number = ord(sign)
    if 0xD800 <= number < 0xE000:  # half of a character has no place in TOML
        return "\ufffd"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _document(path: str) -> dict[str, Any]:
    import tomllib

    text = _text(path)
    if any(_key_dots(line) > LONGEST_KEY_DOTS for line in text.splitlines()):
        raise VggcostError(f"{path}: {_TOO_DEEP}")
    try:
        return tomllib.loads(text, parse_float=lambda number: _float(number, path))
    except tomllib.TOMLDecodeError as error:
        raise VggcostError(f"{_syntax_place(path, text, str(error))}; a network file is TOML") from None
    except RecursionError:
        raise VggcostError(f"{path}: {_TOO_DEEP}") from None
    except ValueError:
        # int() refuses a number of thousands of digits, and tomllib lets that through.
        raise VggcostError(f"{path}: a number has too many digits; counts go up to 10^18") from None


def _float(text: str, path: str) -> float:
    """Return a number with a fraction, which is a width, as --width takes it.

    Raises:
        VggcostError: it has more digits than a float keeps.
    """
    number = text.replace("_", "")
    value = float(number)
    if isfinite(value) and exact_factor(number) != exact_factor(value):
        raise VggcostError(f"{path}: {text} has more digits than are kept; give at most 15")
    return value


def _key_dots(line: str) -> int:
    """Dots in the longest key of a line: what stands before a ``=``, or in the brackets of a header."""
    *keys, value = line.split("=")
    if line.lstrip().startswith("["):
        keys.append(value)
    return max((key.count(".") for key in keys), default=0)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise VggcostError(f"cannot read the network file {path!r}: {error.strerror or error}", file=path) from None
    except ValueError:
        raise VggcostError(f"cannot read the network file {path!r}: that is no file name", file=path) from None
    if len(data) > LARGEST_FILE_BYTES:
        raise VggcostError(f"{path} has more than {LARGEST_FILE_BYTES:,} bytes; a network file has some hundred")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise VggcostError(f"{path}:{line}: not UTF-8 text; a network file is TOML") from None


def _syntax_place(path: str, text: str, message: str) -> str:
    """``net.toml:3: what is wrong (column 5)`` out of tomllib's ``What is wrong (at line 3, column 5)``."""
    import re

    place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if place:
        return f"{path}:{place[1]}: {message[: place.start()]} (column {place[2]})"
    return f"{path}:{text.count(chr(10)) + 1}: {message}"


def _check(document: dict[str, Any], path: str) -> None:
    from vggcost.network.file_schema import NetworkFile
    from vggcost.schema import complaint, first_fault

    fault = first_fault(document, NetworkFile)
    if fault:
        raise VggcostError(f"{path}: {complaint(fault)}")
    if "width" in document:
        try:
            document["width"] = width_factor(document["width"])
        except VggcostError as error:
            raise VggcostError(f"{path}: {error}") from None


def _configuration(document: dict[str, Any], path: str) -> Configuration:
    settings = {name: document[name] for name in Variant._fields if name in document}
    if "head" in settings:
        settings["head"] = tuple(settings["head"])
    size = document.get("size", Configuration.size)
    own_name = " ".join(os.path.basename(path).removesuffix(_ENDING).split()) or "network"
    return Configuration(
        document.get("name", own_name),
        tuple(_token(token) for token in document["features"]),
        document.get("about", ""),
        document.get("source", path),
        Variant(**settings),
        (size, size) if isinstance(size, int) else (size[0], size[1]),
    )


def _token(value: Any) -> Token | ResidualToken:
    if isinstance(value, dict):
        shortcut = value.get("shortcut", "identity")
        return ResidualToken(tuple(_plain(conv) for conv in value["residual"]), _plain(shortcut))
    return _plain(value)


def _plain(token: Token) -> Token:
    """The shortest way to write a token, so that networks that mean the same are the same: 64 for "conv3-64/1"."""
    conv = conv_token(token)
    if conv is None:
        return token
    kernel, width, stride = conv
    if (kernel, stride) == (3, 1):
        return width
    return f"conv{kernel}-{width}" if stride == 1 else f"conv{kernel}-{width}/{stride}"
