"""Numbers that hold: finite ones, and float32 derivatives that agree with float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives, Request, evaluate
from newton_optim.testing._case import Case, UnusableLossError
from newton_optim.testing._rounding import assert_rows_close, gradient, hessian, rounding, show


def assert_finite(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """Value, gradient and Hessian are finite, in the dtype of the outputs.

    A Hessian that the loss does not have is not asked for; see :func:`assert_twice_differentiable`.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.

    Raises:
        AssertionError: with the sample and what it gave.
    """
    case = Case.checked(loss_fn, outputs, args, reduction, dtype=None)
    evaluation = case.evaluate()
    _assert_finite("value", evaluation.value.reshape(-1, 1), case)
    _assert_finite("gradient", evaluation.gradient, case)
    for kind, H in _hessians(case):
        _assert_finite(kind, H, case)


def assert_float32_matches_float64(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    r"""Gradient and Hessian in float32 are those in float64, to rounding, sample by sample.

    .. math:: \lVert g_i^{32} - g_i^{64} \rVert \le 2^{10} (ε \, S_i + δ_i), \qquad ε = 2^{-23}

    `S_i` is the largest `‖g_i‖` on the way from the outputs to zero; `δ_i` is how far `g_i^{64}`
    moves when the outputs are moved by a relative ε (a kink counts here). Both computations see the
    same outputs and arguments, rounded to float32. The Hessian has the same bound, and a
    ``derivatives`` method is held to it as well. A loss that is exact on paper and fails here
    trains with gradients that rounding made: rewrite it (from logits, without `1 - p`).

    Args:
        loss_fn: as for :func:`assert_usable`; the tensors of a module and those in the arguments
            are cast, so that tensors in a closure should be arguments.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.

    Raises:
        AssertionError: with the sample that is furthest off and both results.
    """
    single = Case.checked(loss_fn, outputs, args, reduction, dtype=torch.float32)
    double = single.to(torch.float64)
    _compare("the float32 gradient", single, double, gradient, gradient)
    if has_hessian(double):
        _compare("the float32 Hessian", single, double, hessian, hessian)
    if has_derivatives(loss_fn):
        _compare("the float32 gradient of `derivatives`", single, double, own_gradient, gradient)
        if own(single).hessian is not None and has_hessian(double):
            _compare("the float32 Hessian of `derivatives`", single, double, own_hessian, hessian)


def assert_derivatives_match(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """The ``derivatives`` method gives the value, gradient and Hessian of the loss itself.

    Judged by autograd on `loss_fn(outputs, *args)` in float64, to rounding.

    Args:
        loss_fn: a loss with a method ``derivatives(outputs, *args) -> LossDerivatives``.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.

    Raises:
        TypeError: if the loss has no such method.
        AssertionError: with the sample that is furthest off and both results.
    """
    if not has_derivatives(loss_fn):
        raise TypeError("loss_fn must have a `derivatives` method, got none")
    case = Case.checked(loss_fn, outputs, args, reduction)
    _compare("the value of `derivatives`", case, case, _own_value, _value)
    _compare("the gradient of `derivatives`", case, case, own_gradient, gradient)
    if own(case).hessian is not None and has_hessian(case):
        _compare("the Hessian of `derivatives`", case, case, own_hessian, hessian)


def has_derivatives(loss_fn: Any) -> bool:
    """Whether the loss knows its derivatives."""
    return callable(getattr(getattr(loss_fn, "func", loss_fn), "derivatives", None))


def has_hessian(case: Case) -> bool:
    """Whether autograd can differentiate the loss twice."""
    try:
        hessian(case)
    except UnusableLossError:
        return False
    return True


def own(case: Case) -> LossDerivatives:
    """What the ``derivatives`` method says."""
    try:
        found = evaluate(
            case.loss_fn, case.outputs, case.copied_args(), {}, case.reduction, Request("hessian")
        )
        return LossDerivatives(found.value, found.gradient, found.own_hessian)
    except Exception as error:
        raise UnusableLossError(f"`derivatives` raised {type(error).__name__}: {error}") from error


def own_gradient(case: Case) -> Tensor:
    """The gradients that the ``derivatives`` method gives, `(N, m)`."""
    return own(case).gradient


def own_hessian(case: Case) -> Tensor:
    """Its Hessians as rows, `(N, m²)`."""
    H = own(case).hessian
    assert H is not None
    return H.flatten(1)


def _own_value(case: Case) -> Tensor:
    value = own(case).value
    return value[:, None] if case.evaluate().value.dim() == 1 else value.sum().reshape(1, 1)


def _value(case: Case) -> Tensor:
    evaluation = case.evaluate()
    is_vector = evaluation.value.dim() == 1
    return evaluation.value[:, None] if is_vector else evaluation.total.reshape(1, 1)


def _compare(
    what: str,
    actual: Case,
    expected: Case,
    function: Callable[[Case], Tensor],
    reference: Callable[[Case], Tensor],
) -> None:
    bound = rounding(expected, reference, actual.outputs.dtype)
    y = expected.y if len(bound) == expected.num_samples else expected.y.reshape(1, -1)
    assert_rows_close(what, function(actual).double(), reference(expected), bound, y)


def _hessians(case: Case) -> list[tuple[str, Tensor]]:
    found = [("Hessian", hessian(case))] if has_hessian(case) else []
    if has_derivatives(case.loss_fn):
        found += [("gradient of `derivatives`", own_gradient(case))]
        if own(case).hessian is not None:
            found += [("Hessian of `derivatives`", own_hessian(case))]
    return found


def _assert_finite(kind: str, rows: Tensor, case: Case) -> None:
    bad = ~rows.isfinite().all(1)
    if bad.any():
        i = int(bad.long().argmax())
        y = case.y[i] if len(rows) == case.num_samples else case.y
        raise AssertionError(
            f"the {kind} of sample {i} is not finite: {show(rows[i])} at outputs {show(y)} "
            f"in {case.outputs.dtype} ({int(bad.sum())} of {len(bad)} samples)"
        )
