"""The derivatives of a :class:`ComposedLoss`, through the result of its inner part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from newton_optim._composed import Whitened
from newton_optim._derivatives._evaluation import Evaluation
from newton_optim._derivatives._linearise import Linearisation, linearise
from newton_optim._derivatives._residual_form import ResidualForm
from newton_optim._outputs import Outputs, flatten_outputs


def evaluate_composed(
    inner: Callable[[Any], Any],
    outer: Callable[[Outputs], Evaluation],
    outputs: Outputs,
    *,
    chunk_size: int | None = None,
    called: str = "inner",
) -> Evaluation:
    """Value and gradient of `outer(inner(outputs))`, and its Gauss-Newton matrices.

    The inner part is evaluated once. Second derivatives of it are never taken: there are no
    products with the full Hessian.

    Args:
        inner: the algorithm, a callable of the outputs.
        outer: evaluates the loss at a result of the algorithm.
        outputs: where it is evaluated.
        chunk_size: how many columns or rows of the Jacobians are computed at once.
        called: what a message calls the inner part.

    Raises:
        TypeError: if the result of the inner part is not made of floating-point tensors.
        ValueError: if it has another N or does not depend on the outputs.
    """
    result, linear = _linear_inner(inner, outputs, called)
    outer_part = outer(result)

    def gauss_newton() -> Tensor:
        J, H = linear.jacobians(chunk_size), outer_part.hessian()
        return J.mT @ H.to(J.dtype) @ J

    gradient = linear.pullback(outer_part.gradient.to(linear.value.dtype)[None])[0]
    gradient = gradient.to(outputs.dtype).detach()
    return Evaluation(outer_part.value, gradient, gauss_newton=gauss_newton)


def evaluate_residuals(
    inner: Callable[[Any], Any],
    whitened: Callable[[Any], Whitened],
    outputs: Outputs,
    *,
    chunk_size: int | None = None,
    called: str = "inner",
) -> Evaluation:
    """Value, gradient and residual form of a loss whose outer part is separable.

    Args:
        inner: the algorithm, a callable of the outputs.
        whitened: the outer part at a result of the algorithm, as least squares.
        outputs: where it is evaluated.
        chunk_size: how many columns or rows of the Jacobians are computed at once.
        called: what a message calls the inner part.

    Raises:
        TypeError: if the result of the inner part is not a floating-point tensor.
        ValueError: if it has another N or does not depend on the outputs.
    """
    result, linear = _linear_inner(inner, outputs, called)
    found = whitened(result.rebuild(result.parts))
    J = linear.jacobians(chunk_size).to(outputs.dtype)
    A = J if found.scale is None else found.scale.to(outputs.dtype)[..., None] * J
    form = ResidualForm(A, found.residual.to(outputs.dtype))
    return Evaluation(found.value, form.gradient(), gauss_newton=form.matrices, residual_form=form)


def _linear_inner(
    inner: Callable[[Any], Any], outputs: Outputs, called: str
) -> tuple[Outputs, Linearisation]:
    """The result of the inner part, detached, and its linearisation."""
    found: list[Outputs] = []

    def function(matrix: Tensor) -> Tensor:
        result = inner(outputs.rebuild(outputs.split(matrix.clone())))
        flat = flatten_outputs(result, f"{called}(outputs)")
        if flat.num_samples != outputs.num_samples:
            raise ValueError(
                f"{called}(outputs) must have the {outputs.num_samples} samples of the outputs, "
                f"got {flat.num_samples}"
            )
        if not any(part.requires_grad for part in flat.parts):
            raise ValueError(
                f"{called} must be computed from the outputs: it does not depend on them"
            )
        found.append(flat)
        return flat.join(flat.parts)

    linear = linearise(function, outputs.matrix)
    flat = found[0]
    parts = [
        part.to(own.dtype) for part, own in zip(flat.split(linear.value), flat.parts, strict=True)
    ]
    return Outputs(parts, flat.names, flat.rebuild), linear
