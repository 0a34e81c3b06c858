"""A lock as text: entries out and back in, one layer a line, and what is wrong with one that somebody has edited."""

from __future__ import annotations

from vggcost.errors import VggcostError
from vggcost.lock.entry import TOTALS, Entry, LayerFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

SCHEMA = "vggcost.lock/1"

DEFAULT_PLACE = "vggcost.lock.json"

LAYER_KEYS = ("name", "kind", "output", "params", "params_trainable", "macs")
"""What every layer has; all else that it has are its settings, which stand between output and params."""

LARGEST_FILE_BYTES = 1 << 28
"""A lock of a thousand networks has some MB; more than this is something else."""


def lock_text(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return the file of these entries, as `entry_data` gives them, by name; the same entries are the same text."""
    import json

    # Strings are written as they are: a diff is for people. json writes a lone surrogate as it is, too, and UTF-8 not.
    def one_line(value: Any) -> str:
        text = json.dumps(value, ensure_ascii=False)
        return text if text.isascii() or text.isprintable() else json.dumps(value)

    lines = ["{", f'  "schema": {one_line(SCHEMA)},', '  "entries": [']
    ordered = sorted(entries, key=lambda each: str(each["name"]))
    for number, entry in enumerate(ordered, 1):
        lines.append("    {")
        lines += [f"      {one_line(key)}: {one_line(value)}," for key, value in entry.items() if key != "layers"]
        layers = [f"        {one_line(layer)}" for layer in entry["layers"]]
        lines += ['      "layers": [', ",\n".join(layers), "      ]"] if layers else ['      "layers": []']
        lines.append("    }" if number == len(ordered) else "    },")
    lines += ["  ]", "}"]
    return "\n".join(lines) + "\n"


def entry_data(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON has it."""
    return {
        "name": entry.name,
        "target": entry.target,
        "given": {key: _plain(value) for key, value in entry.given.items()},
        "framework": entry.framework,
        "inputs": [list(shape) for shape in entry.inputs],
        **{name: entry.totals[name] for name in TOTALS},
        "counts": dict(entry.counts),
        "layers": [_layer_data(layer) for layer in entry.layers],
    }


def _layer_data(layer: LayerFacts) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "output": None if layer.output is None else list(layer.output),
        **{name: _plain(value) for name, value in layer.settings},
        "params": layer.params,
        "params_trainable": layer.params_trainable,
        "macs": layer.macs,
    }


def entry_from(data: Mapping[str, Any]) -> Entry:
    """Return the entry of what `entry_data` gives."""
    return Entry(
        data["name"],
        data["target"],
        {key: _frozen(value) for key, value in data["given"].items()},
        data["framework"],
        _frozen(data["inputs"]),
        {name: data[name] for name in TOTALS},
        data["counts"],
        tuple(
            LayerFacts(
                layer["name"],
                layer["kind"],
                _frozen(layer["output"]),
                tuple((key, _frozen(value)) for key, value in layer.items() if key not in LAYER_KEYS),
                layer["params"],
                layer["params_trainable"],
                layer["macs"],
            )
            for layer in data["layers"]
        ),
    )


def document_of(text: str, place: str) -> dict[str, Any]:
    """Return what a lock says, as JSON is read: what it is made of is not looked at yet (`check_document`).

    Raises:
        VggcostError: it is no JSON, no lock, or one of a later version; two entries have one name.
    """
    import json

    again = f"write it anew: remove it and run vggcost lock (place: {place!r})"
    try:
        document: dict[str, Any] = json.loads(text, object_pairs_hook=_no_doubles)
    except json.JSONDecodeError as error:
        kind = "is truncated" if error.pos >= len(text.rstrip()) else "is no JSON"
        raise VggcostError(f"{place}:{error.lineno}: the lock {kind}: {error.msg}; {again}") from None
    except RecursionError:
        raise VggcostError(f"{place}: the lock is nested too deeply; {again}") from None
    except VggcostError as error:
        raise VggcostError(f"{place}: {error}") from None
    except ValueError:
        raise VggcostError(f"{place}: a number has too many digits; {again}") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise VggcostError(f"{place}: {_other_schema(schema)}")
    entries = document.get("entries")
    if not isinstance(entries, list) or not all(map(_may_be_entry, entries)):
        check_document(document, place)
        raise VggcostError(f"{place}: the lock's entries are no list of tables; {again}")
    names = [entry["name"] for entry in entries]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise VggcostError(f"{place}: two entries are called {double!r}; remove one, or {again}")
    return document


