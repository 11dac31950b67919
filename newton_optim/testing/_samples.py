"""Samples that know nothing of each other: independence, order, repetition."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._rounding import assert_rows_close, gradient, rounding, total


def assert_samples_independent(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """The gradient of a sample does not depend on the outputs of the others.

    A loss that couples samples (through a batch mean, say) needs `Hessian(scope="joint")`: under
    the other scopes its cross blocks would be summed silently. One sample alone is independent.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.

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
    """Samples in another order give the same loss, and gradients in that order.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: further arguments; every tensor whose first dimension is N goes with its sample.
            Bind any other tensor that has this size by chance with `functools.partial`.
        reduction: as for :func:`assert_usable`.

    Raises:
        AssertionError: with the value or gradient that did not follow its sample.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    generator = torch.Generator().manual_seed(0)
    N = case.num_samples
    for order in (torch.arange(N).flip(0), torch.randperm(N, generator=generator)):
        _assert_follows("after the samples changed their order", case, order)


def assert_duplication_invariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """With every sample twice, each gradient on the scale of its sample stays as it is.

    So does a mean loss, and a sum is doubled. A loss that divides by another number than its N,
    or is not what ``reduction`` says, fails: its curvature would depend on the batch size.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_sample_equivariant`.
        reduction: as for :func:`assert_usable`.

    Raises:
        AssertionError: with the value or gradient that changed.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    order = torch.arange(case.num_samples).repeat(2)
    _assert_follows("with every sample twice", case, order)


def _assert_follows(when: str, case: Case, order: Tensor) -> None:
    taken = case.taken(order)
    before, after = case.evaluate(), taken.evaluate()
    order = order.to(before.gradient.device)
    bound = rounding(case, gradient).amax().expand(len(order))
    what = f"the gradient on its sample's scale, {when}"
    assert_rows_close(what, after.gradient, before.gradient[order], bound, taken.y)
    share = len(order) / case.num_samples
    total_bound = share * rounding(case, total)
    rows = after.total.reshape(1, 1), share * before.total.reshape(1, 1)
    assert_rows_close(f"the summed loss, {when}", *rows, total_bound, taken.y.reshape(1, -1))
