"""Everything on CPU tensors while the default device is another one: "meta" here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim.sorting import (
    NeuralSort,
    RankingLoss,
    SoftSort,
    SortingNetwork,
    neural_sort,
    soft_sort,
)
from tests.asserts import hessian_of


@pytest.fixture
def scores() -> Tensor:
    return torch.randn(3, 4, device="cpu")


@pytest.mark.parametrize(
    "operator",
    [
        lambda: SoftSort(),
        lambda: NeuralSort(descending=True),
        lambda: SortingNetwork(4),
        lambda: SortingNetwork(4, network="bitonic", descending=True),
        lambda: soft_sort,
        lambda: neural_sort,
        lambda: lambda y: soft_sort(y, temperature=3.0),
    ],
)
def test_operators_and_their_loss(operator: Any, scores: Tensor) -> None:
    expected_P, expected = operator()(scores), RankingLoss(operator())(scores, -scores)
    with torch.device("meta"):
        loss = RankingLoss(operator())
        assert torch.equal(operator()(scores), expected_P)
        assert torch.equal(loss(scores, -scores), expected)
        if not hasattr(loss, "derivatives"):
            return
        derivatives = loss.derivatives(scores, -scores)
        hessian = hessian_of(derivatives)
    torch.testing.assert_close(derivatives.value.mean(), expected)
    assert derivatives.gradient.device.type == hessian.device.type == "cpu"
