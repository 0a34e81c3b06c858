"""The largest value that fits, beside the next one and what would move it: the document of ``vggcost fit``."""

from __future__ import annotations

from vggcost import units
from vggcost.report.document import Column, Document, Grid, Text
from vggcost.report.memory import NOT_IN_IT, training_data, what_runs
from vggcost.report.predict import interval_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from vggcost.costs.table import Table

    class Limit(Protocol):
        """A budget; `vggcost.results.budgets.Budget` is one."""

        @property
        def word(self) -> str:
            """Its option."""

        @property
        def limit(self) -> int:
            """How much."""

        @property
        def given(self) -> str:
            """As it was given."""

        @property
        def key(self) -> str:
            """Its key in JSON."""

        def text(self, value: int, *, human: bool = False) -> str:
            """An amount of what it limits."""

    class Needed(Protocol):
        """What is shown; `vggcost.results.fit.Fit` is one."""

        solve: str
        setting: Any
        axis: Any
        answer: Any
        next: Any

        @property
        def budgets(self) -> Sequence[Limit]:
            """What must not be exceeded."""

        @property
        def value(self) -> float:
            """The largest value that fits."""

        @property
        def used(self) -> Mapping[str, int]:
            """What it takes of each budget."""

        @property
        def headroom(self) -> Mapping[str, int]:
            """What it leaves."""

        @property
        def counted(self) -> Table:
            """The network at the answer."""

        @property
        def levers(self) -> Sequence[Any]:
            """What other options would give."""

        @property
        def forecast(self) -> Any:
            """The forecast of its time, where one is limited."""

        def over(self, reached: Any) -> Sequence[str]:
            """The budgets that a value exceeds."""


NAMES = {"memory_bytes": "memory", "time_ns": "time", "macs": "MACs", "params": "parameters"}
"""What is limited, for people."""

ALLOWED = {
    "batch": "every whole number from 1",
    "size": "every square image on which the network runs, a pixel a step",
    "width": "every factor that gives other channels (each width times the factor, floored, at least 1), written with"
    " the fewest decimals",
}
"""What the next value is the next of."""


def document(fit: Needed, *, human: bool) -> Document:
    """Return the document of an answer."""
    data = fit_data(fit)
    keys = tuple(data["budget"])
    columns = (Column("what", "What"), Column("option", "Option"), Column(fit.solve, fit.solve.capitalize(), "number"))
    record = Grid((*columns, *(Column(key, NAMES[key], "count") for key in keys)), _record(fit, data))
    return Document(data, lambda: _blocks(fit, data, human=human), record, human)


def fit_data(fit: Needed) -> dict[str, Any]:
    """The JSON document: schema vggcost.fit/1."""
    solve, setting, counted = fit.solve, fit.setting, fit.counted
    data: dict[str, Any] = {
        "schema": "vggcost.fit/1",
        "network": counted.network.identity(),
        "input": list(counted.input),
        "dtype": setting.dtype,
        "mixed": setting.mixed,
        "in_place": setting.in_place,
        "training": training_data(setting.training),
        "solve": solve,
        "allowed": ALLOWED[solve],
        solve: fit.value,
        "given": {budget.key: budget.given for budget in fit.budgets},
        "budget": {budget.key: budget.limit for budget in fit.budgets},
        "used": dict(fit.used),
        "headroom": fit.headroom,
        "next": None,
        "confirmed": True,
        "levers": [
            {
                "option": pull.option,
                solve: pull.value,
                **({} if pull.images is None else {"images": pull.images}),
                "used": dict(pull.used),
            }
            for pull in fit.levers
        ],
    }
    if fit.forecast is not None:
        data["forecast"] = {
            "device": fit.forecast.device["name"],
            **fit.forecast.choice,
            **{key: getattr(fit.forecast, key) for key in ("likely_ms", "low_ms", "high_ms", "level")},
            "warnings": list(fit.forecast.warnings),
        }
    if fit.next is not None:
        data["next"] = {solve: fit.next.value, "used": dict(fit.next.used), "over": list(fit.over(fit.next))}
    if fit.axis.grid is not None:
        data["channels"] = list(fit.axis.grid.channels(fit.answer.place))
    return data


