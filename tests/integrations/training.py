"""One small problem that every trainer is given, and the loop by hand that judges them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from newton_optim import newton_loss

RATE = 0.1
BATCH = 8


def wavy(y: Tensor, target: Tensor) -> Tensor:
    """A loss of shape `(N,)` that is not convex."""
    return ((y - target).sin() * (1 + y.square().sum(-1, keepdim=True))).sum(-1)


def make_net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def make_data() -> TensorDataset:
    generator = torch.Generator().manual_seed(2)
    return TensorDataset(
        torch.randn(32, 4, generator=generator), torch.randn(32, 3, generator=generator)
    )


def make_loader() -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(make_data(), batch_size=BATCH)


def train_by_hand(accumulate: int = 1, clip: float | None = None, plain: bool = False) -> nn.Module:
    """One epoch of SGD on the Newton loss (or the plain loss), written out."""
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    for i, (x, target) in enumerate(make_loader()):
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
        assert not torch.allclose(got, was, rtol=tolerance, atol=tolerance)
