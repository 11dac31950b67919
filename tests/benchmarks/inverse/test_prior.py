"""The prior of outputs, and its residuals."""

from __future__ import annotations

import pytest
import torch

from benchmarks.inverse.prior import output_prior, prior_residuals
from benchmarks.inverse.problems import BoundedProblem, problem_of
from benchmarks.runs.errors import InputError


def test_it_is_that_of_the_drawn_parameters() -> None:
    problem = problem_of("ivim")
    assert isinstance(problem, BoundedProblem)
    outputs = problem.encode(problem.draw(20_000, torch.Generator().manual_seed(5)))
    residuals = prior_residuals("ivim", 1.0, outputs)
    torch.testing.assert_close(residuals.mean(0), torch.zeros(4), atol=0.03, rtol=0)
    torch.testing.assert_close(residuals.std(0), torch.ones(4), atol=0.03, rtol=0)


def test_it_weighs_as_much_as_the_noise_demands() -> None:
    mean, deviation = output_prior("decay")
    outputs = mean + deviation
    torch.testing.assert_close(prior_residuals("decay", 20.0, outputs), torch.full((2,), 1 / 20))


def test_other_problems_have_none() -> None:
    with pytest.raises(InputError, match="needs a problem of bounded parameters, got wave"):
        output_prior("wave")