def _record(fit: Needed, data: dict[str, Any]) -> list[dict[str, Any]]:
    solve = fit.solve
    rows = [("fits", "", data)] + ([("next", "", data["next"])] if data["next"] else [])
    rows += [("lever", lever["option"], lever) for lever in data["levers"]]
    return [{"what": what, "option": option, solve: row[solve], **row["used"]} for what, option, row in rows]


def _blocks(fit: Needed, data: dict[str, Any], *, human: bool) -> tuple[Text | Grid, ...]:
    now = f"{fit.solve} {fit.value}"
    columns = [Column("budget", "Budget"), Column("limit", "Limit", "number", leaves=1), Column("used", now, "number")]
    columns.append(Column("headroom", "left", "number", leaves=2))
    if fit.next is not None:
        columns.append(Column("next", f"{fit.solve} {fit.next.value}", "number"))
    rows = [_budget_row(fit, budget, human=human) for budget in fit.budgets]
    blocks: list[Text | Grid] = [
        Text((_header(fit, data),), style="head"),
        Grid(tuple(columns), rows, notes=(Text(tuple(_notes(fit, data))),)),
    ]
    if fit.levers:
        blocks.append(_levers(fit, human=human))
    return tuple(blocks)


def _header(fit: Needed, data: dict[str, Any]) -> str:
    counted = units.shape_text(data["input"])
    words = f"VGG {data['network']['title']}; input {counted}"
    if "memory_bytes" in data["budget"]:
        words += f" {fit.setting.dtype}; {what_runs(fit.setting.training, fit.setting.mixed)}"
    return f"{words}; the largest {fit.solve}"


def _budget_row(fit: Needed, budget: Limit, *, human: bool) -> dict[str, str]:
    row = {
        "budget": f"{budget.word} {budget.given}",
        "limit": budget.text(budget.limit, human=human),
        "used": budget.text(fit.used[budget.key], human=human),
        "headroom": budget.text(fit.headroom[budget.key], human=human),
    }
    if fit.next is not None:
        row["next"] = budget.text(fit.next.used[budget.key], human=human)
    return row


def _notes(fit: Needed, data: dict[str, Any]) -> Iterable[str]:
    training = fit.setting.training
    value = f"{fit.solve.capitalize()} {fit.value}"
    if fit.next is None:
        yield f"{value} fits, and no larger one runs. It was counted again after the search."
    else:
        over = " and ".join(NAMES[key] for key in fit.over(fit.next))
        yield (
            f"{value} fits; {fit.next.value}, the next, takes too much of {over}. Both were counted again after the"
            " search."
        )
    if training is not None and training.accumulate > 1 and fit.solve == "batch":
        images = training.accumulate * int(fit.value)
        yield f"That is a pass's batch; a step has {training.accumulate} passes, {units.exact(images)} images."
    if fit.axis.grid is not None:
        now, plan = (", ".join(map(str, widths)) for widths in (data["channels"], fit.axis.grid.widths))
        yield f"Channels: {now} in place of {plan}."
    yield f"Allowed is {ALLOWED[fit.solve]}."
    if "memory_bytes" in data["budget"]:
        yield NOT_IN_IT
    if fit.forecast is not None:
        device = fit.forecast.device["name"]
        yield f"Time is the likely one of a forecast for the {device}: {interval_words(fit.forecast)}."
        yield from fit.forecast.warnings


def _levers(fit: Needed, *, human: bool) -> Grid:
    columns = (
        Column("option", "With this too"),
        Column("value", f"the {fit.solve} is", "number"),
        Column("times", "times", "number", leaves=1),
        *(Column(budget.key, f"and takes {budget.word}", "number") for budget in fit.budgets),
    )
    rows = []
    for pull in fit.levers:
        value = f"{pull.value}"
        if pull.images not in (None, pull.value):
            value += f", {units.exact(pull.images)} images a step"
        taken = {budget.key: budget.text(pull.used[budget.key], human=human) for budget in fit.budgets}
        rows.append({"option": pull.option, "value": value, "times": f"{pull.times:.2f}", **taken})
    return Grid(columns, rows, title="What would take less, the strongest first")
