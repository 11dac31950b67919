"""The sweeps through a sorting network, against dense matrices and autograd."""

from __future__ import annotations

import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._comparators import comparators
from newton_optim.sorting._network_sweeps import (
    adjoints,
    mixed_identity,
    mixed_products,
    tangents,
)
from tests.sorting.dense_network import (
    assert_near,
    dense_differences,
    dense_effects,
    dense_permutation,
    dense_weights,
)
from tests.sorting.network_strategies import SMOOTH, cases

Case = tuple[SortingNetwork, Tensor, Tensor]
smooth_cases = cases(distributions=SMOOTH, wide=False)


@given(smooth_cases)
def test_the_product_and_its_derivatives_by_the_weights(case: Case) -> None:
    """`P`, and `∂P/∂α_k = R_k E_kᵀ`."""
    network, scores, _ = case
    pairs = comparators(network, scores)
    P, E = mixed_identity(pairs, network.n)
    transposed, R = mixed_identity(pairs, network.n, backward=True)
    for s in range(len(scores)):
        keep = pairs.keep[:, s]
        assert_near(P[:, s], dense_permutation(network, keep))
        assert_near(transposed[:, s], P[:, s].T)
        by_weights = torch.func.jacrev(lambda alpha: dense_permutation(network, alpha))(keep)
        assert_near(torch.einsum("ki,kj->ijk", R[:, s], E[:, s]), by_weights)


@given(smooth_cases)
def test_tangents_are_the_jacobian_of_the_differences(case: Case) -> None:
    network, scores, _ = case
    V = tangents(comparators(network, scores), network.n)
    for s, y in enumerate(scores):
        jacobian = torch.func.jacrev(lambda y: dense_differences(network, y))(y)
        assert_near(network.steepness * V[:, s], jacobian)


@given(smooth_cases)
def test_adjoints_make_the_gradient_of_a_sum_of_weights(case: Case) -> None:
    """For `l = Σ_k F_k α_k` the gradient is `Eᵀ v̄`, in units of the steepness."""
    network, scores, _ = case
    pairs = comparators(network, scores)
    F = torch.randn(pairs.keep.shape, dtype=torch.float64)
    _, E = mixed_identity(pairs, network.n)
    v_bar, y_bar = adjoints(pairs, network.n, F)
    assert_near(v_bar, pairs.slope * F + pairs.v_slope * y_bar)
    for s, y in enumerate(scores):
        gradient = torch.func.grad(lambda y, s=s: dense_weights(network, y) @ F[:, s])(y)
        assert_near(network.steepness * (v_bar[:, s] @ E[:, s]), gradient)


@given(smooth_cases)
def test_mixed_products_are_those_with_the_dense_effects(case: Case) -> None:
    network, scores, _ = case
    if network.n == 1:  # No comparator, no layer but the first.
        return
    pairs = comparators(network, scores)
    K, N = pairs.keep.shape
    left, middle, right = torch.randn(3, N, K, network.n, dtype=torch.float64)
    rows = mixed_products(pairs, left, middle.mT, right)
    first = len(network.wiring.layers[0].first)
    for s in range(N):
        expected = (dense_effects(network, pairs.keep[:, s]) * (left @ middle.mT)[s]) @ right[s]
        assert not expected[:first].any()
        found = torch.cat([right[s][:0], *(part[s] for part in rows)])
        assert_near(found, expected[first:])
