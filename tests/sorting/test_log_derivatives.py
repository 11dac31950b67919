"""The closed form in log space against 60 digits, for all distributions at all spreads."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._log_derivatives import LogDerivatives
from tests.sorting.mp_network import mp_loss_along
from tests.sorting.network_bounds import assert_right_to_rounding
from tests.sorting.network_strategies import LONG, spread_cases

Case = tuple[SortingNetwork, Tensor, Tensor, list[float]]


def assert_right(case: Case) -> None:
    network, scores, order, direction = case
    found = LogDerivatives(network, scores[None], order[None])
    line = mp_loss_along(network, scores.tolist(), order.tolist(), direction)
    parts = found.value[0], found.gradient[0], found.hessian()[0]
    assert all(part.dtype == scores.dtype for part in parts)
    assert_right_to_rounding(network, scores, direction, line, parts)


@settings(max_examples=150)
@given(spread_cases())
def test_value_gradient_and_hessian_are_right_to_rounding(case: Case) -> None:
    assert_right(case)


@settings(max_examples=4)
@given(spread_cases(sizes=LONG))
def test_long_lists_too(case: Case) -> None:
    assert_right(case)


@pytest.mark.parametrize("distribution", ["logistic", "gaussian", "logistic_phi"])
def test_a_saturated_sample_keeps_its_gradient(distribution: str) -> None:
    """Saturated wrong by 50: the loss is that of `-log f(-500)`, and so is its slope."""
    network = SortingNetwork(2, distribution=distribution, steepness=10.0)
    scores, order = torch.tensor([[50.0, 0.0]]), torch.tensor([[0, 1]])
    found = LogDerivatives(network, scores, order)
    line = mp_loss_along(network, [50.0, 0.0], [0, 1], [1.0, 0.0])
    assert line.loss.value > 90.0
    torch.testing.assert_close(found.value.item(), float(line.loss.value), rtol=1e-6, atol=0.0)
    torch.testing.assert_close(
        found.gradient[0, 0].item(), float(line.loss.first), rtol=1e-6, atol=0.0
    )


@pytest.mark.parametrize("kind", ["odd_even", "bitonic"])
def test_the_hessian_is_symmetric_to_the_last_bit(kind: str) -> None:
    network = SortingNetwork(8, network=kind, distribution="logistic")
    hessian = LogDerivatives(network, torch.randn(5, 8), torch.rand(5, 8).argsort(-1)).hessian()
    assert torch.equal(hessian, hessian.mT)
