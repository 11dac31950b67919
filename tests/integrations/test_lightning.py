"""Lightning: the loss door under automatic, the optimiser under manual optimisation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import NewtonLoss, NewtonLossOptimizer
from tests.integrations.training import (
    RATE,
    assert_same,
    make_loader,
    make_net,
    train_by_hand,
    wavy,
)
from tests.settings import DEVICE

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Lightning's own
    pytest.mark.skipif(DEVICE.type != "cpu", reason="the reference loop runs on the CPU"),
]


def modules() -> tuple[type[Any], type[Any]]:
    """The two Lightning modules; made late because the import of Lightning warns."""
    import lightning

    class Automatic(lightning.LightningModule):
        def __init__(self, wrapped: bool = False) -> None:
            super().__init__()
            self.net = make_net()
            self.loss = NewtonLoss(wavy)
            self.wrapped = wrapped
            self.validated: list[Tensor] = []

        def training_step(self, batch: Any, index: int) -> Tensor:
            x, target = batch
            return self.loss(self.net(x), target)

        def validation_step(self, batch: Any, index: int) -> None:
            x, target = batch
            self.validated.append(self.loss(self.net(x), target))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            base = torch.optim.SGD(self.parameters(), lr=RATE)
            return NewtonLossOptimizer(base) if self.wrapped else base

    class Manual(Automatic):
        def __init__(self) -> None:
            super().__init__(wrapped=True)
            self.automatic_optimization = False

        def training_step(self, batch: Any, index: int) -> None:
            x, target = batch
            self.optimizers().step(lambda: (self.net(x), wavy, target))

    return Automatic, Manual


def fit(module: Any, **options: Any) -> Any:
    import lightning

    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, make_loader(), make_loader())
    return module


def test_automatic_optimisation_through_the_loss() -> None:
    module = fit(modules()[0]())
    assert_same(module.net, train_by_hand())
    assert module.validated
    assert not module.validated[0].requires_grad


@pytest.mark.parametrize(
    ("options", "by_hand"),
    [
        ({"accumulate_grad_batches": 2}, {"accumulate": 2}),
        ({"gradient_clip_val": 0.05}, {"clip": 0.05}),
    ],
)
def test_accumulation_and_clipping(options: Any, by_hand: Any) -> None:
    assert_same(fit(modules()[0](), **options).net, train_by_hand(**by_hand))


def test_bf16_mixed() -> None:
    """The network in bfloat16, the Newton step in float32: near the full precision run."""
    assert_same(fit(modules()[0](), precision="bf16-mixed").net, train_by_hand(), tolerance=0.05)


def test_manual_optimisation_through_the_optimiser() -> None:
    assert_same(fit(modules()[1]()).net, train_by_hand())


def test_automatic_optimisation_refuses_the_optimiser() -> None:
    """Its closure returns a lone tensor: training on it would be training without Newton losses."""
    module = modules()[0](wrapped=True)
    with pytest.raises(TypeError, match=r"\(outputs, loss\).*NewtonLoss"):
        fit(module)
    for got, was in zip(module.net.parameters(), make_net().parameters(), strict=True):
        assert torch.equal(got, was)
