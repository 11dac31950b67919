"""A loss in two parts, a relaxed algorithm or a model and what is made of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from newton_optim._checks import describe


@dataclass(frozen=True)
class LossParts:
    """The parts of a loss, bound to its arguments: ``outer(inner(outputs), *args, **kwargs)``.

    Args:
        inner: from the outputs to a result of the same samples.
        outer: from the result to the loss.
        args: further arguments of the outer part.
        kwargs: its keyword arguments.
        called: what a message calls the inner part.
    """

    inner: Callable[[Any], Any]
    outer: Callable[..., Tensor]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    called: str


class ComposedLoss(nn.Module):
    r"""A loss that names its parts: ``outer(inner(outputs), *args)``.

    The inner part is an algorithm or a model, such as a relaxed shortest path or a simulator; the
    outer part, such as a squared distance to the truth, is what one would call a loss. With the
    Jacobian `J_i` of the inner part, the Hessian of sample i is

    .. math:: H_i = J_i^\top \nabla^2_u \ell_i \, J_i + \sum_k (\nabla_u \ell_i)_k \nabla^2_y u_{ik}

    and :class:`GaussNewton` takes its first term, which needs no second derivative of the
    algorithm. Under any other curvature it is a loss like others.

    The outer parts :class:`SquaredLoss`, :class:`HuberLoss`, :class:`PoissonLoss` and
    ``torch.nn.MSELoss`` are sums over the entries of the result. For them, :class:`GaussNewton`
    solves a least-squares problem and does not form the matrix.

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
        self.inner = check_part("inner", inner)
        self.outer = check_part("outer", outer)

    def forward(self, outputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """``outer(inner(outputs), *args, **kwargs)``."""
        value: Tensor = self.outer(self.inner(outputs), *args, **kwargs)
        return value

    def parts(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> LossParts:
        """The parts; the further arguments are those of the outer one."""
        return LossParts(self.inner, self.outer, args, kwargs, "inner")


def check_part(name: str, part: Any) -> Callable[..., Any]:
    """``part`` if it is callable."""
    if isinstance(part, type) or not callable(part):
        raise TypeError(f"{name} must be a callable, got {describe(part)}")
    return part  # type: ignore[no-any-return]
