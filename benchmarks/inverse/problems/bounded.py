"""Models of a few parameters, each of which a sigmoid keeps between two bounds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.inverse.problems.problem import Problem, uniform


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Args:
        name: of the parameter, with its unit.
        low: the least value that is drawn.
        high: the largest value that is drawn.
        minimum: the lower bound of what the network can give.
        maximum: the upper bound of what the network can give.
    """

    name: str
    low: float
    high: float
    minimum: float
    maximum: float


class BoundedProblem(Problem):
    """A model of named parameters.

    An output y stands for the parameter `minimum + (maximum - minimum) · sigmoid(y)`.

    Args:
        parameters: of the model.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        self.outputs = len(self.parameters)
        table = torch.tensor([[p.low, p.high, p.minimum, p.maximum] for p in parameters])
        self._low, self._high = table[:, 0], table[:, 1]
        self._minimum, self._maximum = table[:, 2], table[:, 3]

    @abstractmethod
    def signals(self, truth: Tensor) -> Tensor:
        """The signals of the parameters, `(N, p)` to `(N, k)`."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Parameters that are uniform between ``low`` and ``high``."""
        return uniform(self._low, self._high, count, generator)

    def decode(self, outputs: Tensor) -> Tensor:
        """The parameters that a network's outputs stand for."""
        minimum, maximum = self._minimum.to(outputs), self._maximum.to(outputs)
        return minimum + (maximum - minimum) * outputs.sigmoid()

    def encode(self, truth: Tensor) -> Tensor:
        """The outputs that stand for these parameters."""
        minimum, maximum = self._minimum.to(truth), self._maximum.to(truth)
        return ((truth - minimum) / (maximum - minimum)).logit()

    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The signals of the parameters that the outputs stand for."""
        return self.signals(self.decode(outputs))

    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """The mean over the parameters of `|found - true| / (high - low)`."""
        width = (self._high - self._low).to(truth)
        return ((self.decode(outputs) - truth).abs() / width).mean(-1)
