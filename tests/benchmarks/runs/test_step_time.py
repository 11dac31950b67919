"""The time of a step: of ten, or of what half a minute allows."""

from __future__ import annotations

import pytest
import torch

from benchmarks.runs import step_time
from benchmarks.runs.step_time import seconds_per_seed, time_steps
from tests.benchmarks.runs.toy import BASE, ToyTraining


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, 10), (4.0, 7), (100.0, 1)])
def test_long_steps_are_taken_less_often(
    monkeypatch: pytest.MonkeyPatch, seconds: float, steps: int
) -> None:
    taken = list[int]()

    def seconds_per_step(self: ToyTraining, count: int) -> float:
        taken.append(count)
        return seconds

    monkeypatch.setattr(ToyTraining, "seconds_per_step", seconds_per_step)
    training = ToyTraining(BASE, (3, 4), "toy data", torch.device("cpu"))
    assert seconds_per_seed(training) == seconds / 2
    assert taken == [1, steps]


def test_the_mean_over_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 16.0])
    monkeypatch.setattr(step_time.time, "perf_counter", lambda: next(clock))
    taken = list[int]()
    assert time_steps(lambda: taken.append(1), 4, torch.device("cpu")) == 1.5
    assert len(taken) == 4
