"""The gradient and the Hessian of a sorting network's ranking loss, from the entries of P."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.sorting._comparators import comparators
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._network_sweeps import (
    adjoints,
    mixed_identity,
    mixed_products,
    tangents,
)
from newton_optim.sorting._probability_loss import differentiable_log, true_entries

# Elements of the largest intermediate tensor: what stays in a CPU's cache.
CHUNK_ELEMENTS = 2**17


class LinearDerivatives:
    r"""Value and gradient of every sample's loss, and what its Hessian needs.

    `P` is the product of the layers and so multilinear in the weights `α_k = f(v_k)` of the `K`
    comparators. Let comparator `k` have the wires `a` and `b`, `M` be the product of the layers
    before it, and `B` that of the layers after it. Then

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

    Each term of these sums is a product of weights along paths through the network, divided by `q`,
    and bounded by the steepness. So nothing overflows while `q` is a normal number, and all errors
    are rounding errors relative to the size of the two parts of `H`.

    Args:
        network: the network.
        scores: `(N, n)`.
        order: `(N, n)`, integers: the elements in their true ascending order.
        lengths: how many scores each sample has, on its first wires, `(N,)`; all by default. The
            order of the other wires must be their own.

    Attributes:
        value: `(N,)`.
        gradient: `(N, n)`.
        exact: bool, `(N,)`: where every entry of `P` and `1 - P` is so far within the range of the
            dtype that nothing was lost.
    """

    def __init__(
        self,
        network: SortingNetwork,
        scores: Tensor,
        order: Tensor,
        lengths: Tensor | None = None,
    ) -> None:
        self.n, self.steepness = network.n, network.steepness
        self.pairs = comparators(network, scores, lengths)
        P, E = mixed_identity(self.pairs, self.n)
        _, R = mixed_identity(self.pairs, self.n, backward=True)
        target = true_entries(order)
        q, error = truth_and_error(P.transpose(0, 1), target)  # (N, n, n)
        tiny, eps = torch.finfo(q.dtype).tiny, torch.finfo(q.dtype).eps
        self.exact = (q > tiny / eps).flatten(1).all(-1)
        # What is added is 0, or NaN if a score is not finite.
        self.value = cross_entropy_of_entries(q, error, tiny) + (scores - scores).sum(-1)
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
            slope = pairs.slope.t().unsqueeze(-1)
            diagonal = self.F * pairs.curvature + self.y * pairs.product_curvature
            squares = self._squares(slope * V)
            SV = 0.5 * diagonal.t().unsqueeze(-1) * V
            left, middle = slope * self.RW, (slope * self.E).transpose(1, 2)
            products = mixed_products(pairs, left, middle, V)
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


def truth_and_error(P: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """`q` and `1 - q`: one of them is `P`, the other the sum of the other entries of the row."""
    others = P @ (1.0 - torch.eye(P.shape[-1], dtype=P.dtype, device=P.device))
    return torch.where(target, P, others), torch.where(target, others, P)


def cross_entropy_of_entries(q: Tensor, error: Tensor, tiny: float) -> Tensor:
    """The mean of `-log q`, right to rounding also where `q` is near one; ``error`` is `1 - q`."""
    near = -torch.log1p(-error.clamp(max=0.5))
    far = -differentiable_log(q.clamp(min=tiny))
    return torch.where(error < 0.5, near, far).mean((-2, -1))
