"""A loss in two parts, a relaxed algorithm and what is made of its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from torch import Tensor, nn

from newton_optim._checks import describe


class ComposedLoss(nn.Module):
    r"""A loss that names its parts: ``outer(inner(outputs), *args)``.

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
        """``outer(inner(outputs), *args, **kwargs)``."""
        return self.outer(self.inner(outputs), *args, **kwargs)


def is_composed(loss: Any) -> TypeGuard[ComposedLoss]:
    """Whether ``loss`` is its two parts and nothing else (a subclass may override ``forward``)."""
    return isinstance(loss, ComposedLoss) and type(loss).forward is ComposedLoss.forward