def _may_be_entry(entry: Any) -> bool:
    """Whether an entry says what it was made of."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("target", 0), str | None)
        and isinstance(entry.get("given"), dict)
        and isinstance(entry.get("counts"), dict)
    )


def _no_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise VggcostError(f"the key {double!r} stands twice in one table; leave one")
    return found


def _other_schema(schema: Any) -> str:
    family, _, version = str(schema).rpartition("/")
    if isinstance(schema, str) and family == SCHEMA.rpartition("/")[0] and version.isdecimal():
        return f"the lock is of schema {schema!r}, which a later vggcost wrote; this one reads {SCHEMA}: upgrade it"
    if schema is None:
        return f"this is no lock: it has no schema {SCHEMA!r}; vggcost lock writes one"
    return f"this is no lock: its schema is {str(schema)[:60]!r} and not {SCHEMA!r}; vggcost lock writes one"


def check_document(document: Mapping[str, Any], place: str) -> None:
    """Refuse a lock that is not as `lock_text` writes it.

    Raises:
        VggcostError: a key is missing, unknown or of another kind; sums are not those of the layers.
    """
    from vggcost.lock.file_schema import LockFile
    from vggcost.schema import complaint, first_fault

    fault = first_fault(document, LockFile)
    if fault is not None:
        raise VggcostError(f"{place}: {complaint(fault)}")
    for entry in document["entries"]:
        for layer in entry["layers"]:
            _check_settings(layer, entry["name"], place)
        _check_sums(entry, place)


def _check_settings(layer: Mapping[str, Any], name: str, place: str) -> None:
    for key, value in layer.items():
        if key not in LAYER_KEYS and not _is_setting(value):
            raise VggcostError(
                f"{place}: entry {name!r}: {key} of layer {layer['name']!r} is a table; give a number, a text, a truth"
                " value, null or a list of such"
            )
    if layer["params_trainable"] > layer["params"]:
        raise VggcostError(
            f"{place}: entry {name!r}: layer {layer['name']!r} has {layer['params']:,} params and"
            f" {layer['params_trainable']:,} of them trainable; somebody has edited it: run vggcost lock"
        )


def _is_setting(value: Any) -> bool:
    return all(map(_is_setting, value)) if isinstance(value, list) else not isinstance(value, dict)


def _check_sums(entry: Mapping[str, Any], place: str) -> None:
    sums = {key: sum(layer[key] for layer in entry["layers"]) for key in ("params", "params_trainable")}
    sums["params_frozen"] = sums["params"] - sums["params_trainable"]
    if entry["macs"] is not None:
        sums["macs"] = sum(layer["macs"] or 0 for layer in entry["layers"])
    for key, value in sums.items():
        if entry[key] != value:
            raise VggcostError(
                f"{place}: entry {entry['name']!r} says {key} {entry[key]:,}, and its layers sum to {value:,}; somebody"
                " has edited it: run vggcost lock"
            )


def line_of(text: str, name: str) -> int:
    """Return the line of a lock's text on which the entry of a name begins, from 1; 1 where there is none."""
    import json

    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith('      "name": ') and json.loads(line.partition(": ")[2].rstrip(",")) == name:
            return number
    return 1


def _plain(value: Any) -> Any:
    """A value with lists for tuples."""
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _frozen(value: Any) -> Any:
    """A value with tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
