"""Every notebook of examples/ runs, and shows what its cells put out."""

from __future__ import annotations

import json

import pytest
from pages import notebooks

pytest.importorskip("torch")


def test_there_are_three():
    assert len(notebooks.notebooks()) == 3


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_a_notebook_shows_what_its_cells_put_out(path):
    written = path.read_text(encoding="utf-8")
    assert notebooks.text(notebooks.filled(json.loads(written))) == written


def test_another_number_is_seen():
    path = notebooks.notebooks()[0]
    written = path.read_text(encoding="utf-8").replace("138,357,544", "138,357,545")
    assert notebooks.text(notebooks.filled(json.loads(written))) != written
