"""The gradient and the Hessian of a sorting network's ranking loss, in log space."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.sorting._log_rows import (
    cross_entropy_of_log_rows,
    log_row_gradient,
    log_row_hessian,
    split_log_rows,
)
from newton_optim.sorting._log_sweeps import comparators, forward_sweep, joined, pairs_of
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._scores import at_least_float32


class LogDerivatives:
    r"""Value and gradient of every sample's loss, and what its Hessian needs.

    A comparator mixes the rows `a`, `b` of `L = log P` with the log-weights `k`, `s`, and its two
    values with `α = f(v)`. Backwards, with `A = ∂l/∂L` behind it and the shares `p`, the adjoint
    before it is `p A + (1 - p') A'`, the primes for the other row of the pair; that of the
    log-weights is `k̄ = Σ p A`, `s̄ = Σ (1 - p) A` over both rows; then

        v̄ = ∂l/∂v = k' k̄ + s' s̄ + v f' y,

    with `y` the adjoint of the difference of the two values. Forwards, with `V = ∂v/∂scores` and
    `D = ∂(a - b)/∂scores`, the second derivative of every operation adds its part to the Hessian,
    weighted by its adjoint:

        H = Σ A p (1 - p) (±D + (k' - s') V)² + Σ (k̄ k'' + s̄ s'' + y (v f'' + 2 f')) V²
            + Σ_rows Tᵀ K T,

    with `T = ∂L/∂scores` at the end and `K` the Hessian of a row's cross-entropy by `L`. Squares
    stand for outer products. All shares are between 0 and 1 and all slopes bounded, or like `v`:
    nothing under- or overflows, and every error is rounding, relative to the size of these parts.

    Attributes:
        value: `(N,)`.
        gradient: `(N, n)`.
    """

    def __init__(self, network: SortingNetwork, scores: Tensor, order: Tensor) -> None:
        self.n, self.steepness = network.n, network.steepness
        self.dtype = at_least_float32(scores.dtype)
        forward = forward_sweep(network, scores, self.dtype)
        self.layers, self.shares = forward.layers, forward.shares
        self.comparators = comparators(forward, network.steepness, self.dtype)
        self.rows = split_log_rows(forward.L.transpose(0, 1), order)  # (N, n, n)
        # What is added is 0, or NaN if a score is not finite.
        bad = (scores - scores).sum(-1)
        self.value = cross_entropy_of_log_rows(self.rows).to(self.dtype) + bad
        A = log_row_gradient(self.rows).to(self.dtype).transpose(0, 1).contiguous()
        self.gradient = self._backward(A) + bad.unsqueeze(-1)

    def _backward(self, A: Tensor) -> Tensor:
        """The gradient from `∂l/∂L`; keeps `A p (1 - p)`, `k̄`, `s̄` and `y` of each layer."""
        c, steepness = self.comparators, self.steepness
        x_bar = A.new_zeros(A.shape[:2])
        kept = []
        for (wires, members), p in zip(reversed(self.layers), reversed(self.shares), strict=True):
            rows = pairs_of(A, wires)  # (members, 2, N, n)
            own = p * rows
            other = rows - own
            y = pairs_of(x_bar, wires).diff(dim=1).squeeze(1)
            k_bar, s_bar = own.sum((1, 3)), other.sum((1, 3))
            kept.append((other * p, k_bar, s_bar, y))
            v_bar = c.slope_keep[members] * k_bar - c.slope_swap[members] * s_bar
            v_bar = torch.addcmul(v_bar, c.x_slope[members], y)
            step = torch.addcmul(-steepness * v_bar, c.swap[members], y)
            A[wires] = (own + other.flip(1)).flatten(0, 1)
            x_bar[wires] = x_bar[wires] + joined(step, -step)
        self.kept = kept[::-1]
        return x_bar.t()

    def hessian(self) -> Tensor:
        """The Hessians, `(N, n, n)`."""
        with torch.no_grad(), torch.autocast(self.gradient.device.type, enabled=False):
            T, parts = self._forward()
            K = log_row_hessian(self.rows).to(self.dtype).transpose(0, 1)  # (n, N, n, n)
            return (T.mT @ (K @ T)).sum(0) + parts

    def _forward(self) -> tuple[Tensor, Tensor]:
        """`T`, `(n, N, n, n)`, and the second derivatives of all operations, `(N, n, n)`."""
        c, n = self.comparators, self.n
        x_dot = self.gradient.new_zeros(n, len(self.gradient), n)
        x_dot = x_dot + torch.eye(n, dtype=x_dot.dtype, device=x_dot.device).unsqueeze(1)
        T = self.gradient.new_zeros(n, len(self.gradient), n, n)
        halves = []
        for (wires, members), p, adjoints in zip(self.layers, self.shares, self.kept, strict=True):
            difference = pairs_of(x_dot, wires).diff(dim=1).squeeze(1)
            V = self.steepness * difference  # (members, N, n)
            rows = pairs_of(T, wires)
            a, b = rows.unbind(1)  # (members, N, n, n): the last one runs over the scores
            D = a - b
            halves.append(self._half_of_layer(members, adjoints, V, D))
            keep = (c.slope_keep[members].unsqueeze(-1) * V).unsqueeze(-2)
            both = keep + (c.slope_swap[members].unsqueeze(-1) * V).unsqueeze(-2)
            away = torch.stack((both + D, both - D), dim=1) * (1.0 - p).unsqueeze(-1)
            T[wires] = (rows + keep.unsqueeze(1) - away).flatten(0, 1)
            step = c.moved[members].unsqueeze(-1) * difference
            x_dot[wires] = x_dot[wires] + joined(step, -step)
        half = torch.stack(halves).sum(0) if halves else T.sum(0)
        return T, half + half.mT

    def _half_of_layer(
        self, members: slice, adjoints: tuple[Tensor, ...], V: Tensor, D: Tensor
    ) -> Tensor:
        """Half of the second derivatives of a layer's operations, to be symmetrised, `(N, n, n)`."""
        c = self.comparators
        bend, k_bar, s_bar, y = adjoints
        total, difference = bend.sum(1), bend[:, 0] - bend[:, 1]  # (members, N, n)
        slope = c.slope_keep[members] + c.slope_swap[members]
        weight = slope.square() * total.sum(-1) + c.x_curvature[members] * y
        weight = weight + c.curvature_keep[members] * k_bar + c.curvature_swap[members] * s_bar
        mixed = (difference.unsqueeze(-2) @ D).squeeze(-2)
        right = 0.5 * weight.unsqueeze(-1) * V + slope.unsqueeze(-1) * mixed
        by_comparator = V.permute(1, 2, 0) @ right.transpose(0, 1)
        rows = D.transpose(0, 1).flatten(1, 2)  # (N, members n, n)
        weights = 0.5 * total.transpose(0, 1).flatten(1, 2).unsqueeze(-1)
        return by_comparator + rows.mT @ (weights * rows)
