"""One evaluation of a loss, and the error of a loss that cannot be evaluated."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from newton_optim._outputs import Outputs
from newton_optim.testing._core import Products, check_loss_value, differentiate, per_sample_factor


class UnusableLossError(AssertionError):
    """The loss raised, or returned what no entry point accepts: no property can be checked."""


@dataclass(frozen=True)
class Evaluation:
    """A loss and its derivatives, on the per-sample scale.

    Args:
        value: as the loss returned it, shape `()` or `(N,)`.
        total: the sum of the losses of all samples, 0-dim.
        gradient: `g_i`, shape `(N, m)`.
        products: from vectors `(k, N, m)` to their products with the full Hessian.
    """

    value: Tensor
    total: Tensor
    gradient: Tensor
    products: Products

    @functools.cached_property
    def hessian(self) -> Tensor:
        """`H_i`, shape `(N, m, m)`; for coupled samples, the sums of its columns."""
        N, m = self.gradient.shape
        basis = torch.eye(m, dtype=self.gradient.dtype, device=self.gradient.device)
        return self.products(basis[:, None, :].expand(m, N, m)).permute(1, 2, 0)


def evaluate(
    loss_fn: Callable[..., Any],
    outputs: Outputs,
    args: tuple[Any, ...],
    reduction: str,
    *,
    second_order: bool,
) -> Evaluation:
    """Value, gradient and, if asked for, Hessian products of a loss, by autograd.

    Raises:
        UnusableLossError: if the loss raises or no entry point accepts what it returns.
    """
    leaves = [part.detach().clone().requires_grad_() for part in outputs.parts]
    tracked = replace(outputs, parts=leaves)
    with torch.enable_grad():
        # A copy: the loss may change its inputs in place.
        loss = call_loss(loss_fn, tracked.rebuild([leaf.clone() for leaf in leaves]), args)
    try:
        value = check_loss_value(loss, outputs.num_samples)
    except (TypeError, ValueError) as error:
        raise UnusableLossError(f"no entry point accepts what the loss returns: {error}") from error
    try:
        value, gradient, products = differentiate(
            value, tracked, reduction, second_order=second_order
        )
    except Exception as error:
        raise UnusableLossError(f"the loss has no derivative: {error}") from error
    factor = per_sample_factor(value, outputs.num_samples, reduction)
    return Evaluation(value, value.sum() * factor, gradient, _refusing_as_unusable(products))


def call_loss(loss_fn: Callable[..., Any], outputs: Any, args: tuple[Any, ...]) -> Any:
    """``loss_fn(outputs, *args)``, its exceptions as an :class:`UnusableLossError`."""
    try:
        return loss_fn(outputs, *args)
    except Exception as error:
        raise UnusableLossError(f"the loss raised {type(error).__name__}: {error}") from error


def _refusing_as_unusable(products: Products) -> Products:
    """The products, whose ``ValueError`` becomes an :class:`UnusableLossError`."""

    def refusing(vectors: Tensor) -> Tensor:
        try:
            return products(vectors)
        except ValueError as error:
            raise UnusableLossError(str(error)) from error

    return refusing
