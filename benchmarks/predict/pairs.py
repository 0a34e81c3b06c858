"""Forecasts from one measurement, held against published rows: ``python benchmarks/predict/pairs.py``, behind fit.py.

It writes vggcost/predict/pairs.json: the factors of the intervals of `vggcost predict --from`, the errors that
`--evaluate` prints, and what they stand on. GPUs: all pairs of rows of one card that ran in one way. A CPU: the runs of
cpu.py in cpu_layers.csv, each case forecast from every other one.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import cpu_pairs
from fit import ROWS

from vggcost.predict import devices, pairs, parameters, rows, spreads

PAIRS = Path(__file__).resolve().parents[2] / "vggcost" / "predict" / Path(spreads.PAIRS_FILE).name
"""The file in the repository, wherever vggcost itself is installed."""


def main() -> None:
    """Evaluate, and write the tables."""
    read, shipped = rows.read(str(ROWS), devices.shipped()), parameters.shipped()
    amounts, of_cpu = pairs.modelled(read.paired, shipped.values), cpu_pairs.residuals()
    noted = pairs.residuals(read.paired, amounts, noted=True)
    interval = pairs.intervals(noted)
    for relation, its in of_cpu.items():  # one machine of another kind says nothing of cards: it is not in `all`
        interval[relation] |= {
            group: factors for group, factors in pairs.intervals({relation: its})[relation].items() if group != "all"
        }
    known = spreads.Spreads(interval, {}, {}, read.sha256, parameters.shipped_sha256())
    tables = pairs.tables(pairs.residuals(read.paired, amounts, known))
    for relation, its in of_cpu.items():
        told = [row.replace(factor=known.factor(relation, row.wanted, 80)) for row in its]
        tables[relation] |= {
            group: figures for group, figures in pairs.tables({relation: told})[relation].items() if group != "all"
        }
    flops = pairs.baseline(pairs.residuals(read.paired, pairs.flops(read.paired)))
    data = {
        "schema": "vggcost.predict-pairs/1",
        "rows_sha256": read.sha256,
        "cpu_rows_sha256": sha256(cpu_pairs.LAYERS.read_bytes()).hexdigest(),
        "parameters_sha256": parameters.shipped_sha256(),
        "interval": interval,
        "pairs": tables,
        "flop_ratio": flops,
    }
    PAIRS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for relation, its in tables.items():
        for group, figures in its.items():
            print(relation, group, {key: round(value, 4) for key, value in figures.items()})
    print(json.dumps(interval, indent=1))


if __name__ == "__main__":
    main()
