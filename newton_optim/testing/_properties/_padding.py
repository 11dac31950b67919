"""Padding that a loss promises to ignore."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._quantities import gradient
from newton_optim.testing._unchanged import assert_loss_unchanged, check_mask


def assert_padding_ignored(
    loss_fn: Any, outputs: Any, *args: Any, mask: Tensor, reduction: str = "mean"
) -> None:
    """The values in the padding change neither loss nor gradient, and get no gradient.

    It sees values in the padding that matter, also in a detached normaliser. It does not see a mask
    that is wrong itself.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``; the mask (or the lengths) must be
            among its arguments, in the form it expects.
        outputs: one tensor `(N, *event)` of at least two dimensions.
        *args: further arguments of the loss.
        mask: boolean, in the shape of the outputs: true where an output counts.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        TypeError: if the outputs are not one tensor, or the mask is not boolean.
        ValueError: if the outputs have no dimension besides N, or the mask has another shape.
        AssertionError: with the value or gradient that changed.
    """
    keep = check_mask(mask, outputs)
    case = Case.checked(loss_fn, outputs, args, reduction)
    g = gradient(case)
    padding = torch.where(keep, 0.0, g)
    zero = torch.zeros_like(g)
    assert_rows_close("the gradient of the padding", padding, zero, zero[:, 0], case.y)
    for filling in (case.y.roll(1, 1) * 3 + 1, torch.full_like(case.y, -1e4)):
        moved = case.at(torch.where(keep, case.y, filling))
        assert_loss_unchanged("with other values in the padding", case, moved, g)
