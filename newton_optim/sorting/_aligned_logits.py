"""The logits from which the softmax operators' ranking loss is computed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class AlignedLogits(NamedTuple):
    """Logits with the largest of each row on the diagonal, and the targets of the rows.

    Rows and columns have the elements in the same order. The batch comes last.

    Attributes:
        difference: `y_i - y_j` of the scores y in this order, `(n, n, *batch)`.
        logits: relative to the diagonal, whose value and derivatives are 0, `(n, n, *batch)`. These
            and the differences are float64 where the device has it: logits far below the largest
            of their row are compared with each other, and float32 would lose their difference.
        target: the column of the element that the labels want at the row's rank, `(n, *batch)`.
        position: where each element is in this order, `(n, *batch)`, or ``None`` if that is its
            own index.
        dtype: that of the loss, at least float32.
    """

    difference: Tensor
    logits: Tensor
    target: Tensor
    position: Tensor | None
    dtype: torch.dtype
