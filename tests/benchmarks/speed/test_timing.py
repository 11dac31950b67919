"""Timings that take turns, in blocks of calls."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from benchmarks.speed import timing
from benchmarks.speed.timing import BLOCK_MS, WARM_UP, interleaved_medians


def test_runs_are_interleaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only the works move: a takes a fifth of a block, b two blocks."""
    clock, order = [0.0], []
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def work(name: str, milliseconds: float) -> Callable[[], None]:
        def run() -> None:
            order.append(name)
            clock[0] += milliseconds / 1e3

        return run

    works = [work("a", BLOCK_MS / 5), work("b", 2 * BLOCK_MS)]
    medians = interleaved_medians(works, [3, 1], torch.device("cpu"))
    block = 5 * "a"
    # One call of each finds out how many fill a block; b has a single round that counts.
    assert "".join(order) == "ab" + (block + "b") * WARM_UP + block + block
    assert medians == pytest.approx([BLOCK_MS / 5, 2 * BLOCK_MS])
