"""Samples that do not affect each other: independence, order, repetition."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._quantities import gradient, total
from newton_optim.testing._randomness import orders
from newton_optim.testing._rounding import rounding


def assert_samples_independent(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """The gradient of a sample does not depend on the outputs of the others.

    A loss that couples samples (through a batch mean, for example) needs
    ``Hessian(scope="joint")``: the other scopes would silently sum its cross blocks. A single
    sample is independent.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the gradient of a sample before and after another one changed.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    N, y = case.num_samples, case.y
    before, bound = gradient(case), rounding(case, gradient).amax().expand(N)
    # The others get each other's outputs, a little shorter: most domains allow that.
    others = y.roll(1, 0) * 0.9375
    for first in (0, 1):
        changed = (torch.arange(N, device=y.device) % 2 == first)[:, None]
        after = gradient(case.at(torch.where(changed, others, y)))
        stay = ~changed[:, 0]
        assert_rows_close(
            "a gradient after other samples changed (samples are coupled)",
            after[stay],
            before[stay],
            bound[stay],
            y[stay],
        )


def assert_sample_equivariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """Samples in another order give the same loss, and their gradients in that order.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments. Every tensor whose first dimension is N is reordered with the
            samples; bind any other tensor of that size with ``functools.partial``.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the value or gradient that did not follow its sample.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    for order in orders(case.num_samples, case.y.device):
        _assert_follows("with the samples in another order", case, order)


def assert_duplication_invariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """Repeating every sample does not change any gradient on the per-sample scale.

    A mean loss stays the same and a sum doubles. A loss that divides by another number than its N,
    or is not what ``reduction`` says, fails: its curvature would depend on the batch size.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments. Every tensor whose first dimension is N is repeated with the
            samples; bind any other tensor of that size with ``functools.partial``.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the value or gradient that changed.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    twice = torch.arange(case.num_samples, device=case.y.device).repeat(2)
    _assert_follows("with every sample twice", case, twice)


def _assert_follows(when: str, case: Case, samples: Tensor) -> None:
    """The gradients of the selected samples are the selected gradients, and the loss its share."""
    selected = case.select(samples)
    before, after = case.evaluate(), selected.evaluate()
    bound = rounding(case, gradient).amax().expand(len(samples))
    expected = before.gradient[samples]
    what = f"the gradient per sample, {when}"
    assert_rows_close(what, after.gradient, expected, bound, selected.y)
    share = len(samples) / case.num_samples
    total_bound = share * rounding(case, total)
    rows = after.total.reshape(1, 1), share * before.total.reshape(1, 1)
    assert_rows_close(f"the summed loss, {when}", *rows, total_bound, selected.y.reshape(1, -1))
