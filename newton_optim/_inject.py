"""Algorithm 2 of the paper: the Fisher's Newton step inside the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._checks import check_bool, check_real, finite_rows
from newton_optim._derivatives import LossDerivatives
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim._reduction import check_reduction, to_batch_scale
from newton_optim.curvature import EmpiricalFisher, RelativeDamping
from newton_optim.curvature._damping import Damping, bounded, check_damping

GradScale = float | Tensor | Callable[[], float]


def inject_fisher(
    outputs: Any,
    damping: float | RelativeDamping = 1.0,
    *,
    reduction: str = "mean",
    grad_scale: GradScale = 1.0,
    error_on_nonfinite: bool = False,
) -> Any:
    r"""The outputs as they are, with the Fisher's Newton step in their backward (Algorithm 2).

    .. math:: \tfrac1N g_i \mapsto \tfrac1N (F + λ I)^{-1} g_i,\; F = \tfrac1N \sum_j g_j g_j^\top

    Put it between the network and the loss; any loss and any optimiser may follow
    (`arXiv 2410.19055`_). The gradient that arrives is taken for that of a mean loss over N
    (``reduction="mean"``: it is multiplied by N to obtain `g_i`, on whose scale F and λ are) or of
    a sum. The gradient that leaves equals that of :func:`newton_loss` with ``curvature="fisher"``.

    Args:
        outputs: a tensor `(N, *event)`, or a tuple, list or dict of such tensors that share N.
        damping: λ ≥ 0, or :class:`RelativeDamping`.
        reduction: how the loss that follows reduces over the batch: "mean" or "sum".
        grad_scale: what the loss is multiplied by on purpose: a number, a 0-dim tensor or a
            callable that is called during the backward (``scaler.get_scale`` of a ``GradScaler``,
            1/k under accumulation). The step is made without it; the gradient that leaves is
            multiplied by it again. Gradients that are not finite are then passed on, because a
            scaler looks for them.
        error_on_nonfinite: raise during the backward for a sample whose gradient is not finite, or
            if F + λ cannot be inverted. By default, the sample gets no gradient, and the step is
            the plain gradient.

    Returns:
        ``outputs``, in the same structure.

    Raises:
        TypeError: if an argument is of the wrong kind or dtype.
        ValueError: if a value, name or shape is wrong.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    injection = _Injection(damping, reduction, grad_scale, error_on_nonfinite)
    return injection(outputs)


class InjectFisher(nn.Module):
    r"""Algorithm 2 as a layer: :func:`inject_fisher` with its settings fixed.

    .. math:: \tfrac1N g_i \mapsto \tfrac1N (F + λ I)^{-1} g_i,\; F = \tfrac1N \sum_j g_j g_j^\top

    Put it last in the network. Scale: the gradient that arrives is that of a mean loss over N (or
    of a sum); `g_i`, F and λ are on the per-sample scale.

    Args:
        damping: λ ≥ 0, or :class:`RelativeDamping`.
        reduction: how the loss that follows reduces over the batch: "mean" or "sum".
        grad_scale: what the loss is multiplied by on purpose: a number, a 0-dim tensor or a
            callable that is called during the backward.
        error_on_nonfinite: raise during the backward for a sample whose gradient is not finite, or
            if F + λ cannot be inverted.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a value or name is wrong.
    """

    def __init__(
        self,
        *,
        damping: float | RelativeDamping = 1.0,
        reduction: str = "mean",
        grad_scale: GradScale = 1.0,
        error_on_nonfinite: bool = False,
    ) -> None:
        super().__init__()
        self._injection = _Injection(damping, reduction, grad_scale, error_on_nonfinite)

    def forward(self, outputs: Any) -> Any:
        """``outputs``, as they are."""
        return self._injection(outputs)

    def extra_repr(self) -> str:
        """The settings, for ``print(module)``."""
        i = self._injection
        return f"damping={i.damping!r}, reduction={i.reduction!r}"


class _Injection:
    """The settings, checked once, and what they do to a gradient."""

    def __init__(
        self, damping: Any, reduction: Any, grad_scale: Any, error_on_nonfinite: Any
    ) -> None:
        self.damping: Damping = check_damping(damping, EmpiricalFisher.default_damping)
        self.reduction = check_reduction(reduction)
        self.grad_scale: GradScale = grad_scale
        if not callable(grad_scale) and not isinstance(grad_scale, Tensor):
            self.grad_scale = _check_scale(grad_scale)
        self.error_on_nonfinite = check_bool("error_on_nonfinite", error_on_nonfinite)

    def __call__(self, outputs: Any) -> Any:
        flat = flatten_outputs(outputs)
        return flat.rebuild(list(_InjectFisher.apply(self, flat.detached(), *flat.parts)))

    def newton_gradient(self, outputs: Outputs, grads: tuple[Tensor, ...]) -> list[Tensor]:
        """The gradients that leave, for those that arrive, in the dtypes of the outputs."""
        scale = self.grad_scale() if callable(self.grad_scale) else self.grad_scale
        scale = scale if isinstance(scale, Tensor) else _check_scale(scale)
        factor = to_batch_scale(scale, outputs.num_samples, self.reduction)
        arrived = outputs.join(grads)
        g = arrived / factor
        kept = finite_rows(g) & finite_rows(outputs.matrix)
        unknown = g.new_full(g.shape[:1], torch.nan)  # The backward does not see the loss.
        derivatives = LossDerivatives(unknown, torch.where(kept[:, None], g, 0.0), kept=kept)
        solution = EmpiricalFisher().solve(derivatives, self.damping)
        step = bounded(solution.step, self.damping)
        if self.error_on_nonfinite and not (bool(kept.all()) and not bool(solution.fallbacks)):
            raise ValueError(
                "gradients at inject_fisher must be finite and F + damping invertible "
                "(error_on_nonfinite=True): they are not"
            )
        is_scaled = not (isinstance(scale, float) and scale == 1.0)
        left_out = arrived if is_scaled else torch.zeros_like(arrived)
        leaves = torch.where(kept[:, None], step * factor, left_out)
        parts = zip(outputs.split(leaves), outputs.parts, strict=True)
        return [leaving.to(own.dtype) for leaving, own in parts]


def _check_scale(scale: Any) -> float:
    number = check_real("grad_scale", scale)
    if number == 0.0:
        raise ValueError("grad_scale must not be 0")
    return number


class _InjectFisher(torch.autograd.Function):
    """The identity, whose backward is :meth:`_Injection.newton_gradient`."""

    @staticmethod
    def forward(injection: _Injection, outputs: Outputs, *parts: Tensor) -> tuple[Tensor, ...]:
        return tuple(part.clone() for part in parts)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.injection, ctx.outputs = inputs[:2]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        with torch.autocast(grads[0].device.type, enabled=False):
            return (None, None, *ctx.injection.newton_gradient(ctx.outputs, grads))
