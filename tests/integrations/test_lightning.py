"""Lightning: `NewtonLoss` under automatic, the optimiser under manual optimisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import NewtonLoss, NewtonLossOptimizer
from tests.integrations.training import (
    TRAINER,
    assert_same,
    make_loader,
    make_net,
    make_sgd,
    train_by_hand,
    wavy,
)

pytestmark = TRAINER


class MeanOfWavy(torch.nn.Module):
    def forward(self, y: Tensor, target: Tensor) -> Tensor:
        return wavy(y, target).mean()


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
            base = make_sgd(self)
            return NewtonLossOptimizer(base) if self.wrapped else base

    class Manual(Automatic):
        def __init__(self, accumulate: int = 1, damping: Any = None) -> None:
            super().__init__(wrapped=True)
            self.automatic_optimization = False
            self.accumulate = accumulate
            self.damping = damping

        def training_step(self, batch: Any, index: int) -> None:
            x, target = batch
            optimizer = self.optimizers()
            if self.accumulate == 1:
                optimizer.step(lambda: (self.net(x), wavy, target))
                return
            optimizer.backward(self.net(x), wavy, target, scale=1 / self.accumulate)
            if (index + 1) % self.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return NewtonLossOptimizer(make_sgd(self), damping=self.damping)

    return Automatic, Manual


def make_trainer(**options: Any) -> Any:
    import lightning

    silent = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return lightning.Trainer(
        **{"max_epochs": 1, "accelerator": "cpu", "enable_checkpointing": False} | silent | options
    )


def fit(module: Any, **options: Any) -> Any:
    make_trainer(**options).fit(module, make_loader(), make_loader())
    return module


def half_precision() -> Any:
    """What `precision="16-mixed"` is on a GPU."""
    from lightning.pytorch.plugins import MixedPrecision

    return MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu", init_scale=256.0))


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


@pytest.mark.parametrize("manual", [False, True])
def test_bf16_mixed(manual: bool) -> None:
    """The network in bfloat16, the Newton step in float32: near the full precision run."""
    module = fit(modules()[manual](), precision="bf16-mixed")
    assert_same(module.net, train_by_hand(), tolerance=0.05)


def test_16_mixed_scales_the_newton_loss() -> None:
    module = fit(modules()[0](), plugins=[half_precision()])
    assert_same(module.net, train_by_hand(), tolerance=0.01)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_manual_optimisation_through_the_optimiser(accumulate: int) -> None:
    """By `step(closure)`, and by `backward(scale=)` and a plain `step()`."""
    module = fit(modules()[1](accumulate))
    assert_same(module.net, train_by_hand(accumulate=accumulate))


@pytest.mark.parametrize("manual", [False, True])
def test_resuming_from_a_checkpoint(manual: bool, tmp_path: Path) -> None:
    """Momenta go on; the λ of the checkpoint wins over that of the new constructor."""
    kind, path = modules()[manual], tmp_path / "last.ckpt"
    trainer = make_trainer(enable_checkpointing=True, default_root_dir=tmp_path)
    trainer.fit(kind(), make_loader())
    trainer.save_checkpoint(path)
    resumed = kind(damping=7.0) if manual else kind()
    make_trainer(max_epochs=2).fit(resumed, make_loader(), ckpt_path=path)
    assert_same(resumed.net, train_by_hand(epochs=2))


@pytest.mark.parametrize(
    "options", [{}, {"precision": "bf16-mixed"}, {"accumulate_grad_batches": 2}], ids=str
)
def test_automatic_optimisation_refuses_the_optimiser(options: Any) -> None:
    """Its closure returns a lone tensor: training on it would be training without Newton losses."""
    module = modules()[0](wrapped=True)
    with pytest.raises(TypeError, match=r"\(outputs, loss\).*NewtonLoss"):
        fit(module, **options)
    for got, was in zip(module.net.parameters(), make_net().parameters(), strict=True):
        assert torch.equal(got, was)


def test_16_mixed_automatic_optimisation_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """With a gradient scaler Lightning runs its closure itself and calls `step()`.

    That is a plain step, on the gradients of whatever loss the module returned, and no error: it is
    logged.
    """
    module = modules()[0](wrapped=True)
    module.loss = MeanOfWavy()
    fit(module, plugins=[half_precision()])
    assert_same(module.net, train_by_hand(plain=True), tolerance=0.01)
    assert [r.name for r in caplog.records if "plain step" in r.getMessage()] == ["newton_optim"]
