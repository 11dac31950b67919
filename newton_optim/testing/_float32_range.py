"""Which results float32 can hold at all."""

from __future__ import annotations

import torch
from torch import Tensor

# A loss multiplies and adds a few numbers that are larger than its result.
_LARGEST = torch.finfo(torch.float32).max * 2.0**-32


def beyond_float32(rows: Tensor) -> Tensor:
    """Which rows are finite but close to the largest number of float32, or above it, `(N,)`."""
    return rows.isfinite().all(1) & (rows.abs().amax(1) > _LARGEST)


def describe_beyond(kinds: list[str]) -> str:
    """The remark of a report on quantities that were not judged."""
    if not kinds:
        return ""
    return (
        f"not judged where the {kinds[0]} exceeds the range of float32; "
        "name the spreads that occur with spreads="
    )
