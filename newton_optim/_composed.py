"""A loss in two parts, a relaxed algorithm and what is made of its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._checks import describe
from newton_optim._functional import batched, call_functional
from newton_optim._outputs import Outputs, flatten_outputs


class ComposedLoss(nn.Module):
    r"""A loss that names its parts: `outer(inner(outputs), *args)`.

    The inner part is an algorithm, such as a relaxed shortest path; the outer part, such as a
    squared distance to the truth, is what one would call a loss. With the Jacobian `J_i` of the
    inner part, the Hessian of sample i is

    .. math:: H_i = J_i^\top \nabla^2_u \ell_i \, J_i + \sum_k (\nabla_u \ell_i)_k \nabla^2_y u_{ik}

    and :class:`GaussNewton` takes its first term, which needs no second derivative of the
    algorithm. Under any other curvature it is a loss like others.

    Shapes: outputs as for any loss; ``inner`` maps them, sample by sample, to a tensor
    `(N, *result)` or a tuple, list or dict of such tensors, of which ``outer`` makes a loss of
    shape `()` or `(N,)`. The reduction is that of ``outer``.

    Args:
        inner: the algorithm, a callable of the outputs.
        outer: the loss, a callable of the algorithm's result and of the further arguments.

    Raises:
        TypeError: if one of them is not callable.
    """

    def __init__(self, inner: Callable[..., Any], outer: Callable[..., Tensor]) -> None:
        super().__init__()
        for name, part in (("inner", inner), ("outer", outer)):
            if not callable(part):
                raise TypeError(f"{name} must be a callable, got {describe(part)}")
        self.inner = inner
        self.outer = outer

    def forward(self, outputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """`outer(inner(outputs), *args, **kwargs)`."""
        return self.outer(self.inner(outputs), *args, **kwargs)


def inner_vjp(
    inner: Callable[..., Any], outputs: Outputs
) -> tuple[Outputs, Callable[[Tensor], tuple[Tensor]]]:
    """The result of the inner part, detached, and its vector-Jacobian product.

    Returns:
        The result, and the map from cotangents `(N, k)` to cotangents `(N, m)`.

    Raises:
        TypeError: if the result is not made of floating-point tensors.
        ValueError: if it has another N or does not depend on the outputs.
    """
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

    matrix = outputs.matrix
    _, vjp, parts = call_functional(lambda y: torch.func.vjp(function, y, has_aux=True), matrix)
    result = Outputs([part.detach() for part in parts], found[0].names, found[0].rebuild)
    return result, vjp


def jacobians(
    vjp: Callable[[Tensor], tuple[Tensor]], result: Outputs, chunk_size: int | None
) -> Tensor:
    """The Jacobians `J_i` of the inner part, shape `(N, k, m)`, by k vector-Jacobian products."""
    u = result.join(result.parts)
    N, k = u.shape
    identity = torch.eye(k, dtype=u.dtype, device=u.device)
    rows = batched(vjp, identity[:, None, :].expand(k, N, k), chunk_size)
    return rows.transpose(0, 1)  # (k, N, m) -> (N, k, m)
