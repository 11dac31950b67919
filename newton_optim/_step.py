"""One Newton step on the inputs of a loss: the settings, the step and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_bool
from newton_optim._derivatives import loss_derivatives
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim._reduction import check_reduction
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping, bounded, check_damping
from newton_optim.curvature._resolve import resolve_curvature
from newton_optim.curvature._solve import Solution


@dataclass(frozen=True)
class NewtonSettings:
    """The settings that all entry points share, checked once.

    Args:
        curvature: what C is.
        damping: λ, or relative to C.
        reduction: "mean" or "sum" over samples.
        error_on_nonfinite: whether a sample that is not finite, or a matrix that cannot be
            inverted, raises; this reads a value from the device.
    """

    curvature: Curvature
    damping: Damping
    reduction: str
    error_on_nonfinite: bool

    @classmethod
    def checked(
        cls, curvature: Any, damping: Any, reduction: Any, error_on_nonfinite: Any
    ) -> NewtonSettings:
        """The settings, or a clear error."""
        resolved = resolve_curvature(curvature)
        return cls(
            resolved,
            check_damping(damping, resolved.default_damping),
            check_reduction(reduction),
            check_bool("error_on_nonfinite", error_on_nonfinite),
        )


@dataclass(frozen=True)
class NewtonStep:
    """One Newton step and what is known of it, on the per-sample scale.

    Args:
        value: the loss, detached, 0-dim.
        outputs: where the step starts.
        step: the step s, shape `(N, m)`: `z* = y - s`.
        gradient: the gradients g, shape `(N, m)`, zero where a sample was left out.
        kept: which samples were not left out, shape `(N,)`.
        moving: which outputs the step may move: those of samples that were not left out, as far as
            the loss says that they exist; broadcasts against `(N, m)`.
        solution: damping, fallbacks and eigenvalues.
    """

    value: Tensor
    outputs: Outputs
    step: Tensor
    gradient: Tensor
    kept: Tensor
    moving: Tensor
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
                "outputs, gradient and Hessian must be finite (error_on_nonfinite=True): "
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
            z_star = torch.where(self.moving, y - self.step, y)
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

    Raises:
        TypeError: if the outputs or the loss are of the wrong kind.
        ValueError: if they have the wrong shape or lack a derivative that the curvature needs, or,
            with ``error_on_nonfinite``, if a sample was left out or a matrix has no inverse.
    """
    flat = flatten_outputs(outputs)
    curvature = settings.curvature
    with torch.autocast(flat.parts[0].device.type, enabled=False):
        value, derivatives = loss_derivatives(
            loss, flat, args, kwargs, settings.reduction, curvature.request
        )
        solution = curvature.solve(derivatives, settings.damping)
    kept = derivatives.kept
    assert kept is not None
    moving = kept[:, None]
    if derivatives.present is not None:
        moving = moving & derivatives.present
    step = bounded(solution.step, settings.damping)
    step = torch.where(moving, step, 0.0).detach()
    result = NewtonStep(value, flat, step, derivatives.gradient, kept, moving, solution)
    if settings.error_on_nonfinite:
        result.refuse_nonfinite()
    return result
