"""Both sides of a row on the size of the outputs come from the same cross-entropy."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from benchmarks.speed.output_size import SAMPLES, size_cost
from newton_optim import newton_loss

CPU = torch.device("cpu")


def test_both_sides() -> None:
    newton, plain, _ = size_cost(4, "hessian", CPU)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(SAMPLES, 4, generator=generator)
    target = torch.randint(4, (SAMPLES,), generator=generator)
    for work, entry_point in [
        (newton, lambda y: newton_loss(F.cross_entropy, y, target)),
        (plain, lambda y: F.cross_entropy(y, target)),
    ]:
        leaf = logits.clone().requires_grad_()
        entry_point(leaf).backward()
        torch.testing.assert_close(work(), leaf.grad)
