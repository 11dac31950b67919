"""The ranking loss of a sorting network, and its gradient and Hessian by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._network import (
    SortingNetwork,
    check_scores,
    relaxed_permutation,
    wide,
)
from newton_optim.sorting._network_sweeps import (
    adjoints,
    comparators,
    mixed_identity,
    mixed_products,
    tangents,
)
from newton_optim.sorting._probability_loss import differentiable_log

# Elements of the largest intermediate tensor: what stays in a CPU's cache.
CHUNK_ELEMENTS = 2**17


def network_loss(network: SortingNetwork, scores: Tensor, ranks: Tensor) -> Tensor:
    """Cross-entropy between `P` and the true permutation, by plain torch operations.

    `l = -1/n² Σ_ij log q_ij`, where `q_ij` is `P_ij` where element `j` belongs at rank `i`, and
    `1 - P_ij`, the sum of the row's other entries, elsewhere. A `q` below the dtype's smallest
    normal number is clamped there and has zero derivative. The loss may be differentiated any
    number of times; it runs in float64, where the clamp leaves room for products of weights.

    Args:
        network: the network.
        scores: `(..., n)`.
        ranks: `(..., n)`, integers: the true rank of each element in the network's direction.

    Returns:
        The loss of every sample, shape `(...,)`, float32 at least.
    """
    check_scores(network, scores)
    dtype = torch.promote_types(scores.dtype, torch.float32)
    x = wide(scores)
    P = relaxed_permutation(network, x, x.dtype)
    q, error = _truth_and_error(P, _target(network, ranks))
    return _cross_entropy(q, error, torch.finfo(dtype).tiny).to(dtype)


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
        scores: `(..., n)`.
        ranks: `(..., n)`, integers: the true rank of each element in the network's direction.

    Returns:
        Value `(...,)`, gradient `(..., n)`, and the Hessian `(..., n, n)`, computed when asked for.
    """
    check_scores(network, scores)
    batch, n = scores.shape[:-1], network.n
    with torch.no_grad(), torch.autocast(scores.device.type, enabled=False):
        work = _Derivatives(network, scores.detach().reshape(-1, n), ranks.reshape(-1, n))
    gradient = work.gradient.reshape(*batch, n)
    return LossDerivatives(
        work.value.reshape(batch), gradient, lambda: work.hessian().reshape(*batch, n, n)
    )


class _Derivatives:
    """Value and gradient, and what the Hessian will need. The letters are those above."""

    def __init__(self, network: SortingNetwork, scores: Tensor, ranks: Tensor) -> None:
        self.n, self.steepness = network.n, network.steepness
        self.incidence = network._incidence
        self.pairs = comparators(network, scores)
        P, E = mixed_identity(self.pairs, self.n)
        _, R = mixed_identity(self.pairs, self.n, backward=True)
        target = _target(network, ranks)
        q, error = _truth_and_error(P.transpose(0, 1), target)  # (N, n, n)
        tiny = torch.finfo(q.dtype).tiny
        # What is added is 0, or NaN if a score is not finite.
        self.value = _cross_entropy(q, error, tiny) + (scores - scores).sum(-1)
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
            squares = self._squares(first * V)
            SV = 0.5 * diagonal * V
            left, middle = first * self.RW, (first * self.E).transpose(1, 2)
            products = mixed_products(pairs, self.incidence, left, middle, V)
            for layer, rows in zip(pairs.layers[1:], products, strict=True):
                SV[:, layer.members] += rows
            half = V.transpose(1, 2) @ SV + 0.5 * squares
            return self.steepness**2 * (half + half.transpose(1, 2))

    def _squares(self, A: Tensor) -> Tensor:
        """`Σ_ij ∇q_ij ∇q_ijᵀ / (n q_ij)²`, `(N, n, n)`, with `A = ∂α/∂scores`, `(N, K, n)`."""
        n, N = self.n, A.shape[0]
        R, E, A = (part.transpose(1, 2).contiguous() for part in (self.R, self.E, A))
        scale = self.inverse.flatten(1).unsqueeze(1)
        K = E.shape[-1]
        size = max(1, CHUNK_ELEMENTS // (n * n * max(1, K)) if E.is_cpu else N)
        buffer = E.new_empty(min(size, N), n, n, K)
        squares = []
        for r, e, a, s in zip(*(part.split(size) for part in (R, E, A, scale)), strict=True):
            dP = buffer[: len(r)].copy_(r.unsqueeze(2)).mul_(e.unsqueeze(1))
            dq = (a @ dP.flatten(1, 2).transpose(1, 2)).mul_(s)  # (size, n, n²)
            squares.append(dq @ dq.transpose(1, 2))
        return torch.cat(squares)


def _target(network: SortingNetwork, ranks: Tensor) -> Tensor:
    """Where element `j` belongs at rank `i` of the ascending network, shape `(..., n, n)`."""
    positions = torch.arange(network.n, device=ranks.device).unsqueeze(-1)
    positions = positions.flip(0) if network.descending else positions
    return ranks.unsqueeze(-2) == positions


def _truth_and_error(P: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """`q` and `1 - q`: one of them is `P`, the other the sum of the other entries of the row."""
    others = P @ (1.0 - torch.eye(P.shape[-1], dtype=P.dtype, device=P.device))
    return torch.where(target, P, others), torch.where(target, others, P)


def _cross_entropy(q: Tensor, error: Tensor, tiny: float) -> Tensor:
    """The mean of `-log q`, also right to rounding where `q` is near one, with `error = 1 - q`."""
    near = -torch.log1p(-error.clamp(max=0.5))
    far = -differentiable_log(q.clamp(min=tiny))
    return torch.where(error < 0.5, near, far).mean((-2, -1))
