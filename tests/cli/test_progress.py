"""The progress line: one line that is written over, cleared at the end, and silent where nobody watches."""

from __future__ import annotations

import io

import pytest

from vggcost.cli.progress import LONGEST, ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_it_is_written_over_and_cleared(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with ProgressLine() as progress:
        progress("a long line")
        progress("short")
    assert terminal.getvalue() == f"\ra long line\rshort{' ' * 6}\r{' ' * 5}\r"


def test_it_keeps_to_one_line_and_is_cleared_after_an_error(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    def interrupted():
        with ProgressLine() as progress:
            progress("x" * 500)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert terminal.getvalue() == f"\r{'x' * LONGEST}\r{' ' * LONGEST}\r"


def test_it_is_silent_where_nobody_watches(capsys):
    with ProgressLine() as progress:
        progress("unseen")
    assert capsys.readouterr().err == ""
