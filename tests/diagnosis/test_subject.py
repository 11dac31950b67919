"""What a loss is called, and the shape of its outputs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch.nn.functional as F
from torch import nn

from newton_optim._diagnosis._subject import Subject, subject
from tests.diagnosis.losses import normal, probe_of, squared_distance


@pytest.mark.parametrize(
    ("loss_fn", "name"),
    [
        (squared_distance, "squared_distance"),
        (partial(partial(F.mse_loss, reduction="sum"), target=normal(1, 4, 6)), "mse_loss"),
        (nn.MSELoss(), "MSELoss"),
    ],
)
def test_name_and_shape(loss_fn: Any, name: str) -> None:
    outputs = {"a": normal(0, 4, 2), "b": normal(1, 4, 2, 2)}
    assert subject(probe_of(loss_fn, outputs)) == Subject(name=name, num_samples=4, num_outputs=6)
