"""What some losses promise besides: order of coordinates, shifts, padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_real, describe
from newton_optim.testing._case import Case, map_tensors
from newton_optim.testing._rounding import assert_rows_close, gradient, rounding, total


def assert_coordinate_equivariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """Coordinates in another order give the same loss, and a gradient in that order.

    The order changes along the last dimension of the outputs and of every tensor in the arguments
    that has their shape. Rankings, distances and multi-label losses have this property; at a tie
    that an order breaks, a ranking has it not.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: one tensor `(N, *event)`, with at least one dimension of event.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.

    Raises:
        TypeError: if the outputs are not one tensor.
        ValueError: if they have no dimension besides N.
        AssertionError: with the value or gradient that did not follow its coordinates.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    part = _single_part(outputs, case)
    size = part.shape[-1]
    generator = torch.Generator().manual_seed(0)
    for order in (torch.arange(size).flip(0), torch.randperm(size, generator=generator)):
        order = order.to(part.device)

        def reorder(tensor: Tensor, order: Tensor = order) -> Tensor:
            return tensor[..., order] if tensor.shape == part.shape else tensor

        moved = Case(
            case.loss_fn,
            case.at(reorder(part).reshape(len(part), -1)).outputs,
            map_tensors(reorder, case.args),
            reduction,
        )
        g = gradient(case).reshape(part.shape)
        _assert_unchanged("with its coordinates in another order", case, moved, reorder(g))


def assert_shift_invariant(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean", shift: float = 1.0
) -> None:
    """A number added to all coordinates of a sample changes neither loss nor gradient.

    Then each gradient sums to zero, and the Hessian is singular along (1, …, 1): an undamped raw
    Newton step does not exist.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`; they are not shifted.
        reduction: as for :func:`assert_usable`.
        shift: the number; each sample gets its own, from once to twice as much.

    Raises:
        AssertionError: with the value or gradient that changed.
    """
    by = check_real("shift", shift)
    case = Case.checked(loss_fn, outputs, args, reduction)
    N, y = case.num_samples, case.y
    factors = 1 + torch.arange(N, dtype=y.dtype, device=y.device) / N
    moved = case.at(y + by * factors[:, None])
    g = gradient(case)
    _assert_unchanged("with all coordinates of a sample shifted", case, moved, g)
    sums = g.sum(1, keepdim=True)
    bound = rounding(case, gradient)
    what = "the sum of the coordinates of a gradient (a shift changes the loss)"
    assert_rows_close(what, sums, torch.zeros_like(sums), bound, case.y)


def assert_padding_ignored(
    loss_fn: Any, outputs: Any, *args: Any, mask: Tensor, reduction: str = "mean"
) -> None:
    """What stands in the padding changes neither loss nor gradient, and gets no gradient.

    Args:
        loss_fn: as for :func:`assert_usable`; it gets the mask (or lengths) among its arguments, in
            whatever form it wants it.
        outputs: one tensor `(N, *event)`.
        *args: as for :func:`assert_usable`.
        mask: boolean, of the shape of the outputs: true where an output counts.
        reduction: as for :func:`assert_usable`.

    Raises:
        TypeError: if the outputs are not one tensor, or the mask is not boolean.
        ValueError: if the mask has another shape.
        AssertionError: with the value or gradient that changed.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    keep = check_mask(mask, outputs, case)
    g = gradient(case)
    padding = torch.where(keep, 0.0, g)
    zero = torch.zeros_like(g)
    assert_rows_close("the gradient of the padding", padding, zero, zero[:, 0], case.y)
    for filling in (case.y.roll(1, 1) * 3 + 1, torch.full_like(case.y, -1e4)):
        moved = case.at(torch.where(keep, case.y, filling))
        _assert_unchanged("with other numbers in the padding", case, moved, g)


def check_mask(mask: Any, outputs: Any, case: Case) -> Tensor:
    """The mask as a matrix `(N, m)`.

    Raises:
        TypeError: if the outputs are not one tensor, or the mask is not boolean.
        ValueError: if the mask has another shape.
    """
    part = _single_part(outputs, case)
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise TypeError(f"mask must be a boolean tensor, got {describe(mask)}")
    if mask.shape != part.shape:
        raise ValueError(f"mask must have shape {tuple(part.shape)}, got {tuple(mask.shape)}")
    return mask.reshape(len(part), -1)


def _single_part(outputs: Any, case: Case) -> Tensor:
    if not isinstance(outputs, Tensor):
        raise TypeError(f"outputs must be one tensor here, got {describe(outputs)}")
    if outputs.dim() < 2:
        raise ValueError(f"outputs must have shape (N, m) or more, got {describe(outputs)}")
    return case.outputs.parts[0]


def _assert_unchanged(when: str, case: Case, moved: Case, expected: Tensor) -> None:
    """The loss of ``moved`` is that of ``case``, its gradient the expected one."""
    expected = expected.reshape(case.num_samples, -1)
    bound = rounding(case, gradient) + rounding(moved, gradient)
    assert_rows_close(f"the gradient {when}", gradient(moved), expected, bound, case.y)
    total_bound = rounding(case, total) + rounding(moved, total)
    rows = total(moved), total(case)
    assert_rows_close(f"the summed loss {when}", *rows, total_bound, case.y.reshape(1, -1))
