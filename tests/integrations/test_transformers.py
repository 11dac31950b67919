"""The Hugging Face Trainer: the loss as an entry point in the model's own `forward`."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from newton_optim import NewtonLoss
from tests.integrations.training import (
    BATCH,
    TRAINER,
    assert_same,
    make_data,
    make_net,
    make_sgd,
    train_by_hand,
    wavy,
)

pytestmark = TRAINER


class Model(nn.Module):
    """What the Trainer asks of a model: a dict with `loss` when there are labels."""

    def __init__(self) -> None:
        super().__init__()
        self.net = make_net()
        self.loss = NewtonLoss(wavy)

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        y = self.net(x)
        return {"loss": self.loss(y, labels), "logits": y}


def collate(samples: list[Any]) -> dict[str, Tensor]:
    xs, targets = zip(*samples, strict=True)
    return {"x": torch.stack(xs), "labels": torch.stack(targets)}


def train(accumulate: int) -> Model:
    from transformers import Trainer, TrainingArguments

    class InOrder(Trainer):
        def _get_train_sampler(self, *args: Any) -> Any:
            return torch.utils.data.SequentialSampler(make_data())

    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            gradient_accumulation_steps=accumulate,
            max_grad_norm=0.0,
            lr_scheduler_type="constant",
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            remove_unused_columns=False,
            disable_tqdm=True,
        )
        sgd = make_sgd(model)
        InOrder(
            model=model,
            args=arguments,
            train_dataset=make_data(),
            data_collator=collate,
            optimizers=(sgd, None),
        ).train()
    return model


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_loss_entry_point(accumulate: int) -> None:
    assert_same(train(accumulate).net, train_by_hand(accumulate=accumulate))
