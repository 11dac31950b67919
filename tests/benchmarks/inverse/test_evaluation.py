"""What is measured, of outputs by hand."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.inverse.evaluation import CEILING, measure
from benchmarks.inverse.problems import BoundedProblem, Samples, problem_of


@pytest.fixture
def problem() -> BoundedProblem:
    problem = problem_of("decay")
    assert isinstance(problem, BoundedProblem)
    return problem


def test_the_truth_is_perfect_but_for_the_noise(problem: BoundedProblem) -> None:
    samples = problem.sample(2_000, 20.0, torch.Generator().manual_seed(0))
    found = measure(problem, problem.encode(samples.truth), samples)
    assert found["loss"] == pytest.approx(1 / 400, rel=0.05)
    assert found["median"] < found["loss"]
    assert found["clean"] == pytest.approx(0, abs=1e-10)
    assert found["parameters"] == pytest.approx(0, abs=1e-5)
    assert found["failed"] == 0


def test_mean_and_median_over_samples(problem: BoundedProblem) -> None:
    outputs = torch.zeros(3, 2)
    simulated = problem.simulate(outputs, torch.zeros(3, 12))
    offsets = torch.tensor([[1.0], [2.0], [3.0]])
    samples = Samples(simulated + offsets, simulated, problem.decode(outputs))
    found = measure(problem, outputs, samples)
    assert found["loss"] == pytest.approx((1 + 4 + 9) / 3)
    assert found["median"] == pytest.approx(4.0)
    assert found["clean"] == 0


def test_failures_are_counted_and_bounded(problem: BoundedProblem) -> None:
    samples = problem.sample(4, None, torch.Generator().manual_seed(0))
    outputs = problem.encode(samples.truth)
    outputs[0], outputs[1] = math.nan, -20.0
    found = measure(problem, outputs, samples)
    assert found["failed"] == 0.5
    assert found["loss"] > CEILING / 4
    assert all(math.isfinite(value) for value in found.values())


def test_signals_that_are_all_alike_are_measured_by_their_size() -> None:
    problem = problem_of("poisson")
    truth = torch.ones(2, 64)
    signals = problem.signals(truth)
    samples = Samples(signals, signals, truth)
    assert measure(problem, truth, samples)["failed"] == 0
    assert measure(problem, torch.zeros(2, 64), samples)["failed"] == 1
