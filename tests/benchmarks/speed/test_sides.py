"""The work that most sides do."""

from __future__ import annotations

import torch

from benchmarks.speed.sides import gradient_work


def test_a_gradient_is_made_anew_by_every_call() -> None:
    inputs = torch.tensor([1.0, -2.0])
    work = gradient_work(lambda x: x.square().sum(), inputs)
    for _ in range(2):
        gradient = work()
        assert isinstance(gradient, torch.Tensor)
        assert gradient.tolist() == [2.0, -4.0]
    assert not inputs.requires_grad
