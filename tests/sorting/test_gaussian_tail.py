from __future__ import annotations

import mpmath
import pytest
import torch
from torch import Tensor

from newton_optim.sorting._gaussian_tail import TAIL, hazards, log_ndtr, log_ndtr_pair
from tests.asserts import EPS

# Both sides of every branch, and far out.
SIZES = (0.0, 1e-9, 0.3, 2.0, 6.0, TAIL - 1e-9, TAIL, TAIL + 1e-9, 11.0, 40.0, 700.0, 1e4)
POINTS = sorted({sign * size for size in SIZES for sign in (-1.0, 1.0)})
# A weight e^(-k) has the condition number k, and is a normal number up to k = 709.
TOLERANCE = 2 * 709 * EPS[torch.float64]


def tensor(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def exact(v: float) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """`log Φ(v)` and its first two derivatives."""
    with mpmath.workdps(60):
        small = mpmath.erfc(abs(mpmath.mpf(v)) / mpmath.sqrt(2)) / 2
        value = mpmath.log1p(-small) if v >= 0 else mpmath.log(small)
        hazard = mpmath.npdf(v) / (1 - small if v >= 0 else small)
        return value, hazard, -hazard * (hazard + v)


def assert_near(actual: Tensor, truth: mpmath.mpf) -> None:
    assert abs(actual.item() - truth) <= TOLERANCE * abs(truth) + 1e-300


@pytest.mark.parametrize("v", POINTS)
def test_the_logarithm_and_its_derivatives_by_autograd(v: float) -> None:
    x = tensor(v).requires_grad_()
    value = log_ndtr(x)
    (first,) = torch.autograd.grad(value, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    for actual, truth in zip((value, first, second), exact(v), strict=True):
        assert_near(actual, truth)


@pytest.mark.parametrize("v", POINTS)
def test_the_pair_of_values(v: float) -> None:
    for actual, sign in zip(log_ndtr_pair(tensor(v)), (1.0, -1.0), strict=True):
        assert_near(actual, exact(sign * v)[0])


@pytest.mark.parametrize("v", POINTS)
def test_hazards_and_their_excess(v: float) -> None:
    hazard, excess = hazards(tensor(v))
    _, slope, curvature = exact(-v)
    assert_near(hazard, slope)
    assert_near(excess, -curvature / slope)


def test_the_derivatives_of_torch_lose_the_tail() -> None:
    """Why the continued fraction is needed."""
    x = tensor(-1e4).requires_grad_()
    (first,) = torch.autograd.grad(torch.special.log_ndtr(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert abs(second.item() + 1.0) > 1e-10


def test_batching_needs_no_fallback() -> None:
    v = torch.tensor(POINTS, dtype=torch.float64)
    mapped = torch.func.vmap(torch.func.grad(torch.func.grad(log_ndtr)))(v)
    expected = torch.tensor([float(exact(point)[2]) for point in POINTS], dtype=torch.float64)
    torch.testing.assert_close(mapped, expected, rtol=TOLERANCE, atol=1e-300)
    for function in (log_ndtr_pair, hazards):
        for actual, want in zip(torch.func.vmap(function)(v), function(v), strict=True):
            torch.testing.assert_close(actual, want)
