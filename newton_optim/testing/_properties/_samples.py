"""Samples that do not affect each other: independence, order, repetition."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._quantities import gradient, total, value
from newton_optim.testing._randomness import orders
from newton_optim.testing._rounding import rounding

_MOVES = (0.9375, 8.0, -8.0)
"""Factors on the outputs that other samples get."""


def assert_samples_independent(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """Value and gradient of a sample do not depend on the outputs of the others.

    A loss that couples samples (through a batch mean, for example) needs
    ``Hessian(scope="joint")``: the other scopes would silently sum its cross blocks. A single
    sample is independent.

    The outputs of the others are exchanged and made a little shorter, and much longer.

    It sees a dependence on the outputs of the others; of the values, for a loss of shape `(N,)`. It
    does not see one on the arguments of the others, or on N: see :func:`assert_batch_invariant`.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the value or gradient of a sample before and after others changed.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    N, y = case.num_samples, case.y
    # The others get each other's outputs, a little shorter: most domains allow that.
    for factor in _MOVES:
        for first in (0, 1):
            changed = (torch.arange(N, device=y.device) % 2 == first)[:, None]
            moved = case.at(torch.where(changed, factor * y.roll(1, 0), y))
            try:
                _assert_rows_stay(case, moved, ~changed[:, 0])
            except UnusableLossError:
                if factor == _MOVES[0]:
                    raise


def _assert_rows_stay(case: Case, moved: Case, stay: Tensor) -> None:
    """Value and gradient of the samples that stay are the same in both cases."""
    when = "after other samples changed (samples are coupled)"
    after = moved.evaluation.gradient
    bound = rounding(case, gradient).amax().expand(case.num_samples)
    before = gradient(case)
    rows = after[stay], before[stay], bound[stay], case.y[stay]
    assert_rows_close(f"a gradient {when}", *rows)
    if case.evaluation.value.dim() == 1:
        bound = rounding(case, value).amax().expand(case.num_samples)
        rows = value(moved)[stay], value(case)[stay], bound[stay], case.y[stay]
        assert_rows_close(f"a value {when}", *rows)


def assert_batch_invariant(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """A sample alone has the value and the gradient that it has in the batch.

    A mean that divides by the sum of the weights of the batch fails: how much a sample counts
    depends on its neighbours. Divide by N, or declare the samples as coupled.

    It sees any dependence of the first, the middle and the last sample on the rest of the batch,
    also on its arguments and on N. It does not see one of the value of a 0-dim loss, or any if the
    loss refuses a batch of one.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments. Every tensor whose first dimension is N is selected with the
            samples; bind any other tensor of that size with ``functools.partial``.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the value or gradient of a sample alone and in the batch.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    for i in sorted({0, case.num_samples // 2, case.num_samples - 1}):
        alone = case.select(torch.tensor([i], device=case.y.device))
        try:
            g = gradient(alone)
        except UnusableLossError:
            continue
        bound = rounding(case, gradient).amax().expand(1)
        what = "the gradient of a sample alone, against the batch"
        assert_rows_close(what, g, gradient(case)[[i]], bound, alone.y)
        if case.evaluation.value.dim() == 1:
            bound = rounding(case, value).amax().expand(1)
            what = "the value of a sample alone, against the batch"
            assert_rows_close(what, value(alone), value(case)[[i]], bound, alone.y)


def assert_sample_equivariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """Samples in another order give the same loss, and their gradients in that order.

    It sees a loss in which the position in the batch matters. It does not see a dependence on the
    batch that ignores the order.

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

    It sees a wrong factor `1/N` and a wrong ``reduction``. It does not see weights that are
    repeated with their samples.

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
    before, after = case.evaluation, selected.evaluation
    bound = rounding(case, gradient).amax().expand(len(samples))
    expected = before.gradient[samples]
    what = f"the gradient per sample, {when}"
    assert_rows_close(what, after.gradient, expected, bound, selected.y)
    share = len(samples) / case.num_samples
    total_bound = share * rounding(case, total)
    rows = after.total.reshape(1, 1), share * before.total.reshape(1, 1)
    assert_rows_close(f"the summed loss, {when}", *rows, total_bound, selected.y.reshape(1, -1))
