"""A sorting network by dense matrices, and its ranking loss entry by entry: slow, and right."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import weight


def dense_weights_of_truth(network: SortingNetwork, scores: Tensor, order: Tensor) -> Tensor:
    """`q` of one sample, straight from the definition."""
    P = network(scores)
    P = P.flip(-2) if network.descending else P
    n = network.n
    q = []
    for i in range(n):
        for j in range(n):
            others = sum((P[i, k] for k in range(n) if k != j), torch.zeros_like(P[0, 0]))
            q.append(P[i, j] if order[i] == j else others)
    return torch.stack(q)


def dense_loss(network: SortingNetwork, scores: Tensor, order: Tensor) -> Tensor:
    return -dense_weights_of_truth(network, scores, order).log().mean()


def without_near_ties(network: SortingNetwork, scores: Tensor) -> Tensor:
    """The scores; for logistic_phi such that no two wires inside of the network meet.

    Its second derivative jumps by 1e10 within 1e-10 of a tie: rounding alone decides where
    in between a comparator is whose wires are equal only mathematically.
    """
    if network.distribution != "logistic_phi":
        return scores
    return scores + torch.arange(network.n, dtype=scores.dtype).pow(1.5)


def size_of_parts(network: SortingNetwork, scores: Tensor, order: Tensor) -> float:
    """The size of `Σ ∇q ∇qᵀ / (n q)²`, of which the Hessian may be a small difference."""

    def log_q(y: Tensor) -> Tensor:
        return dense_weights_of_truth(network, y, order).log()

    J = torch.func.jacrev(log_q)(scores) / network.n
    return float((J.T @ J).abs().max())


def assert_within(actual: Tensor, expected: Tensor, size: float, tolerance: float) -> None:
    error = (actual.double() - expected).abs().max()
    assert error <= tolerance * size, f"{float(error)} > {tolerance} x {size}"


def shifts(network: SortingNetwork) -> list[Tensor]:
    """Of every layer, a row for each comparator: -1 at its first and 1 at its second wire."""
    eye = torch.eye(network.n, dtype=torch.float64)
    return [eye[list(b)] - eye[list(a)] for a, b in network.wiring.layers]


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


def assert_near(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)
