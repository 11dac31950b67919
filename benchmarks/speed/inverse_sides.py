"""A Gauss-Newton step of an inverse problem, against a plain step of the same training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.speed.sides import Sides
from benchmarks.speed.timing import Work
from newton_optim import GaussNewton, LevenbergMarquardt, NewtonLoss, ResidualLoss
from newton_optim.curvature import SupportsNewtonStep

SAMPLES = 100
WIDTH = 128


def gauss_newton_sides(m: int, k: int, device: torch.device) -> Sides:
    """Steps of Adam on a network that fits m/2 decays to k times, N = 100."""
    return _sides(m, k, GaussNewton(), device)


def levenberg_marquardt_sides(m: int, k: int, device: torch.device) -> Sides:
    """The same with a damping for each sample that its loss decides."""
    return _sides(m, k, LevenbergMarquardt(), device)


def _sides(m: int, k: int, curvature: SupportsNewtonStep, device: torch.device) -> Sides:
    generator = torch.Generator().manual_seed(0)
    times = torch.linspace(0.0, 3.0, k, device=device)

    def residuals(y: Tensor, signals: Tensor) -> Tensor:
        amplitude, rate = torch.sigmoid(y).reshape(len(y), 2, m // 2, 1).unbind(1)
        return (amplitude * torch.exp(-5.0 * rate * times)).sum(1) - signals

    draw = torch.randn(SAMPLES, m, generator=generator, device="cpu").to(device)
    signals = residuals(draw, torch.zeros(k, device=device))
    loss = ResidualLoss(residuals)
    return Sides(
        _training_step(m, signals, NewtonLoss(loss, curvature=curvature)),
        _training_step(m, signals, loss),
    )


def _training_step(m: int, signals: Tensor, loss: nn.Module) -> Work:
    """A step of Adam on a network with two hidden layers."""
    layers = [nn.Linear(signals.shape[1], WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(WIDTH, m)).to(signals.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def work() -> None:
        optimizer.zero_grad()
        loss(network(signals), signals).backward()
        optimizer.step()

    return work
