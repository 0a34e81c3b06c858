"""No total and no layer changes unseen."""

from __future__ import annotations

import pytest
from golden import regenerate
from golden.regenerate import counted, drift, recorded


def test_nothing_has_drifted_from_the_golden_files():
    assert list(drift(recorded(), counted())) == []


def test_the_golden_files_hold_every_variant():
    totals = [name for name in recorded() if name[-1] == "total"]
    assert len(totals) == 6 * 2 * 4 * 3
    assert len(recorded()) > 20 * len(totals)


def test_drift_names_config_layer_and_difference():
    old = recorded()
    name = ("D", "yes", "24", "256x320", "conv4_3")
    params, macs = old[name]
    assert list(drift(old, {**old, name: (params + 1, macs)})) == [
        "D (batch_norm yes, 24 classes, size 256x320) conv4_3: params 2,359,808 -> 2,359,809 (+1)"
    ]
    without = {key: value for key, value in old.items() if key != name}
    assert list(drift(old, without)) == ["D (batch_norm yes, 24 classes, size 256x320) conv4_3: is gone"]
    assert list(drift(without, old)) == ["D (batch_norm yes, 24 classes, size 256x320) conv4_3: is new"]


def test_layers_sum_to_the_totals_in_the_golden_files_themselves():
    sums = {}
    for name, counts in recorded().items():
        if name[-1] != "total":
            before = sums.get(name[:-1], (0, 0))
            sums[name[:-1]] = tuple(a + b for a, b in zip(before, counts, strict=True))
    assert sums == {name[:-1]: counts for name, counts in recorded().items() if name[-1] == "total"}


def test_the_command_says_what_changed_and_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(regenerate, "TOTALS", tmp_path / "totals.csv")
    monkeypatch.setattr(regenerate, "LAYERS", tmp_path / "layers.csv")
    lines = regenerate.LAYERS.parent
    assert lines == tmp_path
    regenerate.main()
    assert "A (batch_norm no, 1000 classes, size 32) conv1_1: is new" in capsys.readouterr().out
    text = regenerate.TOTALS.read_text()
    regenerate.TOTALS.write_text(text.replace("132863336", "132863335", 1))
    regenerate.main()
    assert "total: params 132,863,335 -> 132,863,336 (+1)" in capsys.readouterr().out
    regenerate.main()
    assert capsys.readouterr().out == "nothing changed\n"


@pytest.mark.parametrize(
    ("name", "params"),
    [(("D", "yes", "4", "224", "total"), 134_285_380), (("D", "no", "24", "32", "total"), 134_358_872)],
)
def test_published_programs_are_among_them(name, params):
    assert recorded()[name][0] == params
