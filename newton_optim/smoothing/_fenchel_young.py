"""The Fenchel-Young loss of a solver perturbed by Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from newton_optim._checks import (
    check_bool,
    check_choice,
    check_integer,
    check_positive,
    describe,
)
from newton_optim._derivatives import LossDerivatives
from newton_optim.smoothing._black_box import checked_rows, evaluate
from newton_optim.smoothing._differentiable_once import differentiable_once, second_derivative_error
from newton_optim.smoothing._noise import check_generator, noise_named, standard_noise


class FenchelYoungLoss(nn.Module):
    r"""The loss of a perturbed solver against the true solution `w*`.

    `Berthet et al. (2020) <https://arxiv.org/abs/2002.08676>`_; Eq. 17 of
    `arXiv 2410.19055 <https://arxiv.org/abs/2410.19055>`_. With ε standard Gaussian and
    `w(θ) = argmax ⟨θ, w⟩` the solution that the solver returns:

    .. math::
        l(\theta) &= \mathbb{E} \max_w \langle \theta + \sigma\varepsilon, w \rangle
            - \langle \theta, w^\star \rangle \\
        \nabla l(\theta) &= \mathbb{E}\, w(\theta + \sigma\varepsilon) - w^\star
            \qquad \text{(Eq. 17)} \\
        \nabla^2 l(\theta) &= \mathbb{E}\, w(\theta + \sigma\varepsilon)\,
            \varepsilon^\top / \sigma

    It is convex in θ, and its minimum is where the mean perturbed solution is `w*`. (Terms that do
    not depend on θ are left out, so that the minimum is not 0.) For a solver of `argmin ⟨θ, w⟩`,
    declared with ``maximize=False``, the loss is `⟨θ, w*⟩ - E min ⟨θ + σε, w⟩`, and all
    derivatives have the opposite sign.

    Expectations are means over `S` samples of noise, drawn anew at every call and for every row.
    The Hessian is the covariance of the solutions with the noise,
    `Σ_s (w_s - w̄) ε_sᵀ / (σ (S - 1))`, symmetrised. With the noise fixed, autograd, ``torch.func``
    and ``derivatives`` give the same first and second derivatives (third ones are 0). A single
    sample of noise has no covariance: its second derivatives raise.

    The solver is called once, with `S · N` rows and with autograd off; it may leave PyTorch. It
    maps rows `(B, *event)` to solutions `(B, *event)` of any real dtype, and is never called
    without rows: an empty batch is refused. A solution that is not finite affects its own sample
    only. Half precision is computed in float32.

    Gradient and Hessian are per sample, whatever the reduction.

    Args:
        solver: from θ to the `w` of the feasible set that maximises (or minimises) `⟨θ, w⟩`.
        sigma: σ > 0, in units of θ. Towards 0 the loss becomes that of the structured perceptron,
            and the noise of the Hessian grows as 1/σ.
        num_samples: `S`, at least 1.
        maximize: whether the solver maximises or minimises.
        reduction: ``"mean"`` or ``"sum"`` over the samples, or ``"none"``.
        generator: draws the noise; by default PyTorch's own.

    Raises:
        TypeError: if an argument is of the wrong kind or dtype.
        ValueError: if a value, name or shape is wrong.
    """

    def __init__(
        self,
        solver: Callable[[Tensor], Any],
        *,
        sigma: float,
        num_samples: int,
        maximize: bool = True,
        reduction: str = "mean",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if not callable(solver):
            raise TypeError(f"solver must be a callable, got {describe(solver)}")
        self.solver = solver
        self.sigma = check_positive("sigma", sigma)
        self.num_samples = check_integer("num_samples", num_samples)
        self.maximize = check_bool("maximize", maximize)
        self.reduction = check_choice("reduction", reduction, ("mean", "sum", "none"))
        self.generator = check_generator(generator)

    def forward(self, theta: Tensor, target: Tensor, noise_samples: Tensor | None = None) -> Tensor:
        """The loss.

        Args:
            theta: θ, the input of the solver, floating-point, shape `(N, *event)`.
            target: the true solutions `w*`, any real dtype, shape `(N, *event)`.
            noise_samples: standard Gaussian noise, shape `(num_samples, N, *event)`, instead of
                drawing it; needed under ``torch.func.vmap`` (or its ``randomness="different"``).

        Returns:
            The loss, 0-dim, or of shape `(N,)` for ``"none"``; at least float32.
        """
        solved = self._solve(theta, target, noise_samples)
        rows = checked_rows("theta", theta).reshape(solved.residual.shape)
        if self.num_samples == 1:
            loss = self._loss_at_solutions(differentiable_once(rows), solved)
        else:
            # The move is 0, and so is the curved term and its first derivative.
            move = rows - rows.detach()
            curved = (solved.excess * move).sum(-1) * (solved.noise * move).sum(-1)
            loss = self._loss_at_solutions(rows, solved) + 0.5 * self._scale * curved.sum(0)
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    def derivatives(
        self, theta: Tensor, target: Tensor, noise_samples: Tensor | None = None
    ) -> LossDerivatives:
        """Value, gradient and Hessian of each sample's own loss; the reduction plays no part.

        They equal those of ``forward`` on the same noise. The noise is drawn with the generator:
        for a Newton loss that can be repeated, set it or pass ``noise_samples``.

        Args:
            theta: θ, the input of the solver, floating-point, shape `(N, *event)`.
            target: the true solutions `w*`, any real dtype, shape `(N, *event)`.
            noise_samples: standard Gaussian noise, shape `(num_samples, N, *event)`.

        Returns:
            Shapes `(N,)`, `(N, m)` and `(N, m, m)`; the Hessian is computed when it is asked for,
            and refused for ``num_samples=1``.
        """
        with torch.no_grad():
            solved = self._solve(theta, target, noise_samples)
            rows = checked_rows("theta", theta).reshape(solved.residual.shape)
            value = self._loss_at_solutions(rows, solved)

        def hessian() -> Tensor:
            if self.num_samples == 1:
                raise second_derivative_error()
            with torch.no_grad(), torch.autocast(rows.device.type, enabled=False):
                half = torch.einsum("sni,snj->nij", solved.excess, solved.noise)
                return 0.5 * self._scale * (half + half.mT)

        return LossDerivatives(value, self._sign * solved.residual, hessian)

    def _solve(self, theta: Tensor, target: Tensor, given: Tensor | None) -> _Solved:
        theta = checked_rows("theta", theta).detach()
        _check_target(target, theta)
        noise = standard_noise(
            noise_named("gaussian"), theta, self.num_samples, generator=self.generator, given=given
        )
        solutions = evaluate("solver", self.solver, theta + self.sigma * noise, ())
        if solutions.shape != noise.shape:
            raise ValueError(
                f"solver must return solutions of the shape of its rows, "
                f"{_batch_shape(theta.shape[1:])}, got {_batch_shape(solutions.shape[2:])}"
            )
        N, S = theta.shape[0], self.num_samples
        noise, solutions = noise.reshape(S, N, -1), solutions.reshape(S, N, -1)
        mean = solutions.mean(0)
        gain = self.sigma * (noise * solutions).sum(-1).mean(0)
        residual = mean - target.to(theta).reshape(N, -1)
        return _Solved(noise, solutions - mean, residual, gain)

    def _loss_at_solutions(self, rows: Tensor, solved: _Solved) -> Tensor:
        """The loss as a function of θ at fixed solutions, shape `(N,)`."""
        return self._sign * ((rows * solved.residual).sum(-1) + solved.gain)

    @property
    def _sign(self) -> float:
        return 1.0 if self.maximize else -1.0

    @property
    def _scale(self) -> float:
        return self._sign / (self.sigma * (self.num_samples - 1))

    def extra_repr(self) -> str:
        """The options, for ``repr``."""
        return (
            f"sigma={self.sigma}, num_samples={self.num_samples}, maximize={self.maximize}, "
            f"reduction={self.reduction!r}"
        )


class _Solved(NamedTuple):
    noise: Tensor  # (S, N, m)
    excess: Tensor  # w_s - w̄, (S, N, m)
    residual: Tensor  # w̄ - w*, (N, m)
    gain: Tensor  # σ mean ⟨ε, w⟩, (N,)


def _check_target(target: Any, theta: Tensor) -> None:
    if not isinstance(target, Tensor) or target.is_complex():
        raise TypeError(f"target must be a real tensor, got {describe(target)}")
    if target.shape != theta.shape:
        raise ValueError(
            f"target must have the shape of theta, {tuple(theta.shape)}, "
            f"got shape {tuple(target.shape)}"
        )


def _batch_shape(event: torch.Size) -> str:
    return f"(B, {', '.join(map(str, event))})" if event else "(B,)"
