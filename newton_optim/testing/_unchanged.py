"""A loss that a change of its inputs leaves as it was, and the checks of those inputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._quantities import gradient, total
from newton_optim.testing._rounding import rounding


def assert_loss_unchanged(when: str, case: Case, moved: Case, expected: Tensor) -> None:
    """The loss of ``moved`` is that of ``case``, and its gradient is ``expected``, `(N, m)`."""
    bound = rounding(case, gradient) + rounding(moved, gradient)
    assert_rows_close(f"the gradient {when}", gradient(moved), expected, bound, case.y)
    total_bound = rounding(case, total) + rounding(moved, total)
    rows = total(moved), total(case)
    assert_rows_close(f"the summed loss {when}", *rows, total_bound, case.y.reshape(1, -1))


def check_single_tensor(outputs: Any) -> Tensor:
    """``outputs`` if they are one tensor `(N, *event)` of at least two dimensions."""
    if not isinstance(outputs, Tensor):
        raise TypeError(f"outputs must be one tensor here, got {describe(outputs)}")
    if outputs.dim() < 2:
        raise ValueError(f"outputs must have shape (N, m) or more, got {describe(outputs)}")
    return outputs


def check_mask(mask: Any, outputs: Any) -> Tensor:
    """The mask as a matrix `(N, m)`.

    Raises:
        TypeError: if the outputs are not one tensor, or the mask is not boolean.
        ValueError: if the outputs have no dimension besides N, or the mask has another shape.
    """
    shape = tuple(check_single_tensor(outputs).shape)
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise TypeError(f"mask must be a boolean tensor, got {describe(mask)}")
    if mask.shape != shape:
        raise ValueError(f"mask must have shape {shape}, got {tuple(mask.shape)}")
    return mask.reshape(len(mask), -1)
