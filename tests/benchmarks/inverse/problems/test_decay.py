"""Decays against an integrator, and the bounds of their parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from benchmarks.inverse.problems.bounded import BoundedProblem
from benchmarks.inverse.problems.decay import B_VALUES, IvimDecay, MonoDecay
from benchmarks.inverse.problems.oscillator import DampedOscillator

BOUNDED = [MonoDecay(), IvimDecay(), DampedOscillator()]


def integrated(rate: float) -> np.ndarray:
    """The solution of dS/db = -rate S at the b-values (rate in 10⁻³ mm²/s), from S = 1."""
    solution = solve_ivp(
        lambda b, S: -rate / 1000 * S, (0, 700), [1.0], t_eval=B_VALUES, rtol=1e-10, atol=1e-12
    )
    return np.asarray(solution.y[0])


def test_one_compartment() -> None:
    truth = torch.tensor([[0.9, 0.7], [1.1, 2.5]], dtype=torch.float64)
    expected = np.stack([0.9 * integrated(0.7), 1.1 * integrated(2.5)])
    np.testing.assert_allclose(MonoDecay().signals(truth), expected, rtol=1e-8)


def test_two_compartments() -> None:
    truth = torch.tensor([[1.1, 0.3, 1.2, 40.0]], dtype=torch.float64)
    expected = 1.1 * (0.7 * integrated(1.2) + 0.3 * integrated(40.0))
    np.testing.assert_allclose(IvimDecay().signals(truth)[0], expected, rtol=1e-8)


@pytest.mark.parametrize("problem", BOUNDED, ids=lambda problem: problem.title)
def test_outputs_stand_for_bounded_parameters(problem: BoundedProblem) -> None:
    truth = problem.draw(1_000, torch.Generator().manual_seed(0)).double()
    for column, parameter in zip(truth.T, problem.parameters, strict=True):
        assert column.min() >= parameter.low
        assert column.max() <= parameter.high
        middle = (parameter.low + parameter.high) / 2
        spread = (parameter.high - parameter.low) / 12**0.5
        assert column.mean().item() == pytest.approx(middle, abs=0.15 * spread)
    outputs = problem.encode(truth)
    torch.testing.assert_close(problem.decode(outputs), truth)
    assert problem.parameter_error(outputs, truth).max() < 1e-6
    extreme = problem.decode(torch.full((1, problem.outputs), -50.0))[0]
    minima = torch.tensor([parameter.minimum for parameter in problem.parameters])
    torch.testing.assert_close(extreme, minima, atol=1e-6, rtol=0)


def test_the_parameter_error_is_relative_to_the_range() -> None:
    problem = MonoDecay()
    truth = torch.tensor([[1.0, 1.5]])
    outputs = problem.encode(torch.tensor([[1.1, 1.5]]))
    assert problem.parameter_error(outputs, truth).item() == pytest.approx(0.25 / 2, rel=1e-4)
