"""A loss is random if two seeds give different gradients."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from newton_optim._diagnosis._randomness import other_draw, randomness
from tests.diagnosis.losses import normal, probe_of


def test_random_and_not() -> None:
    y = normal(0, 8, 3)
    assert randomness(probe_of(lambda y: F.dropout(y).sin().sum(dim=1), y)).is_random is True
    assert randomness(probe_of(lambda y: y.sin().sum(dim=1), y)).is_random is False


def test_noise_on_the_value_alone_is_not_random() -> None:
    loss = probe_of(lambda y: y.sin().sum(dim=1) + torch.rand(len(y)).to(y), normal(0, 8, 3))
    assert randomness(loss).is_random is False


def test_the_other_draw_is_always_the_same() -> None:
    y = normal(0, 8, 3)
    probe = probe_of(lambda y: F.dropout(y).sin().sum(dim=1), y, seed=3)
    first, second = (other_draw(probe).derivatives(y).gradient for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, probe.derivatives(y).gradient)
