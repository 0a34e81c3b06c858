"""Several costs side by side, as ``vggcost compare`` and a report's summary show them; a program's is its audit."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.rows import CONVENTIONS
from vggcost.formulas.forward import elements
from vggcost.formulas.memory import tensor_bytes
from vggcost.network.layers import Conv2d, Linear
from vggcost.report import compare, conventions
from vggcost.report.compare import distinct
from vggcost.results.cost import Cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.report.document import Document
    from vggcost.results.audit import Audit


def side_by_side(counted: Sequence[Cost | Audit], *, human: bool) -> Document:
    """A column a network."""
    return compare.document(_summaries(counted), _header(counted), human=human)


def summary(counted: Sequence[Cost | Audit]) -> Document:
    """A row a network."""
    return compare.summary_document(_summaries(counted), _header(counted))


def by_convention(
    counted: Cost | Audit, wanted: Sequence[Convention] = CONVENTIONS, *, human: bool = False, brief: bool = False
) -> Document:
    """A row a convention: what every tool counts of one network or program; brief without the conventions' remarks."""
    if isinstance(counted, Cost):
        return conventions.document(wanted, counted.table, human=human, brief=brief)
    audits = [counted.under(each) for each in wanted]
    return conventions.program_document(audits, human=human, brief=brief)


def convention_rows(counted: Cost | Audit, wanted: Sequence[Convention]) -> list[dict[str, Any]]:
    """The rows of `by_convention` of some conventions; of a program, of the one that it was counted by."""
    if isinstance(counted, Cost):
        return conventions.convention_rows(wanted, counted.table)
    return conventions.program_rows([counted.under(each) for each in wanted])


def _header(counted: Sequence[Cost | Audit]) -> str:
    networks = [each.table.network for each in counted if isinstance(each, Cost)]
    inputs = [each.input if isinstance(each, Cost) else each.reading.inputs[0] for each in counted]
    dtypes = [each.dtype if isinstance(each, Cost) else each.reading.dtype for each in counted]
    return compare.header_line(networks, inputs, dtypes, counted[0].convention_words)


def _summaries(counted: Sequence[Cost | Audit]) -> list[dict[str, Any]]:
    fulls = [each.short_name if isinstance(each, Cost) else each.reading.program for each in counted]
    names = distinct([(each.short_name, full) for each, full in zip(counted, fulls, strict=True)])
    return [{**_summary(each), "name": name} for each, name in zip(counted, names, strict=True)]


def _summary(counted: Cost | Audit) -> dict[str, Any]:
    return counted.summary() if isinstance(counted, Cost) else _program_summary(counted)


def _program_summary(audit: Audit) -> dict[str, Any]:
    """A program in one row, with the keys of `Cost.summary`; what only a configuration has is None."""
    operations = [each for each in audit.reading.operations if each.layer.weighted]
    linears = [each for each in operations if isinstance(each.layer, Linear)]
    outputs = [each.output for each in operations if each.output is not None]
    totals = audit.totals
    classifier_params = sum(each.params for each in linears)
    dtype_bytes = units.dtype_bytes(audit.reading.dtype)
    return {
        "name": audit.short_name,
        "weight_layers": len(operations),
        "conv_layers": sum(isinstance(each.layer, Conv2d) for each in operations),
        "params": totals.params,
        "paper_params_millions": None,
        "classifier_params": classifier_params,
        "classifier_share": float(units.percent(classifier_params, totals.params) or 0),
        "weight_bytes": totals.weight_bytes,
        "macs": totals.macs,
        "flops": totals.flops,
        "convention": audit.convention,
        "unit": audit.unit,
        "count": totals.count,
        "note": totals.note or (None if audit.runs else "it cannot run"),
        "weight_layer_output_bytes": (
            tensor_bytes(sum(map(elements, outputs)), dtype_bytes) if audit.macs is not None else None
        ),
        "receptive_field": None,
    }
