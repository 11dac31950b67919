"""The quantities of a case that properties compare, as one row per sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import UnusableLossError

Quantity = Callable[[Case], Tensor]
"""From a case to rows `(N, k)`, on the per-sample scale."""


def total(case: Case) -> Tensor:
    """The sum of the losses of all samples as a single row, `(1, 1)`."""
    return case.evaluation.total.reshape(1, 1)


def value(case: Case) -> Tensor:
    """The loss of each sample, `(N, 1)`; the :func:`total` of a 0-dim loss."""
    evaluation = case.evaluation
    is_vector = evaluation.value.dim() == 1
    return evaluation.value[:, None] if is_vector else evaluation.total.reshape(1, 1)


def gradient(case: Case) -> Tensor:
    """The gradients, `(N, m)`."""
    return case.evaluation.gradient


def hessian(case: Case) -> Tensor:
    """The Hessians, `(N, m²)`."""
    return case.twice_evaluated.hessian.flatten(1)


def has_hessian(case: Case) -> bool:
    """Whether autograd can differentiate the loss twice."""
    try:
        hessian(case)
    except UnusableLossError:
        return False
    return True


def has_derivatives(loss_fn: Any) -> bool:
    """Whether the loss has a ``derivatives`` method."""
    return callable(getattr(getattr(loss_fn, "func", loss_fn), "derivatives", None))


def stated_value(case: Case) -> Tensor:
    """As :func:`value`, from the ``derivatives`` method."""
    values = case.stated_derivatives.value
    is_vector = case.evaluation.value.dim() == 1
    return values[:, None] if is_vector else values.sum().reshape(1, 1)


def stated_gradient(case: Case) -> Tensor:
    """The gradients from the ``derivatives`` method, `(N, m)`."""
    return case.stated_derivatives.gradient


def stated_hessian(case: Case) -> Tensor:
    """The Hessians from the ``derivatives`` method, `(N, m²)`."""
    H = case.stated_derivatives.hessian
    assert H is not None
    return H.flatten(1)


def derivatives(case: Case, order: int = 2) -> Iterator[tuple[str, Quantity, Quantity | None]]:
    """The derivatives that a loss has, by autograd and from its ``derivatives`` method.

    Args:
        case: the loss at its outputs.
        order: the highest one.

    Yields:
        What a message calls it, the quantity, and the same by autograd; ``None`` if autograd does
        not have it.
    """
    twice = order > 1 and has_hessian(case)
    yield "gradient", gradient, gradient
    if twice:
        yield "Hessian", hessian, hessian
    if has_derivatives(case.loss_fn):
        yield "gradient of `derivatives`", stated_gradient, gradient
        if order > 1 and case.stated_derivatives.hessian is not None:
            yield "Hessian of `derivatives`", stated_hessian, hessian if twice else None
