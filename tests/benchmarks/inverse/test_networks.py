"""The network: its initialisation and its normalisation."""

from __future__ import annotations

import torch

from benchmarks.inverse.networks import Inverter
from benchmarks.runs.randomness import generator


def inverter(seed: int) -> Inverter:
    normalisation = torch.tensor([1.0, -2.0, 0.0]), torch.tensor([2.0, 0.5, 1.0])
    return Inverter(3, 2, 16, normalisation, generator(seed, "initialisation"))


def test_the_generator_decides_the_weights() -> None:
    first, again, other = inverter(0), inverter(0), inverter(1)
    signals = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert first(signals).shape == (4, 2)
    torch.testing.assert_close(first(signals), again(signals), rtol=0, atol=0)
    assert not torch.equal(first(signals), other(signals))
    widest = max(parameter.abs().max().item() for parameter in first.parameters())
    assert 0.5 / 3**0.5 < widest <= 1 / 3**0.5


def test_signals_are_normalised() -> None:
    network = inverter(0)
    plain = Inverter(3, 2, 16, (torch.zeros(3), torch.ones(3)), generator(0, "initialisation"))
    signals = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    raw = signals * torch.tensor([2.0, 0.5, 1.0]) + torch.tensor([1.0, -2.0, 0.0])
    torch.testing.assert_close(network(raw), plain(signals))
