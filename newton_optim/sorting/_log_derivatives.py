"""The gradient and the Hessian of a sorting network's ranking loss, in log space."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.sorting._log_rows import (
    cross_entropy_of_log_rows,
    log_row_gradient,
    log_row_hessian,
    row_factors,
    split_log_rows,
)
from newton_optim.sorting._log_sweeps import comparators, forward_sweep, joined, pairs_of
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._scores import at_least_float32


class LogDerivatives:
    r"""Value and gradient of every sample's loss, and what its Hessian needs.

    A comparator mixes the rows `a`, `b` of `L = log P` with the log-weights `k = log f(v)` and
    `s = log f(-v)`, and its two values with `f(v)` and `f(-v)`. Let `p` be the share of a row's own
    wire in its new entry and `A = ∂l/∂L`. Backwards, the adjoint before the comparator is that of
    both new entries in the shares that it has in them, `p A` from its own wire and `(1 - p) A` from
    the other; that of the log-weights is `k̄ = Σ p A`, `s̄ = Σ (1 - p) A` over both rows; and

        v̄ = ∂l/∂v = k' k̄ + s' s̄ + v f' y,

    with `y` the adjoint of the difference of the two values. Forwards, with `V = ∂v/∂scores` and
    `D = ∂(a - b)/∂scores`, the second derivative of every operation adds its part to the Hessian,
    weighted by its adjoint:

        H = Σ_rows Tᵀ K T + Σ A p (1 - p) (D ± (k' - s') V)²
            + Σ (k'' k̄ + s'' s̄ + (v f'' + 2 f') y) V²,

    with `T = ∂L/∂scores` at the end, `K` the Hessian of a row's cross-entropy by `L`, and the sign
    of the row: + for the first. Squares stand for outer products. (In `y`, the units of `v` and of
    the scores differ by the steepness.) All shares are between 0 and 1, and all slopes bounded, or
    like `v`: nothing under- or overflows, and every error is rounding, relative to the size of
    these parts.

    Args:
        network: the network.
        scores: `(N, n)`.
        order: `(N, n)`, integers: the elements in their true ascending order.
        lengths: how many scores each sample has, on its first wires, `(N,)`; all by default. The
            order of the other wires must be their own.

    Attributes:
        value: `(N,)`.
        gradient: `(N, n)`.
    """

    def __init__(
        self,
        network: SortingNetwork,
        scores: Tensor,
        order: Tensor,
        lengths: Tensor | None = None,
    ) -> None:
        self.n, self.steepness = network.n, network.steepness
        dtype = at_least_float32(scores.dtype)
        sweep = forward_sweep(network, scores, dtype, lengths)
        self.layers, self.shares = sweep.layers, sweep.shares
        self.comparators = comparators(network, sweep, dtype)
        rows = split_log_rows(sweep.L.transpose(0, 1), order)  # (N, n, n)
        # What is added is 0, or NaN if a score is not finite.
        bad = (scores - scores).sum(-1)
        self.value = cross_entropy_of_log_rows(rows).to(dtype) + bad
        self.rows = row_factors(rows, dtype)
        A = log_row_gradient(self.rows).transpose(0, 1).contiguous()
        self.gradient = self._backward(A) + bad.unsqueeze(-1)

    def _backward(self, A: Tensor) -> Tensor:
        """The gradient from `∂l/∂L`; keeps `A p (1 - p)`, `k̄`, `s̄` and `y` of each layer."""
        c, steepness = self.comparators, self.steepness
        x_bar = A.new_zeros(A.shape[:2])
        kept = []
        for (wires, members), shares in zip(
            reversed(self.layers), reversed(self.shares), strict=True
        ):
            rows = pairs_of(A, wires)  # (members, 2, N, n)
            own, other = rows * shares.own, rows * shares.other
            k_bar, s_bar = own.sum((1, 3)), other.sum((1, 3))
            y = pairs_of(x_bar, wires).diff(dim=1).squeeze(1)
            kept.append((own * shares.other, k_bar, s_bar, y))
            v_bar = c.keep[members] * k_bar - c.swap[members] * s_bar
            v_bar = torch.addcmul(v_bar, c.x_slope[members], y)
            step = torch.addcmul(-steepness * v_bar, c.weight[members], y)
            A[wires] = (own + other.flip(1)).flatten(0, 1)
            x_bar[wires] = x_bar[wires] + joined(step, -step)
        self.kept = kept[::-1]
        return x_bar.t()

    def hessian(self) -> Tensor:
        """The Hessians, `(N, n, n)`."""
        with torch.no_grad(), torch.autocast(self.gradient.device.type, enabled=False):
            T, half = self._forward()
            T = T.transpose(0, 1)
            KT = log_row_hessian(self.rows) @ T  # (N, n, n, n)
            half = torch.baddbmm(half, T.flatten(1, 2).mT, KT.flatten(1, 2), alpha=0.5)
            return half + half.mT

    def _forward(self) -> tuple[Tensor, Tensor]:
        """`T`, `(n, N, n, n)`, and half of all other parts, to be symmetrised, `(N, n, n)`."""
        c, like = self.comparators, self.gradient
        n, N = self.n, len(like)
        x_dot = like.new_zeros(n, N, n)
        x_dot = x_dot + torch.eye(n, dtype=like.dtype, device=like.device).unsqueeze(1)
        T, half = like.new_zeros(n, N, n, n), like.new_zeros(N, n, n)
        for (wires, members), shares, adjoints in zip(
            self.layers, self.shares, self.kept, strict=True
        ):
            difference = pairs_of(x_dot, wires).diff(dim=1).squeeze(1)
            V = self.steepness * difference  # (members, N, n)
            step = c.moved[members].unsqueeze(-1) * difference
            x_dot[wires] = x_dot[wires] + joined(step, -step)
            rows = pairs_of(T, wires)
            a, b = rows.unbind(1)  # (members, N, n, n): the last one runs over the scores
            D = a - b
            half += self._half_of_layer(members, adjoints, V, D)
            keep = (c.keep[members].unsqueeze(-1) * V).unsqueeze(-2)
            both = keep + (c.swap[members].unsqueeze(-1) * V).unsqueeze(-2)
            away_a, away_b = shares.other.unsqueeze(-1).unbind(1)
            a.sub_(torch.addcmul(-keep, away_a, D + both))
            b.add_(torch.addcmul(keep, away_b, D - both))
            if isinstance(wires, Tensor):  # ``rows`` is a copy.
                T[wires] = rows.flatten(0, 1)
        return T, half

    def _half_of_layer(
        self, members: slice, adjoints: tuple[Tensor, ...], V: Tensor, D: Tensor
    ) -> Tensor:
        """Half of the second derivatives of a layer's operations, `(N, n, n)`."""
        c = self.comparators
        bend, k_bar, s_bar, y = adjoints
        total, difference = bend.sum(1), bend[:, 0] - bend[:, 1]  # (members, N, n)
        slope = c.keep[members] + c.swap[members]
        weight = slope.square() * total.sum(-1) + c.x_curvature[members] * y
        weight = weight + c.keep_curvature[members] * k_bar + c.swap_curvature[members] * s_bar
        by_comparator = V.permute(1, 2, 0) @ (0.5 * weight.unsqueeze(-1) * V).transpose(0, 1)
        mixed = (slope.unsqueeze(-1) * difference).unsqueeze(-1) * V.unsqueeze(-2)
        right = torch.addcmul(mixed, total.unsqueeze(-1), D, value=0.5)
        left, right = (part.transpose(0, 1).flatten(1, 2) for part in (D, right))
        return torch.baddbmm(by_comparator, left.mT, right)
