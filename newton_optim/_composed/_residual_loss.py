"""A loss made from a callable that returns residuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from newton_optim._checks import check_choice, describe
from newton_optim._composed._composed_loss import ComposedLoss, LossParts, check_part
from newton_optim._composed._huber import HuberLoss
from newton_optim._composed._separable import SeparableLoss
from newton_optim._composed._squared import SquaredLoss

_BY_NAME: Mapping[str, Callable[..., SeparableLoss]] = {"squared": SquaredLoss, "huber": HuberLoss}


class ResidualLoss(ComposedLoss):
    r"""A nonlinear least-squares loss from a callable that returns residuals.

    .. math:: l_i = \tfrac12 \lVert r_i \rVert^2, \qquad r_i = r(y_i, x_i)

    The residuals are what :class:`GaussNewton` needs to know. For a model and its measurements::

        loss = ResidualLoss(lambda y, x: model(y) - x)
        NewtonLoss(loss, curvature=GaussNewton())(net(x), x).backward()

    To weight residuals, multiply them by the roots of the weights; a prior is one more residual.

    Args:
        residuals: ``residuals(outputs, *args, **kwargs)`` returns a tensor `(N, *result)`. Samples
            must be independent.
        outer: what is made of the residuals: ``"squared"``, ``"huber"`` (with δ = 1), or a module
            such as ``HuberLoss(delta=0.1)``. Another callable is called with the residuals.
        reduction: ``"mean"`` or ``"sum"`` over samples, or ``"none"``: shape `(N,)`. Of an outer
            part that is named; a module has its own.

    Raises:
        TypeError: if ``residuals`` or ``outer`` is of the wrong kind.
        ValueError: if a name is unknown.
    """

    def __init__(
        self,
        residuals: Callable[..., Any],
        *,
        outer: str | Callable[..., Tensor] = "squared",
        reduction: str = "mean",
    ) -> None:
        check_part("residuals", residuals)
        if isinstance(outer, str):
            outer = _BY_NAME[check_choice("outer", outer, tuple(_BY_NAME))](reduction=reduction)
        elif reduction != "mean":
            raise ValueError(
                f"reduction must be left out where outer is a module, which has its own: got "
                f"{describe(reduction)}"
            )
        super().__init__(residuals, outer)

    def forward(self, outputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        """``outer(residuals(outputs, *args, **kwargs))``."""
        value: Tensor = self.outer(self.inner(outputs, *args, **kwargs))
        return value

    def parts(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> LossParts:
        """The parts; the further arguments are those of the residuals."""
        inner = partial(_with_outputs_first, self.inner, args, kwargs)
        return LossParts(inner, self.outer, (), {}, "residuals")


def _with_outputs_first(
    residuals: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], outputs: Any
) -> Any:
    return residuals(outputs, *args, **kwargs)
