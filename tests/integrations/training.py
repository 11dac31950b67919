"""One small problem that every trainer is given, and the loop by hand that judges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from newton_optim import newton_loss
from tests.settings import DEVICE

RATE = 0.1
BATCH = 8

TRAINER = [  # The marks of the tests of a trainer.
    pytest.mark.filterwarnings("ignore"),  # its own
    pytest.mark.skipif(DEVICE.type != "cpu", reason="the reference loop runs on the CPU"),
]


def wavy(y: Tensor, target: Tensor) -> Tensor:
    """A loss of shape `(N,)` that is not convex."""
    return ((y - target).sin() * (1 + y.square().sum(-1, keepdim=True))).sum(-1)


def make_net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def make_data() -> TensorDataset:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(32, 4, generator=generator, device="cpu")
    return TensorDataset(x, torch.randn(32, 3, generator=generator, device="cpu"))


def make_loader() -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(make_data(), batch_size=BATCH)


def make_batch() -> tuple[Tensor, Tensor]:
    """All samples at once, on the device under test."""
    x, target = make_data().tensors
    return x.to(DEVICE), target.to(DEVICE)


def closure_of(net: nn.Module) -> Callable[[], tuple[Any, ...]]:
    """What `NewtonLossOptimizer.step` takes, on all samples."""
    x, target = make_batch()
    x, target = (t.to(next(net.parameters()).dtype) for t in (x, target))
    return lambda: (net(x), wavy, target)


def make_sgd(net: nn.Module) -> torch.optim.SGD:
    """The optimiser of the loop by hand."""
    return torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)


def train_by_hand(
    accumulate: int = 1, clip: float | None = None, plain: bool = False, epochs: int = 1
) -> nn.Module:
    """SGD on the Newton loss (or the plain loss), written out."""
    net = make_net()
    optimizer = make_sgd(net)
    for i, (x, target) in enumerate(epochs * list(make_loader())):
        y = net(x)
        loss = wavy(y, target).mean() if plain else newton_loss(wavy, y, target)
        (loss / accumulate).backward()
        if (i + 1) % accumulate == 0:
            if clip is not None:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            optimizer.zero_grad()
    return net


def assert_same(net: nn.Module, expected: nn.Module, tolerance: float = 1e-6) -> None:
    """Equal parameters, which are not those that training started from."""
    start = list(make_net().parameters())
    for got, want, was in zip(net.parameters(), expected.parameters(), start, strict=True):
        torch.testing.assert_close(got, want, rtol=tolerance, atol=tolerance)
        assert not torch.allclose(got, was.to(got.dtype), rtol=tolerance, atol=tolerance)
