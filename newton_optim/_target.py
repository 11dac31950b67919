"""The Newton step on the inputs of a loss, and the target z* that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_bool, check_choice, describe, finite_rows
from newton_optim._derivatives import LossDerivatives, loss_derivatives
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim.curvature import (
    Curvature,
    Damping,
    RelativeDamping,
    Solution,
    SupportsNewtonStep,
    check_damping,
    resolve_curvature,
)
from newton_optim.curvature._damping import resolve_damping
from newton_optim.curvature._solve import fall_back

REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class NewtonSettings:
    """The settings that all doors share, checked once.

    Args:
        curvature: what C is.
        damping: λ, or relative to C.
        reduction: "mean" or "sum" over samples.
        error_on_nonfinite: whether a sample that is not finite, or a matrix that cannot be
            inverted, raises; this reads a value from the device.
    """

    curvature: Curvature | SupportsNewtonStep
    damping: Damping
    reduction: str
    error_on_nonfinite: bool

    @classmethod
    def checked(
        cls, curvature: Any, damping: Any, reduction: Any, error_on_nonfinite: Any
    ) -> NewtonSettings:
        """The settings, or a clear error."""
        curvature = resolve_curvature(curvature)
        default = getattr(curvature, "default_damping", 0.0)
        return cls(
            curvature,
            check_damping(damping, default),
            check_choice("reduction", reduction, REDUCTIONS),
            check_bool("error_on_nonfinite", error_on_nonfinite),
        )


@dataclass(frozen=True)
class NewtonStep:
    """One Newton step and what is known of it, on the scale of the single sample.

    Args:
        value: the loss, detached, 0-dim.
        outputs: where the step starts.
        step: the step s, shape `(N, m)`: `z* = y - s`.
        gradient: the gradients g, shape `(N, m)`, zero where a sample was left out.
        kept: which samples were not left out, shape `(N,)`.
        solution: damping, fallbacks and eigenvalues.
    """

    value: Tensor
    outputs: Outputs
    step: Tensor
    gradient: Tensor
    kept: Tensor
    solution: Solution

    @property
    def nonfinite_samples(self) -> Tensor:
        """How many samples were left out, 0-dim."""
        return (~self.kept).sum()

    def refuse_nonfinite(self) -> None:
        """Raise if a sample was left out or a matrix could not be inverted."""
        left_out, fallbacks = int(self.nonfinite_samples), int(self.solution.fallbacks)
        if left_out:
            raise ValueError(
                f"outputs, gradient and Hessian must be finite (error_on_nonfinite=True): "
                f"{left_out} of {len(self.kept)} samples are not"
            )
        if fallbacks:
            raise ValueError(
                "C + damping must be invertible (error_on_nonfinite=True): it is singular; "
                "a larger damping makes it regular"
            )

    def targets(self) -> list[Tensor]:
        """z*, part by part, in the dtypes of the outputs."""
        with torch.no_grad():
            y = self.outputs.matrix
            z_star = torch.where(self.kept[:, None], y - self.step, y)
        parts = zip(self.outputs.split(z_star), self.outputs.parts, strict=True)
        return [z.to(own.dtype) for z, own in parts]


def newton_step(
    loss: Any,
    outputs: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    settings: NewtonSettings,
) -> NewtonStep:
    """Derivatives, then curvature and damping, then the step.

    A sample whose outputs, gradient or Hessian are not finite is left out of C (not of N) and does
    not move.
    """
    flat = flatten_outputs(outputs)
    curvature = settings.curvature
    with torch.autocast(flat.parts[0].device.type, enabled=False):
        value, derivatives = loss_derivatives(
            loss,
            flat,
            args,
            kwargs,
            settings.reduction,
            second_order=getattr(curvature, "second_order", True),
            chunk_size=getattr(curvature, "chunk_size", None),
        )
        y = flat.matrix
        finite = finite_rows(y) & finite_rows(derivatives.gradient)
        derivatives.leave_out(~finite)
        solution = _solve(curvature, derivatives, settings.damping)
        kept = derivatives.kept
        assert kept is not None
        step = torch.where(kept[:, None], solution.step, 0.0).detach()
    result = NewtonStep(value, flat, step, derivatives.gradient, kept, solution)
    if settings.error_on_nonfinite:
        result.refuse_nonfinite()
    return result


def _solve(
    curvature: Curvature | SupportsNewtonStep, derivatives: LossDerivatives, damping: Damping
) -> Solution:
    """The library's own curvature tells more than the step; the user's is checked."""
    if isinstance(curvature, Curvature):
        return curvature.solve(derivatives, damping)
    step = curvature.newton_step(derivatives, damping)
    g = derivatives.gradient
    if not isinstance(step, Tensor):
        raise TypeError(f"curvature.newton_step must return a tensor, got {describe(step)}")
    if step.shape != g.shape:
        raise ValueError(
            f"curvature.newton_step must return shape {tuple(g.shape)}, got {tuple(step.shape)}"
        )
    step, failed = fall_back(step.to(g.dtype), g, g.new_ones(len(g), dtype=torch.bool))
    lam = resolve_damping(damping, g.new_full((), torch.nan))
    return Solution(step, lam, failed.sum())


def newton_target(
    loss: Tensor | Callable[..., Tensor],
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    reduction: str = "mean",
    error_on_nonfinite: bool = False,
) -> Any:
    r"""The target of one damped Newton step on a loss's inputs (`arXiv 2410.19055`_, Eq. 7, 10).

    .. math:: z^\star_i = y_i - (C + λ I)^{-1} g_i

    `g_i` is the gradient of sample i's own loss and C the curvature, both on the scale of the
    single sample, and so is λ: with `reduction="mean"` the derivatives of a 0-dim loss are
    multiplied by N, with `"sum"` they are taken as they are, and a loss of shape `(N,)` needs no
    convention. Feeding every sample twice does not change z*. The algebra runs in float32 (float64
    if the outputs are), with autocast off.

    Args:
        loss: a 0-dim tensor made from ``outputs``, a tensor of shape `(N,)`, or a callable:
            `loss(outputs, *args)` gives either. A callable with a ``derivatives`` method is asked
            for them; any other goes through `torch.func` and sees a copy of the outputs; a tensor
            goes through double backward on its own graph, which is kept.
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors that share N
            (their events are concatenated: curvature across them is included).
        *args: further arguments of a callable loss.
        curvature: "hessian", "fisher", "identity", or an object: :class:`Hessian`,
            :class:`EmpiricalFisher`, :class:`Identity`, or one with a method
            `newton_step(derivatives, damping) -> (N, m)`.
        damping: λ ≥ 0, or :class:`RelativeDamping`; `None` is the curvature's own: 0.1 relative for
            the Hessian, 1 for the Fisher, 0 for the identity. λ → ∞ gives the direction of the
            gradient, λ → 0 the pure Newton step.
        reduction: how a 0-dim loss was reduced over the batch: "mean" or "sum".
        error_on_nonfinite: raise for a sample that is not finite and for a matrix that cannot be
            inverted. By default the sample is left out of C (not of N) and its z* is its y, and the
            matrix is replaced by the identity, so that the step is the plain gradient.

    Returns:
        z*, detached, in the structure, shapes and dtypes of ``outputs``.

    Raises:
        TypeError: if an argument is of the wrong kind or dtype.
        ValueError: if a value, name or shape is wrong, if a tensor loss was not computed from
            ``outputs``, or if the curvature needs a second derivative that the loss hides.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    settings = NewtonSettings.checked(curvature, damping, reduction, error_on_nonfinite)
    result = newton_step(loss, outputs, args, {}, settings)
    return result.outputs.rebuild(result.targets())
