"""The ranking loss of a sorting network, and its gradient and Hessian by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._network import SortingNetwork, relaxed_permutation, wide
from newton_optim.sorting._network_sweeps import (
    adjoints,
    comparators,
    mixed_identity,
    mixed_products,
    tangents,
)

# Elements of the largest intermediate tensor: what stays in a CPU's cache.
CHUNK_ELEMENTS = 2**19


def network_loss(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> Tensor:
    """Cross-entropy between `P` and the true permutation, by plain torch operations.

    `l = -1/n² Σ_ij log q_ij`, where `q_ij` is `P_ij` where element `j` belongs at rank `i`, and
    `1 - P_ij`, the sum of the row's other entries, elsewhere. A `q` below the dtype's smallest
    normal number is clamped there and has zero derivative. The loss may be differentiated any
    number of times; it runs in float64, as the second derivative of a logarithm overflows float32.

    Args:
        network: the network.
        scores: `(..., n)`.
        ranks: `(..., n)`, integers: the true rank of each element in the network's direction.

    Returns:
        The loss of every sample, shape `(...,)`, float32 at least.
    """
    dtype = torch.promote_types(scores.dtype, torch.float32)
    x = wide(scores)
    P = relaxed_permutation(network, x, x.dtype)
    q = _weight_of_truth(P, _target(network, ranks))
    return -q.clamp(min=torch.finfo(dtype).tiny).log().mean((-2, -1)).to(dtype)


def network_derivatives(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> LossDerivatives:
    r"""Value, gradient and Hessian of `network_loss`, in closed form.

    `P` is the product of the layers and so multilinear in the weights `α_k = f(v_k)` of the `K`
    comparators. Let `M` be the product of the layers before comparator `k`, on the wires `a` and
    `b`, and `B` that of the layers after it. Then

        ∂P/∂α_k = R_k E_kᵀ,                  E_k = M_b - M_a,   R_k = B_b - B_a  (columns of B),
        ∂²P/∂α_k∂α_m = G_km R_k E_mᵀ,        m in a layer before that of k,

    with `G_km` the effect on the pair `k` of a shift of the pair `m` by (-1, 1). The scores are
    mixed like the rows of `M`. With `W = ∂l/∂P` and `F_k = R_kᵀ W E_k`, in units of
    steepness · scores,

        V = ∂v/∂scores:   V = E + G (v f' V),
        v̄ = ∂l/∂v:        v̄ = f' (F + v y),   y = Gᵀ v̄,
        gradient:         g = Eᵀ v̄,
        Hessian:          H = Σ_ij ∇q_ij ∇q_ijᵀ / (n q_ij)² + Vᵀ (S + Sᵀ + D) V,
                          S_km = f'_k G_km (R_kᵀ W E_m) f'_m,   D = diag(F f'' + y (v f'' + 2 f')).

    Each term of these sums is a product of weights along paths through the network, over `q`, and
    bounded by the steepness: nothing overflows while `q` is a normal number, and every error is
    rounding, relative to the size of the two parts of `H`.

    Args:
        network: the network.
        scores: `(N, n)`.
        ranks: `(N, n)`, integers: the true rank of each element in the network's direction.

    Returns:
        Value `(N,)`, gradient `(N, n)`, and the Hessian `(N, n, n)`, computed when asked for.
    """
    with torch.no_grad(), torch.autocast(scores.device.type, enabled=False):
        work = _Derivatives(network, scores.detach(), ranks)
    return LossDerivatives(work.value, work.gradient, work.hessian)


class _Derivatives:
    """Value and gradient, and what the Hessian will need. The letters are those above."""

    def __init__(self, network: SortingNetwork, scores: Tensor, ranks: Tensor) -> None:
        self.n, self.steepness = network.n, network.steepness
        self.incidence = network._incidence
        self.pairs = comparators(network, scores)
        P, E = mixed_identity(self.pairs, self.n)
        _, R = mixed_identity(self.pairs, self.n, backward=True)
        target = _target(network, ranks)
        q = _weight_of_truth(P.transpose(0, 1), target)  # (N, n, n)
        tiny = torch.finfo(q.dtype).tiny
        self.value = -q.clamp(min=tiny).log().mean((-2, -1))
        # 1 / (n q), zero where q is clamped. NaN stays NaN.
        self.inverse = torch.where(q < tiny, 0.0, 1.0 / (self.n * q))
        W = torch.where(target, -self.inverse, self.inverse) / self.n
        self.E, self.R = E.transpose(0, 1), R.transpose(0, 1)  # (N, K, n)
        self.RW = self.R @ W
        self.F = (self.RW * self.E).sum(-1).t()  # (K, N)
        v_bar, self.y = adjoints(self.pairs, self.n, self.F)
        self.gradient = self.steepness * (v_bar.unsqueeze(-1) * E).sum(0)

    def hessian(self) -> Tensor:
        """The Hessians, `(N, n, n)`."""
        with torch.no_grad(), torch.autocast(self.E.device.type, enabled=False):
            pairs = self.pairs
            V = tangents(pairs, self.n).transpose(0, 1)
            first = pairs.first.t().unsqueeze(-1)
            diagonal = (self.F * pairs.second + self.y * pairs.bend).t().unsqueeze(-1)
            SV = 0.5 * diagonal * V
            left, middle = first * self.RW, (first * self.E).transpose(1, 2)
            products = mixed_products(pairs, self.incidence, left, middle, V)
            for layer, rows in zip(pairs.layers[1:], products, strict=True):
                SV[:, layer.members] += rows
            half = V.transpose(1, 2) @ SV + 0.5 * self._squares(first * V)
            return self.steepness**2 * (half + half.transpose(1, 2))

    def _squares(self, A: Tensor) -> Tensor:
        """`Σ_ij ∇q_ij ∇q_ijᵀ / (n q_ij)²`, `(N, n, n)`, with `A = ∂α/∂scores`, `(N, K, n)`."""
        n, N = self.n, A.shape[0]
        R, E, A = (part.transpose(1, 2).contiguous() for part in (self.R, self.E, A))
        scale = self.inverse.flatten(1).unsqueeze(1)
        size = max(1, CHUNK_ELEMENTS // max(1, n * E[0].numel())) if E.is_cpu else max(1, N)
        squares = []
        for r, e, a, s in zip(*(part.split(size) for part in (R, E, A, scale)), strict=True):
            dP = (r.unsqueeze(2) * e.unsqueeze(1)).flatten(1, 2)  # (size, n², K)
            dq = (a @ dP.transpose(1, 2)).mul_(s)  # (size, n, n²)
            squares.append(dq @ dq.transpose(1, 2))
        return torch.cat(squares)


def _target(network: SortingNetwork, ranks: Tensor) -> Tensor:
    """Where element `j` belongs at rank `i` of the ascending network, shape `(..., n, n)`."""
    positions = torch.arange(network.n, device=ranks.device).unsqueeze(-1)
    positions = positions.flip(0) if network.descending else positions
    return ranks.unsqueeze(-2) == positions


def _weight_of_truth(P: Tensor, target: Tensor) -> Tensor:
    """`q`: `P` at its target entries, elsewhere `1 - P` as the sum of the row's other entries."""
    others = P @ (1.0 - torch.eye(P.shape[-1], dtype=P.dtype, device=P.device))
    return torch.where(target, P, others)
