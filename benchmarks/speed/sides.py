"""The two sides of a comparison, and the work that most of them do."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from benchmarks.speed.timing import Work


class Sides(NamedTuple):
    """Our work and the peer's; and what to subtract from ours, if anything."""

    ours: Work
    peer: Work
    without: Work | None = None


def gradient_work(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Work:
    """Forward and backward of a function with a scalar value: its gradient at ``inputs``."""

    def work() -> Tensor | None:
        leaf = inputs.detach().requires_grad_()
        function(leaf).backward()
        return leaf.grad

    return work
