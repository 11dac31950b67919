from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim.sorting import RankingLoss, SortingNetwork
from newton_optim.sorting._distributions import DISTRIBUTIONS
from newton_optim.sorting._network_derivatives import network_derivatives
from newton_optim.sorting._network_loss import network_loss
from tests.asserts import hessian_of
from tests.sorting.dense_network import assert_within, dense_loss, without_near_ties
from tests.sorting.mp_network import mp_loss_along
from tests.sorting.network_bounds import assert_right_to_rounding
from tests.sorting.network_strategies import cases, spread_cases

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

Case = tuple[SortingNetwork, Tensor, Tensor]
SpreadCase = tuple[SortingNetwork, Tensor, Tensor, list[float]]


@given(cases(wide=False))
def test_the_loss_is_that_of_the_dense_definition(case: Case) -> None:
    network, scores, order = case
    for value, y, o in zip(network_loss(network, scores, order), scores, order, strict=True):
        assert_within(value, dense_loss(network, y, o), 1.0, 1e-13)


@given(cases(kinks=False))
def test_double_backward_is_the_hessian(case: Case) -> None:
    network, scores, order = case
    scores = without_near_ties(network, scores)
    y = scores.float().requires_grad_()
    (gradient,) = torch.autograd.grad(network_loss(network, y, order).sum(), y, create_graph=True)
    rows = [
        torch.autograd.grad(gradient[:, k].sum(), y, retain_graph=True)[0] for k in range(network.n)
    ]
    hessian = hessian_of(network_derivatives(network, scores.float(), order))
    size = max(float(hessian.abs().max()), (1e3 * network.steepness) ** 2)
    assert_within(torch.stack(rows, 1), hessian.double(), size, 1e-6)


@settings(max_examples=120)
@given(spread_cases())
def test_autograd_is_right_to_rounding(case: SpreadCase) -> None:
    """Value, first and second derivative against 60 digits, saturated right and wrong."""
    network, scores, order, direction = case
    y = scores.clone().requires_grad_()
    value = network_loss(network, y, order)
    (gradient,) = torch.autograd.grad(value, y, create_graph=True)
    rows = [torch.autograd.grad(g, y, retain_graph=True)[0] for g in gradient]
    line = mp_loss_along(network, scores.tolist(), order.tolist(), direction)
    parts = value.detach(), gradient.detach(), torch.stack(rows)
    assert_right_to_rounding(network, scores, direction, line, parts)


def gradients_at_ties(network: SortingNetwork) -> tuple[Tensor, Tensor]:
    """The gradients at equal scores for all labels, and how far they point to the labels.

    That is the cosine of a step against the gradient with the centred labels.
    """
    labels = torch.tensor(list(permutations(range(network.n))), dtype=torch.float64)
    y = torch.zeros_like(labels).requires_grad_()
    (gradient,) = torch.autograd.grad(network_loss(network, y, labels.argsort(-1)).sum(), y)
    return gradient, torch.cosine_similarity(-gradient, labels - labels.mean(), dim=-1)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_exact_ties_are_separated_by_their_labels(n: int, distribution: str) -> None:
    """Odd-even networks are smooth there, and their gradient is not 0, whatever the labels."""
    network = SortingNetwork(n, distribution=distribution, steepness=1.0)
    _, cosines = gradients_at_ties(network)
    assert cosines.min() > 0.5


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_bitonic_networks_are_stationary_at_ties_for_most_labels(distribution: str) -> None:
    network = SortingNetwork(4, network="bitonic", distribution=distribution, steepness=1.0)
    gradient, _ = gradients_at_ties(network)
    assert (gradient.abs().amax(-1) < 1e-12 * gradient.abs().max()).sum() == 16


@pytest.mark.parametrize("distribution", ["cauchy", "logistic"])
def test_a_start_from_ties_is_left_for_the_true_order(distribution: str) -> None:
    network = SortingNetwork(4, distribution=distribution, steepness=1.0)
    labels = torch.tensor(list(permutations(range(4))))
    y, order = torch.zeros(len(labels), 4), labels.argsort(-1)
    for _ in range(200):
        y = y - network_derivatives(network, y, order).gradient
    assert torch.equal(y.argsort(-1), order)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("descending", [False, True])
def test_sorted_scores_have_the_least_loss(distribution: str, descending: bool) -> None:
    network = SortingNetwork(4, distribution=distribution, steepness=1e4, descending=descending)
    scores = torch.tensor([[0.3, -1.0, 2.0, 0.9]])
    right = network_loss(network, scores, scores.argsort(-1))
    wrong = network_loss(network, scores, scores.argsort(-1, descending=True))
    assert right < 1e-3
    assert wrong > 0.5


@pytest.mark.parametrize("distribution", ["logistic", "gaussian", "cauchy"])
def test_trap_squares_of_small_probabilities(distribution: str) -> None:
    """At a spread of 600 / steepness q is e^-600 under a logistic, whose square is no float64."""
    network = SortingNetwork(5, distribution=distribution)
    scores = torch.tensor([0.0, 0.0, 0.0, 0.0, 59.9], dtype=torch.float64)
    order = torch.tensor([4, 3, 2, 1, 0])
    second = torch.func.hessian(lambda y: network_loss(network, y, order))(scores)
    exact = hessian_of(network_derivatives(network, scores, order))
    torch.testing.assert_close(second, exact, rtol=1e-9, atol=1e-9)


def test_scores_of_another_size_are_refused() -> None:
    loss = RankingLoss(SortingNetwork(4))
    scores = torch.zeros(2, 3)
    for function in (loss, loss.derivatives):
        with pytest.raises(ValueError, match=r"scores must have shape \(\.\.\., 4\)"):
            function(scores, scores)
