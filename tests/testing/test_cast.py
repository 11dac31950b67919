"""Tensors of modules, partials and containers are cast; the originals are left alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim.testing import assert_float32_matches_float64
from newton_optim.testing._cast import map_tensors
from tests.testing.losses import Y


class Weighted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randn(3, 3))

    def forward(self, y: Tensor, rest: dict[str, Any]) -> Tensor:
        return (y @ self.weight @ rest["matrix"][0]).square().sum(-1)


def test_tensors_of_modules_partials_and_containers_are_cast() -> None:
    rest = {"matrix": [torch.randn(3, 3)], "name": "x"}
    loss = Weighted()
    assert_float32_matches_float64(loss, Y, rest)
    assert_float32_matches_float64(partial(loss, rest=rest), Y)
    assert loss.weight.dtype == rest["matrix"][0].dtype == torch.float32


def test_containers_keep_their_structure() -> None:
    one = torch.ones(1)
    found = map_tensors(lambda x: x + 1, {"a": [one, (one, 3)], "b": "text"})
    assert found == {"a": [one + 1, (one + 1, 3)], "b": "text"}
