"""A document from outside held against its msgspec types: the first thing that they refuse, and where it stands.

The types say everything once: what a key may hold, its bounds, and as ``description`` what to give there, for a refusal
and for the editor that reads the JSON Schema made of them. Only what reads a document imports this module, inside the
function that reads: msgspec costs three bare interpreters to load (`vggcost.record` has the figures).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from vggcost.errors import nearest
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

UNKNOWN, MISSING, LENGTH, WRONG = "unknown", "missing", "length", "wrong"
"""A key that has no place there; one that is not there; a list too short or too long; a value of another kind or out of
its bounds."""


class Fault(Record):
    """The first thing in a document that its types refuse.

    what: UNKNOWN, MISSING, LENGTH or WRONG. holder is the path of what it stands in (``features[7]``; "" is the
    document), key its name or index there, value what stands there (None where it is MISSING). description says what
    may stand there, known are the keys that holder may have, and extra is what the types' own Meta has beside.
    """

    what: str
    holder: str
    key: str | int
    value: Any
    description: str
    known: tuple[str, ...]
    extra: Mapping[str, Any]

    @property
    def place(self) -> str:
        """The path of what is refused: ``features[7].residual[0]``."""
        return _joined(self.holder, self.key)


def first_fault(document: Mapping[str, Any], of: type) -> Fault | None:
    """Return the first thing in a document, as JSON or TOML is read, that this type refuses; None where all is well.

    No number is bent: 10.0 is no int, and True is none.
    """
    try:
        msgspec.convert(document, of)
    except msgspec.ValidationError as error:
        return _fault(document, inspect.type_info(of), _keys(str(error)))
    return None


def complaint(fault: Fault) -> str:
    """Return one sentence for a fault: where, what was given, what is expected."""
    if fault.what == UNKNOWN:
        inside = f" in {fault.holder}" if fault.holder else ""
        return f"unknown key {_shown(fault.key)}{inside}; {nearest(str(fault.key)[:60], fault.known)}"
    if fault.what == MISSING:
        return f"{fault.holder or 'the file'} has no {fault.key!r}; give {fault.description}"
    if fault.what == LENGTH:
        return f"{fault.place} has {len(fault.value):,} entries; give {fault.description}"
    return f"{fault.place} is {_shown(fault.value)}; give {fault.description}"


def _shown(value: object) -> str:
    """A value as the file has it, cut where it is long."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(message: str) -> list[str | int]:
    """The path that a message of msgspec's ends in: ``... - at `$.features[1]` `` is features, 1."""
    path = re.search(r" - at `\$([^`]*)`\Z", message)
    pairs = re.findall(r"\.(\w+)|\[(\d+)\]", path[1]) if path else ()
    return [int(index) if index else name for name, index in pairs]


def _fault(document: Any, of: inspect.Type, keys: Sequence[str | int]) -> Fault:
    """What is wrong at a path, found in the value and its type, since the wording of messages may change."""
    holder, place, value, inside = "", "", document, of
    known: tuple[str, ...] = ()
    # A key's text may look like the end of a message, so unknown keys are looked for on the whole way.
    for key in keys:
        fault = _unknown(inside, place, value)
        if fault:
            return fault
        holder, place, value = place, _joined(place, key), value[key]
        known = tuple(_fields(inside))
        inside = _inside(inside, key)
    fault = _unknown(inside, place, value)
    if fault:
        return fault
    fields = _fields(inside) if isinstance(value, dict) else {}
    for name, field in fields.items():
        if field.required and name not in value:
            return Fault(MISSING, place, name, None, *_description(field.type, tuple(fields)))
    counted = isinstance(value, list) and any(isinstance(one, _LISTS) for one in _alternatives(inside))
    last = keys[-1] if keys else ""
    return Fault(LENGTH if counted else WRONG, holder, last, value, *_description(inside, known))


def _unknown(of: inspect.Type, place: str, value: Any) -> Fault | None:
    closed = any(isinstance(one, inspect.StructType) and one.forbid_unknown_fields for one in _alternatives(of))
    if not closed or not isinstance(value, dict):
        return None
    fields = tuple(_fields(of))
    key = next((key for key in value if key not in fields), None)
    return None if key is None else Fault(UNKNOWN, place, key, value[key], *_description(of, fields))


_LISTS = (inspect.ListType, inspect.VarTupleType)


def _alternatives(of: inspect.Type) -> Iterator[inspect.Type]:
    """What a value may be, without descriptions: the members of a union, or the one type."""
    while isinstance(of, inspect.Metadata):
        of = of.type
    for one in of.types if isinstance(of, inspect.UnionType) else (of,):
        yield one.type if isinstance(one, inspect.Metadata) else one


def _fields(of: inspect.Type) -> dict[str, inspect.Field]:
    """The keys that an object of this type has; none where it is no object."""
    structs = (one for one in _alternatives(of) if isinstance(one, inspect.StructType))
    return {field.encode_name: field for struct in structs for field in struct.fields}


def _inside(of: inspect.Type, key: str | int) -> inspect.Type:
    """The type of what stands under a key or at an index."""
    if isinstance(key, str):
        return _fields(of)[key].type
    return next(one.item_type for one in _alternatives(of) if isinstance(one, _LISTS))


def _description(of: inspect.Type, known: tuple[str, ...]) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """The last three fields of a Fault: those that the types say."""
    description = ""
    extra: dict[str, Any] = {}
    while isinstance(of, inspect.Metadata):
        description = description or (of.extra_json_schema or {}).get("description", "")
        extra = {**(of.extra or {}), **extra}
        of = of.type
    return description, known, extra


def _joined(holder: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{holder}[{key}]"
    return f"{holder}.{key}" if holder and key else holder or key
