"""What some losses promise besides: the order of coordinates and shifts do not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_real
from newton_optim.testing._case import Case
from newton_optim.testing._cast import map_tensors
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._quantities import gradient
from newton_optim.testing._randomness import orders
from newton_optim.testing._rounding import rounding
from newton_optim.testing._unchanged import assert_loss_unchanged, check_single_tensor


def assert_coordinate_equivariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """Coordinates in another order give the same loss, and the gradient in that order.

    The order changes along the last dimension of the outputs and of every tensor in the arguments
    that has their shape. Rankings, distances and multi-label losses have this property. A ranking
    does not have it at a tie that the order of the coordinates breaks.

    It sees weights by coordinate, and ranks that are taken for elements. It does not see an error
    that treats all coordinates alike.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: one tensor `(N, *event)` of at least two dimensions.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        TypeError: if the outputs are not one tensor.
        ValueError: if they have no dimension besides N.
        AssertionError: with the value or gradient that did not follow its coordinates.
    """
    check_single_tensor(outputs)
    case = Case.checked(loss_fn, outputs, args, reduction)
    part = case.outputs.parts[0]
    for order in orders(part.shape[-1], part.device):

        def reorder(tensor: Tensor, order: Tensor = order) -> Tensor:
            return tensor[..., order] if tensor.shape == part.shape else tensor

        moved = case.at(reorder(part).reshape(len(part), -1))
        moved = replace(moved, args=map_tensors(reorder, case.args))
        expected = reorder(gradient(case).reshape(part.shape)).reshape(len(part), -1)
        assert_loss_unchanged("with the coordinates in another order", case, moved, expected)


def assert_shift_invariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean", shift: float = 1.0
) -> None:
    """Adding a number to all coordinates of a sample changes neither loss nor gradient.

    Then every gradient sums to zero, and the Hessian is singular along `(1, …, 1)`: an undamped raw
    Newton step does not exist.

    It sees a loss that depends on the level of a sample. It does not see an error in its
    differences.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss; they are not shifted.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        shift: the number; each sample gets its own, from one to two times as large.

    Raises:
        AssertionError: with the value or gradient that changed.
    """
    by = check_real("shift", shift)
    case = Case.checked(loss_fn, outputs, args, reduction)
    N, y = case.num_samples, case.y
    factors = 1 + torch.arange(N, dtype=y.dtype, device=y.device) / N
    moved = case.at(y + by * factors[:, None])
    g = gradient(case)
    assert_loss_unchanged("with all coordinates of a sample shifted", case, moved, g)
    sums = g.sum(1, keepdim=True)
    what = "the sum of the coordinates of a gradient (a shift changes the loss)"
    assert_rows_close(what, sums, torch.zeros_like(sums), rounding(case, gradient), case.y)
