"""The derivatives of a :class:`ComposedLoss`, through the result of its inner part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._derivatives._evaluation import Evaluation
from newton_optim._derivatives._functional import VectorJacobian, batched_vjp, call_functional
from newton_optim._outputs import Outputs, flatten_outputs


def evaluate_composed(
    inner: Callable[[Any], Any],
    outer: Callable[[Outputs], Evaluation],
    outputs: Outputs,
    *,
    chunk_size: int | None = None,
) -> Evaluation:
    """Value and gradient of `outer(inner(outputs))`, and its Gauss-Newton matrices.

    The inner part is evaluated once. Second derivatives of it are never taken: there are no
    products with the full Hessian.

    Args:
        inner: the algorithm, a callable of the outputs.
        outer: evaluates the loss at a result of the algorithm.
        outputs: where it is evaluated.
        chunk_size: how many rows of the Jacobians are computed at once; all by default.

    Raises:
        TypeError: if the result of the inner part is not made of floating-point tensors.
        ValueError: if it has another N or does not depend on the outputs.
    """
    result, vjp = _inner_vjp(inner, outputs)
    outer_part = outer(result)

    def gauss_newton() -> Tensor:
        J, H = _jacobians(vjp, result, chunk_size), outer_part.hessian()
        return J.mT @ H.to(J.dtype) @ J

    gradient = vjp(outer_part.gradient)[0].detach()
    return Evaluation(outer_part.value, gradient, gauss_newton=gauss_newton)


def _inner_vjp(inner: Callable[[Any], Any], outputs: Outputs) -> tuple[Outputs, VectorJacobian]:
    """The result of the inner part, detached, and the map of cotangents `(N, k)` to `(N, m)`."""
    found: list[Outputs] = []

    def function(matrix: Tensor) -> tuple[Tensor, list[Tensor]]:
        result = inner(outputs.rebuild(outputs.split(matrix.clone())))
        flat = flatten_outputs(result, "inner(outputs)")
        if flat.num_samples != outputs.num_samples:
            raise ValueError(
                f"inner(outputs) must have the {outputs.num_samples} samples of the outputs, "
                f"got {flat.num_samples}"
            )
        if not any(part.requires_grad for part in flat.parts):
            raise ValueError("inner must be computed from the outputs: it does not depend on them")
        found.append(flat)
        return flat.join(flat.parts), flat.parts

    _, vjp, parts = call_functional(
        lambda y: torch.func.vjp(function, y, has_aux=True), outputs.matrix
    )
    result = Outputs([part.detach() for part in parts], found[0].names, found[0].rebuild)
    return result, vjp


def _jacobians(vjp: VectorJacobian, result: Outputs, chunk_size: int | None) -> Tensor:
    """The Jacobians `J_i` of the inner part, shape `(N, k, m)`, by k vector-Jacobian products."""
    u = result.matrix
    N, k = u.shape
    identity = torch.eye(k, dtype=u.dtype, device=u.device)
    rows = batched_vjp(vjp, identity[:, None, :].expand(k, N, k), chunk_size)
    return rows.transpose(0, 1)  # (k, N, m) -> (N, k, m)
