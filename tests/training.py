"""A small network, its batches and the optimisers that the tests train it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import NewtonLossOptimizer

MAKERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    "RMSprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01, momentum=0.5),
}
makers = pytest.mark.parametrize("maker", MAKERS.values(), ids=list(MAKERS))


def network(seed: int = 0) -> torch.nn.Sequential:
    """A network of two groups of parameters."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    ).double()


def inputs(seed: int = 1) -> Tensor:
    """A batch."""
    torch.manual_seed(seed)
    return torch.randn(6, 4, dtype=torch.float64)


def losses(y: Tensor) -> Tensor:
    """Per-sample losses, not convex."""
    return (y.square() + y.cos()).sum(dim=1)


def closure_of(net: torch.nn.Module, seed: int = 1) -> Callable[[], tuple[Any, ...]]:
    """A closure that works with either form."""
    x = inputs(seed)
    return lambda: (net(x), losses)


def train(net: torch.nn.Module, optimizer: NewtonLossOptimizer, steps: int = 3) -> None:
    """A few steps on a few batches."""
    for step in range(steps):
        optimizer.step(closure_of(net, step))


def fill_gradients(net: torch.nn.Module, seed: int) -> None:
    """Gradients that a trainer left."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        parameter.grad = torch.randn_like(parameter)
