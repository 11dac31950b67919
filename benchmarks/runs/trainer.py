"""What a family's training is to the machinery that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch

from benchmarks.runs.cuda_graph import Engine


class Trainer(Protocol):
    """A training of some seeds that can be stopped and resumed.

    In the points of its curve, a list holds one value for each seed; anything else they have in
    common. The family makes the result of a seed from its curve.
    """

    seeds: tuple[int, ...]
    device: torch.device
    seconds: float
    step: int
    curve: list[dict[str, Any]]

    @property
    def engine(self) -> Engine:
        """What takes the steps."""
        ...

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        ...

    def advance(self) -> int:
        """Train for a while and return how many steps that took."""
        ...

    def seconds_per_step(self, steps: int) -> float:
        """The mean seconds of so many steps of all seeds; what is trained is not to be kept."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to continue bit for bit."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        ...
