"""The Newton loss as a function and as a module: the entry point where a trainer owns the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._checks import describe
from newton_optim._derivatives import check_loss_value
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim._reduction import reduce_loss, to_batch_scale
from newton_optim._step import NewtonSettings, NewtonStep, newton_step
from newton_optim.curvature import RelativeDamping, SupportsNewtonStep


def newton_loss(
    loss: Tensor | Callable[..., Tensor],
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    reduction: str = "mean",
    error_on_nonfinite: bool = False,
) -> Tensor:
    r"""The Newton loss of a loss (`arXiv 2410.19055`_, Eq. 8), with the value of the original.

    .. math:: l^\star(y) = \tfrac12\lVert z^\star - y\rVert^2,\; \nabla_y l^\star = y - z^\star

    Its **gradient** is the Newton loss's: `(y - z*) / N` for ``reduction="mean"``, `y - z*` for
    ``"sum"``, computed from the step itself and never as a difference. Its **Hessian** is the
    identity (over N), so that nesting it is the fixpoint of Sec. 3.2. Its **value** is that of the
    original loss, which is what people log. It honours ``grad_output``: whatever scales the
    gradient on purpose (``GradScaler``, accumulation, loss weights) must multiply what this
    returns, never the loss under it, because a Newton step does not scale with the loss.

    Args:
        loss: a 0-dim tensor made from ``outputs``, a tensor of shape `(N,)`, or a callable:
            ``loss(outputs, *args)`` returns either.
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors that share N.
        *args: further arguments of a callable loss.
        curvature: "hessian", "fisher", "identity", or a curvature object (see
            :func:`newton_target`).
        damping: λ ≥ 0 on the per-sample scale, or :class:`RelativeDamping`; ``None`` is the
            curvature's own.
        reduction: "mean" or "sum": how a 0-dim loss was reduced, and how the Newton loss is.
        error_on_nonfinite: raise for a sample that is not finite and for a matrix that cannot be
            inverted, instead of leaving it out.

    Returns:
        A 0-dim tensor in float32 (float64 if the outputs are). Where autograd is off, the value
        only: no derivative is computed.

    Raises:
        TypeError: if an argument is of the wrong kind or dtype.
        ValueError: if a value, name or shape is wrong, or the loss hides its derivatives.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    settings = NewtonSettings.checked(curvature, damping, reduction, error_on_nonfinite)
    return _newton_loss(loss, outputs, args, {}, settings)


class NewtonLoss(nn.Module):
    r"""A loss with its gradient replaced by its Newton loss's (`arXiv 2410.19055`_, Eq. 8).

    .. math:: l^\star(y) = \tfrac12\lVert z^\star - y\rVert^2,\; z^\star_i = y_i - (C + λI)^{-1} g_i

    The module form of :func:`newton_loss`, with its conventions: all of `g_i`, C and λ are on the
    per-sample scale; the gradient is `(y - z*) / N` for "mean" and `y - z*` for "sum". Under
    ``no_grad`` and ``inference_mode`` it returns the value of the loss only, so that training and
    validation may share a step.

    Args:
        loss_fn: ``loss_fn(outputs, *args, **kwargs)`` returns a 0-dim tensor or one of shape
            `(N,)`.
        curvature: "hessian", "fisher", "identity", or a curvature object (see
            :func:`newton_target`).
        damping: λ ≥ 0 on the per-sample scale, or :class:`RelativeDamping`; ``None`` is the
            curvature's own.
        reduction: "mean" or "sum".
        error_on_nonfinite: raise for a sample that is not finite and for a matrix that cannot be
            inverted, instead of leaving it out.

    Raises:
        TypeError: if ``loss_fn`` is not callable, or an argument is of the wrong kind.
        ValueError: if a value or name is wrong.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """

    def __init__(
        self,
        loss_fn: Callable[..., Tensor],
        *,
        curvature: str | SupportsNewtonStep = "hessian",
        damping: float | RelativeDamping | None = None,
        reduction: str = "mean",
        error_on_nonfinite: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(loss_fn, type) or not callable(loss_fn):
            raise TypeError(f"loss_fn must be a callable, got {describe(loss_fn)}")
        self.loss_fn = loss_fn
        self._settings = NewtonSettings.checked(curvature, damping, reduction, error_on_nonfinite)

    def forward(self, outputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The Newton loss of ``loss_fn(outputs, *args, **kwargs)``, 0-dim."""
        return _newton_loss(self.loss_fn, outputs, args, kwargs, self._settings)

    def extra_repr(self) -> str:
        """The settings, for ``print(module)``."""
        s = self._settings
        return f"curvature={s.curvature!r}, damping={s.damping!r}, reduction={s.reduction!r}"


def _newton_loss(
    loss: Any,
    outputs: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    settings: NewtonSettings,
) -> Tensor:
    if not torch.is_grad_enabled():
        return _value_only(loss, outputs, args, kwargs, settings.reduction)
    result = newton_step(loss, outputs, args, kwargs, settings)
    with torch.autocast(result.step.device.type, enabled=False):
        return result.value.to(result.step.dtype) + gradient_carrier(result, settings.reduction)


def gradient_carrier(result: NewtonStep, reduction: str) -> Tensor:
    """The Newton loss up to a constant: zero in value, `y - z*` (over N) in gradient.

    `½‖d + s‖² - ½‖s‖² = ½‖d‖² + ⟨d, s⟩` with `d = y - y.detach()`, which is zero: no overflow and
    no cancellation, whatever the length of the step.
    """
    d = _moved(result, result.outputs)
    return to_batch_scale((d * (0.5 * d + result.step)).sum(), len(d), reduction)


def half_squared_distance(result: NewtonStep, outputs: Outputs, reduction: str) -> Tensor:
    """The Newton loss `½‖z* - y‖²` at other outputs than those that z* was made from."""
    total = 0.5 * (_moved(result, outputs) + result.step).square().sum()
    return to_batch_scale(total, len(result.step), reduction)


def _moved(result: NewtonStep, outputs: Outputs) -> Tensor:
    """How far the outputs are from where the step started; zero for samples left out."""
    start = result.outputs.matrix
    return torch.where(result.moving, outputs.join(outputs.parts) - start, 0.0)


def _value_only(
    loss: Any, outputs: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], reduction: str
) -> Tensor:
    flat = flatten_outputs(outputs)
    value = loss if isinstance(loss, Tensor) else loss(outputs, *args, **kwargs)
    value = check_loss_value(value, flat.num_samples)
    return reduce_loss(value.detach(), reduction).to(flat.dtype)
