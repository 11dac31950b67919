"""What travels through a sorting network, against dense matrices and autograd."""

from __future__ import annotations

import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import DISTRIBUTIONS, weight
from newton_optim.sorting._network_sweeps import (
    adjoints,
    comparators,
    mixed_identity,
    mixed_products,
    tangents,
)
from tests.sorting.network_strategies import SMOOTH, cases

Case = tuple[SortingNetwork, Tensor, Tensor]
smooth_cases = cases(distributions=SMOOTH, wide=False)


def shifts(network: SortingNetwork) -> list[Tensor]:
    """Of every layer, a row for each comparator: -1 at its first and 1 at its second wire."""
    eye = torch.eye(network.n, dtype=torch.float64)
    return [eye[high] - eye[low] for low, high in network._layers]


def dense_layer(pairs: Tensor, keep: Tensor) -> Tensor:
    """`I - Σ_k (1 - α_k) s_k s_kᵀ`: the matrix of a layer."""
    return torch.eye(pairs.shape[1], dtype=pairs.dtype) - pairs.T @ ((1 - keep)[:, None] * pairs)


def dense_permutation(network: SortingNetwork, keep: Tensor) -> Tensor:
    """The ascending `P` of one sample as a function of the weights `α`, `(K,)`."""
    P = torch.eye(network.n, dtype=keep.dtype)
    layers = shifts(network)
    for pairs, alpha in zip(layers, keep.split([len(p) for p in layers]), strict=True):
        P = dense_layer(pairs, alpha) @ P
    return P


def dense_differences(network: SortingNetwork, scores: Tensor) -> Tensor:
    """`v`, `(K,)`, of one sample."""
    x, v = scores, [scores[:0]]
    for pairs in shifts(network):
        v.append(network.steepness * (pairs @ x))
        x = dense_layer(pairs, weight(network.distribution, v[-1], network.steepness)) @ x
    return torch.cat(v)


def dense_weights(network: SortingNetwork, scores: Tensor) -> Tensor:
    """`α`, `(K,)`, of one sample."""
    return weight(network.distribution, dense_differences(network, scores), network.steepness)


def assert_near(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


# At a tie of logistic_phi the last bit of v decides, and the dense network has other last bits.
FIRM = tuple(name for name in DISTRIBUTIONS if name != "logistic_phi")


@given(cases(distributions=FIRM, wide=False) | cases(ties=False, wide=False))
def test_comparators_see_what_the_dense_network_sees(case: Case) -> None:
    network, scores, _ = case
    pairs = comparators(network, scores)
    for s, y in enumerate(scores):
        v = dense_differences(network, y)
        both = weight(network.distribution, torch.stack((v, -v)), network.steepness)
        torch.testing.assert_close(torch.stack((pairs.keep[:, s], pairs.swap[:, s])), both)
        assert_near(pairs.pull[:, s], v * pairs.first[:, s])
        assert_near(pairs.bend[:, s], v * pairs.second[:, s] + 2 * pairs.first[:, s])


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
    assert_near(v_bar, pairs.first * F + pairs.pull * y_bar)
    for s, y in enumerate(scores):
        gradient = torch.func.grad(lambda y, s=s: dense_weights(network, y) @ F[:, s])(y)
        assert_near(network.steepness * (v_bar[:, s] @ E[:, s]), gradient)


def dense_effects(network: SortingNetwork, keep: Tensor) -> Tensor:
    """`G`, `(K, K)`: what a shift of pair m does to a pair k of a later layer."""
    layers = shifts(network)
    blocks = [[torch.zeros(len(a), len(b), dtype=keep.dtype) for b in layers] for a in layers]
    alphas = keep.split([len(pairs) for pairs in layers])
    for m, shifted in enumerate(layers):
        moved = shifted.T
        for k in range(m + 1, len(layers)):
            blocks[k][m] = layers[k] @ moved
            moved = dense_layer(layers[k], alphas[k]) @ moved
    return torch.cat([torch.cat(row, dim=1) for row in blocks])


@given(smooth_cases)
def test_mixed_products_are_those_with_the_dense_effects(case: Case) -> None:
    network, scores, _ = case
    if network.n == 1:  # No comparator, no layer but the first.
        return
    pairs = comparators(network, scores)
    K, N = pairs.keep.shape
    left, middle, right = torch.randn(3, N, K, network.n, dtype=torch.float64)
    rows = mixed_products(pairs, network._incidence, left, middle.mT, right)
    first = len(network._layers[0][0])
    for s in range(N):
        expected = (dense_effects(network, pairs.keep[:, s]) * (left @ middle.mT)[s]) @ right[s]
        assert not expected[:first].any()
        found = torch.cat([right[s][:0], *(part[s] for part in rows)])
        assert_near(found, expected[first:])
