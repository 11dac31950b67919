from __future__ import annotations

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting._distributions import (
    DISTRIBUTIONS,
    PHI_GUARD,
    weight,
    weight_derivatives,
)
from tests.sorting.mp_network import mp_weight

distributions = st.sampled_from(DISTRIBUTIONS)
# Where the functions are smooth: away from ties and from ±1/4.
magnitudes = st.sampled_from([1e-3, 0.1, 0.3, 0.9, 2.0, 7.0, 25.0])
signs = st.sampled_from([-1.0, 1.0])


def tensor(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


@given(distributions, st.floats(-700.0, 700.0))
def test_weight_is_right_in_its_tails(name: str, v: float) -> None:
    actual = weight(name, tensor(v), 10.0).item()
    expected = mp_weight(name, mpmath.mpf(v), 10.0)
    if expected > torch.finfo(torch.float64).tiny:
        # A gaussian or an exponential of v has condition number v² or v.
        condition = max(1.0, v * v if name == "gaussian" else abs(v))
        assert abs(actual - expected) <= 1e-15 * condition * expected
    else:
        assert 0.0 <= actual <= 3e-308


@given(distributions, st.floats(-1e300, 1e300))
def test_both_weights_sum_to_one(name: str, v: float) -> None:
    total = weight(name, tensor(v), 10.0) + weight(name, tensor(-v), 10.0)
    assert abs(total.item() - 1.0) <= 4e-16


@given(distributions, magnitudes, signs)
def test_derivatives_are_those_of_the_function(name: str, magnitude: float, sign: float) -> None:
    v = sign * magnitude
    with mpmath.workdps(400):
        expected = [mpmath.diff(lambda t: mp_weight(name, t, 10.0), v, k) for k in (1, 2)]
    for actual, truth in zip(weight_derivatives(name, tensor(v), 10.0), expected, strict=True):
        assert abs(actual.item() - truth) <= 1e-11 * abs(truth) + 1e-300


@given(distributions, st.floats(-30.0, 30.0) | st.sampled_from([-0.25, 0.0, 0.25]))
def test_autograd_agrees_with_the_closed_form(name: str, v: float) -> None:
    x = tensor(v).requires_grad_()
    (first,) = torch.autograd.grad(weight(name, x, 10.0), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    closed_first, closed_second = weight_derivatives(name, tensor(v), 10.0)
    torch.testing.assert_close(first, closed_first, rtol=1e-9, atol=1e-14)
    # Near a tie the second derivative of logistic_phi is the difference of large terms.
    scale = 1.0 + closed_first.item() / (abs(v) + 1e-11)
    torch.testing.assert_close(second, closed_second, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_ties(name: str) -> None:
    assert weight(name, tensor(0.0), 10.0) == 0.5
    first, second = weight_derivatives(name, tensor(0.0), 10.0)
    slopes = {"logistic": 0.25, "cauchy": 1 / torch.pi, "reciprocal": 0.25, "optimal": 1.0}
    slopes |= {"gaussian": (2 * torch.pi) ** -0.5, "logistic_phi": 0.25 * PHI_GUARD**-0.25}
    assert first.item() == pytest.approx(slopes[name], rel=1e-12)
    assert second.item() == 0.0


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("v", [1e30, 1e200, 1.7e308])
def test_huge_differences_are_decided(name: str, v: float) -> None:
    both = torch.tensor([v, -v], dtype=torch.float64)
    torch.testing.assert_close(weight(name, both, 10.0), both.sign().clamp(min=0.0))
    for derivative in weight_derivatives(name, both, 10.0):
        assert derivative.abs().max() <= 1e-15
