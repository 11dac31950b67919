"""How far a command is."""

from __future__ import annotations

import io
import sys

import pytest

from benchmarks.runs.progress import LineProgress, show_progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_there_is_a_line_per_minute() -> None:
    clock, lines = Clock(), list[str]()
    progress = LineProgress(1_000, clock, lines.append)
    progress.describe("plain")
    for _ in range(10):
        clock.now += 20
        progress.advance(30)
    assert lines == [
        "plain: 90/1,000 steps, 1 min, about 10 min left",
        "plain: 180/1,000 steps, 2 min, about 9 min left",
        "plain: 270/1,000 steps, 3 min, about 8 min left",
    ]


def test_nothing_is_said_before_a_step() -> None:
    clock, lines = Clock(), list[str]()
    progress = LineProgress(10, clock, lines.append)
    clock.now += 100
    progress.advance(0)
    assert lines == []


def test_without_a_terminal_a_short_job_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(3) as progress:
        progress.describe("plain")
        progress.advance(3)
    assert isinstance(progress, LineProgress)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_progress(3) as progress:
        progress.describe("plain")
        progress.advance(2)
    assert "plain" in terminal.getvalue()
    assert "2/3 steps" in terminal.getvalue()
