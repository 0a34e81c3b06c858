"""``vggcost explorer``: what is refused, in one line and before anything is written; browser tests open the page."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explorer", "vgg99"), "unknown configuration 'vgg99'"),
        (("explorer", "nowhere.toml"), "nowhere.toml"),
        (("explorer", "D"), "'D' has the name 'D', which the page has already"),
        (("explorer", "-o", "no/such/folder/x.html"), "no/such/folder"),
        (("explorer", "-o", "."), "is a directory"),
        (("explorer", "deep.toml"), "a head of 3 hidden layers, and the explorer takes up to 2"),
        (("explorer", "strict.toml"), "give the adaptive pool"),
        (("explorer", "--size", "224"), "--size"),
    ],
)
def test_it_refuses_in_one_line(vggcost, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep.toml").write_text("features = [8]\nhead = [1, 2, 3]\n", encoding="utf-8")
    (tmp_path / "strict.toml").write_text("features = [8]\nhead = [8]\nadaptive_pool = false\n", encoding="utf-8")
    ran = vggcost(*words)
    assert ran.status == 2 and ran.out == ""
    assert ran.err.count("\n") == 1 and said in ran.err
    assert {path.name for path in tmp_path.iterdir()} == {"deep.toml", "strict.toml"}
