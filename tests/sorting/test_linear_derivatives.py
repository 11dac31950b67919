"""The closed form from the entries of P: as exact as log space where it says so."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import FAT_TAILED
from newton_optim.sorting._linear_derivatives import LinearDerivatives
from newton_optim.sorting._log_derivatives import LogDerivatives
from tests.sorting.mp_network import mp_loss_along
from tests.sorting.network_bounds import assert_right_to_rounding
from tests.sorting.network_strategies import spread_cases

Case = tuple[SortingNetwork, Tensor, Tensor, list[float]]


@settings(max_examples=100)
@given(spread_cases(distributions=FAT_TAILED))
def test_it_is_right_to_rounding_where_no_entry_is_tiny(case: Case) -> None:
    network, scores, order, direction = case
    found = LinearDerivatives(network, scores[None], order[None])
    # Weights fall like 1/|v|: at these spreads, products of up to eight stay normal numbers.
    assert found.exact.all()
    line = mp_loss_along(network, scores.tolist(), order.tolist(), direction)
    parts = found.value[0], found.gradient[0], found.hessian()[0]
    assert_right_to_rounding(network, scores, direction, line, parts)


def test_it_says_where_an_entry_is_too_small() -> None:
    network = SortingNetwork(2, distribution="logistic", steepness=1.0)
    scores = torch.tensor([[1.0, 0.0], [70.0, 0.0], [74.0, 0.0], [200.0, 0.0]])
    found = LinearDerivatives(network, scores, torch.tensor([0, 1]).expand(4, 2))
    # e^-71 is the smallest normal number over the unit of rounding.
    assert found.exact.tolist() == [True, True, False, False]


def test_it_has_no_gradient_where_log_space_has_one() -> None:
    """Why there is a form in log space."""
    network = SortingNetwork(2, distribution="logistic", steepness=1.0)
    scores, order = torch.tensor([[200.0, 0.0]]), torch.tensor([[0, 1]])
    assert not LinearDerivatives(network, scores, order).gradient.any()
    gradient = LogDerivatives(network, scores, order).gradient
    torch.testing.assert_close(gradient, torch.tensor([[1.0, -1.0]]))
