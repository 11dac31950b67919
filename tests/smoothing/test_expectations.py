"""What the estimators estimate: closed forms and quadrature, within five standard errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim.smoothing import FenchelYoungLoss, StochasticSmoothing
from tests.settings import DEVICE
from tests.smoothing.smoothing_strategies import (
    CONTROL_VARIATES,
    NOISES,
    SYMMETRIC,
    assert_mean,
    best,
    loss,
    sign,
    smoothed,
    worst,
)
from tests.strategies import Array

# --- StochasticSmoothing ---------------------------------------------------------------------


def estimates(function: Any, y: list[float], copies: int = 20_000, **options: Any) -> Any:
    """Independent estimates of value, gradient and Hessian at one and the same point."""
    generator = torch.Generator(DEVICE).manual_seed(0)
    point = torch.tensor(y, dtype=torch.float64, device=DEVICE).expand(copies, len(y))
    return smoothed(function, generator=generator, **options).derivatives(point)


ways = pytest.mark.parametrize("control_variate", CONTROL_VARIATES)
mirrors = pytest.mark.parametrize("antithetic", [False, True])


@ways
@mirrors
@pytest.mark.parametrize("noise", ["gaussian", "logistic"])
def test_a_quadratic_keeps_its_derivatives(
    control_variate: Any, antithetic: bool, noise: str
) -> None:
    A = torch.tensor([[2.0, -1.0], [-1.0, 0.5]], dtype=torch.float64, device=DEVICE)
    b = torch.tensor([0.3, -2.0], dtype=torch.float64, device=DEVICE)
    found = estimates(
        lambda x: 0.5 * ((x @ A) * x).sum(-1) + x @ b,
        [0.7, -0.4],
        noise=noise,
        control_variate=control_variate,
        antithetic=antithetic,
    )
    y = torch.tensor([0.7, -0.4], dtype=torch.float64, device=DEVICE)
    variance = {"gaussian": 1.0, "logistic": math.pi**2 / 3}[noise]
    assert_mean(found.value, 0.5 * y @ A @ y + y @ b + 0.5 * 0.25 * variance * A.trace())
    assert_mean(found.gradient, A @ y + b)
    assert_mean(found.hessian, A)


@ways
def test_gumbel_noise_is_not_centred(control_variate: Any) -> None:
    found = estimates(
        lambda x: 3.0 * x.sum(-1), [1.0], noise="gumbel", control_variate=control_variate
    )
    assert_mean(found.value, 3.0 * (1.0 + 0.5 * np.euler_gamma))
    assert_mean(found.gradient, [3.0])
    assert_mean(found.hessian, [[0.0]])


def test_antithetic_samples_are_exact_for_a_linear_value() -> None:
    y = torch.randn(3, 2, dtype=torch.float64)
    torch.testing.assert_close(smoothed(lambda x: x.sum(-1), antithetic=True)(y), y.sum(-1))


SIGN = {
    "gaussian": scipy.stats.norm,
    "logistic": scipy.stats.logistic,
    "gumbel": scipy.stats.gumbel_r,
    "cauchy": scipy.stats.cauchy,
}


@ways
@pytest.mark.parametrize(
    ("noise", "antithetic"), [(n, a) for n in NOISES for a in (False, True)[: 1 + (n in SYMMETRIC)]]
)
def test_a_step_becomes_the_distribution_of_the_noise(
    control_variate: Any, noise: str, antithetic: bool
) -> None:
    """For Gaussian noise, `E sign(y + σε) = erf(y / (σ √2))`."""
    y, sigma, law = 0.3, 0.5, SIGN[noise]
    found = estimates(
        sign, [y], noise=noise, control_variate=control_variate, antithetic=antithetic
    )
    assert_mean(found.value, 1.0 - 2.0 * law.cdf(-y / sigma))
    assert_mean(found.gradient, [2.0 * law.pdf(-y / sigma) / sigma])
    h = 1e-5
    slope = (law.pdf(-(y + h) / sigma) - law.pdf(-(y - h) / sigma)) / (2.0 * h)
    assert_mean(found.hessian, [[2.0 * slope / sigma]])
    if noise == "gaussian":
        assert math.isclose(1.0 - 2.0 * law.cdf(-y / sigma), math.erf(y / sigma / math.sqrt(2.0)))


def spread(found: Tensor) -> float:
    return float(found.var(dim=0).sum())


def test_control_variates_reduce_the_variance() -> None:
    """Of a function far from 0; the margins are large."""
    box = lambda x: 10.0 + sign(x)  # noqa: E731
    none, at_y, others = (
        estimates(box, [0.3, -0.2], 2000, control_variate=c) for c in (False, True, "leave_one_out")
    )
    for better in (at_y, others):
        assert spread(better.gradient) < spread(none.gradient) / 20
        assert spread(better.hessian) < spread(none.hessian) / 20


def test_antithetic_sampling_reduces_the_variance() -> None:
    plain, mirrored = (
        estimates(lambda x: x.sum(-1).exp(), [0.0], 2000, sigma=0.1, antithetic=antithetic)
        for antithetic in (False, True)
    )
    assert spread(mirrored.value) < spread(plain.value) / 20
    assert spread(mirrored.hessian) < spread(plain.hessian) / 1.5


# --- FenchelYoungLoss ------------------------------------------------------------------------

THETA = [0.3, -0.2, 0.5]


def copies(values: list[float], count: int = 20_000) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, device=DEVICE).expand(count, len(values))


def test_gumbel_noise_gives_softmax_and_logsumexp() -> None:
    theta = copies(THETA)
    generator = torch.Generator(DEVICE).manual_seed(0)
    noise = -torch.empty(4, *theta.shape, dtype=theta.dtype).exponential_(generator=generator).log()
    target = copies([0.0, 1.0, 0.0])
    found = loss().derivatives(theta, target, noise)
    scaled = torch.tensor(THETA, dtype=torch.float64) / 0.5
    expected_value = 0.5 * (scaled.logsumexp(0) + np.euler_gamma) - THETA[1]
    assert_mean(found.value, expected_value)
    assert_mean(found.gradient, scaled.softmax(0).cpu() - torch.tensor([0.0, 1.0, 0.0]).cpu())


def choice_probabilities(theta: Array, sigma: float) -> Array:
    """The probability of each entry to be the largest under Gaussian noise.

    By the trapezoidal rule, which is exact to rounding for a smooth function that dies off.
    """
    x = np.linspace(-12.0, 12.0, 2001)[:, None] - theta / sigma  # (points, entries)
    below, at = scipy.stats.norm.cdf(x), scipy.stats.norm.pdf(x)
    others = [np.delete(below, i, axis=1).prod(axis=1) for i in range(len(theta))]
    p: Array = (at * np.stack(others, axis=1)).sum(axis=0) * 0.012
    return p


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("num_samples", [2, 5])
def test_gaussian_noise_gives_the_choice_probabilities_and_their_jacobian(
    maximize: bool, num_samples: int
) -> None:
    sign = 1.0 if maximize else -1.0
    generator = torch.Generator(DEVICE).manual_seed(0)
    module = loss(
        best if maximize else worst,
        maximize=maximize,
        num_samples=num_samples,
        generator=generator,
    )
    theta, target = copies([sign * x for x in THETA]), copies([1.0, 0.0, 0.0])
    found = module.derivatives(theta, target)
    p = choice_probabilities(np.array(THETA), 0.5)
    assert_mean(found.gradient, sign * (p - np.array([1.0, 0.0, 0.0])))
    h, J = 1e-4, np.zeros((3, 3))
    for i in range(3):
        step = h * np.eye(3)[i]
        ahead, back = (choice_probabilities(np.array(THETA) + d, 0.5) for d in (step, -step))
        J[:, i] = (ahead - back) / (2.0 * h)
    assert_mean(found.hessian, J)
    assert np.linalg.eigvalsh(J).min() > -1e-6  # Convex, for either sign.


def cosine(found: Any) -> float:
    """Of two independent estimates of the same Hessian."""
    a, b = found.hessian.flatten(1)
    return float(F.cosine_similarity(a, b, dim=0))


def test_this_hessian_is_real_where_that_of_a_smoothed_loss_is_noise() -> None:
    """Of the 10 largest of 30 numbers."""

    def largest(theta: Tensor) -> Tensor:
        return torch.zeros_like(theta).scatter(-1, theta.topk(10).indices, 1.0)

    def hamming(theta: Tensor, target: Tensor) -> Tensor:
        return (largest(theta) - target).abs().sum(-1)

    theta = torch.rand(1, 30, dtype=torch.float64).expand(2, 30)
    target = largest(torch.rand(1, 30)).expand(2, 30)
    options = {
        "sigma": 0.1,
        "num_samples": 1000,
        "generator": torch.Generator(DEVICE).manual_seed(0),
    }

    assert cosine(FenchelYoungLoss(largest, **options).derivatives(theta, target)) > 0.8
    assert cosine(StochasticSmoothing(hamming, **options).derivatives(theta, target)) < 0.5
