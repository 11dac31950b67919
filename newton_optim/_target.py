"""The entry point for those who do the rest themselves: the target z* of a Newton step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from newton_optim._step import NewtonSettings, newton_step
from newton_optim.curvature import RelativeDamping, SupportsNewtonStep


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

    `g_i` is the gradient of sample i's own loss and C the curvature. Both are on the per-sample
    scale, and so is λ: with ``reduction="mean"`` the derivatives of a 0-dim loss are multiplied by
    N, with ``"sum"`` they are taken as they are, and a loss of shape `(N,)` needs no convention.
    Feeding every sample twice does not change z*. The algebra runs in float32 (float64 if the
    outputs are), with autocast off.

    Args:
        loss: a 0-dim tensor made from ``outputs``, a tensor of shape `(N,)`, or a callable:
            ``loss(outputs, *args)`` returns either. A callable with a ``derivatives`` method is
            asked for them; any other is differentiated by ``torch.func`` and is handed a copy of
            the outputs; a tensor is differentiated by double backward on its own graph, which is
            kept.
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors that share N
            (their events are concatenated: curvature across them is included).
        *args: further arguments of a callable loss.
        curvature: "hessian", "fisher", "identity", or an object: :class:`Hessian`,
            :class:`EmpiricalFisher`, :class:`GaussNewton`, :class:`Identity`, or a custom one
            (:class:`~newton_optim.curvature.SupportsNewtonStep`).
        damping: λ ≥ 0, or :class:`RelativeDamping`; ``None`` is the curvature's own: 0.1 relative
            for the Hessian, 1 for the Fisher, 0 for the identity. λ → ∞ gives the direction of the
            gradient, λ → 0 the pure Newton step.
        reduction: how a 0-dim loss was reduced over the batch: "mean" or "sum".
        error_on_nonfinite: raise for a sample that is not finite and for a matrix that cannot be
            inverted. By default, the sample is left out of C (not of N) and its z* is its y; the
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
