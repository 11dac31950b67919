"""What holds for every inverse problem."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.inverse.problems import PROBLEMS, Problem, problem_of

each_problem = pytest.mark.parametrize("name", PROBLEMS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_outputs(problem: Problem, count: int) -> Tensor:
    return 0.3 * torch.randn(count, problem.outputs, generator=generator(1), dtype=torch.float64)


@each_problem
def test_shapes_and_dtypes(name: str) -> None:
    problem = problem_of(name)
    samples = problem.sample(5, None, generator())
    assert samples.targets.dtype == samples.truth.dtype == torch.float32
    assert torch.equal(samples.targets, samples.clean)
    found = problem.simulate(small_outputs(problem, 5).float(), samples.targets)
    assert found.shape == samples.targets.shape
    assert found.dtype == torch.float32
    assert problem.parameter_error(small_outputs(problem, 5).float(), samples.truth).shape == (5,)


@each_problem
def test_noise_is_that_of_the_snr_and_shifts_no_parameter(name: str) -> None:
    problem = problem_of(name)
    noisy, clean = (problem.sample(1_000, snr, generator()) for snr in (20.0, None))
    assert torch.equal(noisy.truth, clean.truth)
    assert torch.equal(noisy.clean, clean.clean)
    noise = noisy.targets - noisy.clean
    assert noise.std().item() == pytest.approx(1 / 20, rel=0.05)
    assert noise.mean().abs() < 0.003


@each_problem
def test_samples_do_not_depend_on_one_another(name: str) -> None:
    problem = problem_of(name)
    outputs, targets = small_outputs(problem, 4), problem.sample(4, None, generator()).targets
    targets = targets.double()
    together = problem.simulate(outputs, targets)
    alone = torch.cat([problem.simulate(outputs[i : i + 1], targets[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


@each_problem
def test_the_gradient_is_that_of_finite_differences(name: str) -> None:
    problem = problem_of(name)
    targets = problem.sample(2, None, generator()).targets.double()
    y = small_outputs(problem, 2).requires_grad_()
    direction = torch.randn(y.shape, generator=generator(2), dtype=y.dtype)

    def loss(outputs: Tensor) -> Tensor:
        return (problem.simulate(outputs, targets) - targets).square().sum() / 2

    (gradient,) = torch.autograd.grad(loss(y), y)
    step = 1e-5
    with torch.no_grad():
        slope = (loss(y + step * direction) - loss(y - step * direction)) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-6, atol=1e-8)
