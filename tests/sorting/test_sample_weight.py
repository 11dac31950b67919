"""The weights of the samples: a factor of each sample's own loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from newton_optim import Hessian, newton_target
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork, soft_sort
from tests.asserts import hessian_of
from tests.settings import DEVICE
from tests.sorting.softmax_strategies import both

OPERATORS = [SoftSort(), NeuralSort(descending=True), SortingNetwork(3), lambda y: soft_sort(y)]


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(4, 3), torch.rand(4, 3), torch.tensor([0.0, 1.0, 2.5, 0.1])


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_factor_of_the_loss_and_its_derivatives(operator: Any) -> None:
    scores, labels, weight = inputs()
    loss = RankingLoss(operator, reduction="none")
    each = loss(scores, labels)
    torch.testing.assert_close(loss(scores, labels, weight=weight), weight * each)
    if not hasattr(loss, "derivatives"):
        return
    plain, weighted = (
        loss.derivatives(scores, labels),
        loss.derivatives(scores, labels, weight=weight),
    )
    torch.testing.assert_close(weighted.value, weight * plain.value)
    torch.testing.assert_close(weighted.gradient, weight[:, None] * plain.gradient)
    expected = weight[:, None, None] * hessian_of(plain)
    torch.testing.assert_close(hessian_of(weighted), expected)


def test_the_mean_divides_by_the_number_of_samples() -> None:
    scores, labels, weight = inputs()
    each = RankingLoss(SoftSort(), reduction="none")(scores, labels)
    mean = RankingLoss(SoftSort())(scores, labels, weight=weight)
    torch.testing.assert_close(mean, (weight * each).sum() / 4)
    total = RankingLoss(SoftSort(), reduction="sum")(scores, labels, weight=weight)
    torch.testing.assert_close(total, (weight * each).sum())


def test_integers_and_leading_dimensions() -> None:
    scores, labels = torch.randn(2, 3, 4), torch.rand(2, 3, 4)
    weight = torch.tensor([[1, 2, 3], [0, 1, 1]])
    loss = RankingLoss(SoftSort(), reduction="none")
    torch.testing.assert_close(loss(scores, labels, weight=weight), weight * loss(scores, labels))
    assert loss(scores[0, 0], labels[0, 0], weight=torch.tensor(2.0)).shape == ()


def test_a_network_learns_its_weights() -> None:
    scores, labels, weight = inputs()
    weight.requires_grad_()
    loss = RankingLoss(SoftSort(), reduction="sum")(scores, labels, weight=weight)
    (gradient,) = torch.autograd.grad(loss, weight)
    each = RankingLoss(SoftSort(), reduction="none")(scores, labels)
    torch.testing.assert_close(gradient, each)
    assert (
        not RankingLoss(SoftSort()).derivatives(scores, labels, weight=weight).value.requires_grad
    )


@both
def test_an_undamped_step_of_each_sample_is_blind_to_its_weight(kind: Any) -> None:
    # s = (w H)⁻¹ w g: under scope "sample" a weight cancels; under "batch" it does not.
    scores, labels, _ = inputs()
    loss = RankingLoss(kind(temperature=2.0))
    weight = torch.tensor([1.0, 3.0, 0.5, 2.0])

    def target(scope: str, **weights: Tensor) -> Tensor:
        def weighted(y: Tensor, t: Tensor) -> Tensor:
            return RankingLoss(kind(temperature=2.0), reduction="none")(y, t, **weights)

        return newton_target(weighted, scores, labels, curvature=Hessian(scope=scope))

    assert loss(scores, labels) > 0
    torch.testing.assert_close(
        target("sample"), target("sample", weight=weight), rtol=1e-3, atol=1e-4
    )
    assert not np.allclose(target("batch").cpu(), target("batch", weight=weight).cpu(), atol=1e-2)


BAD = [
    ([1.0, 1.0], TypeError, "weight must be a tensor of real numbers, got list"),
    (torch.ones(2) * 1j, TypeError, "weight must be a tensor of real numbers"),
    (torch.ones(2).bool(), TypeError, "weight must be a tensor of real numbers"),
    (torch.ones(3), ValueError, r"one entry per sample, shape \(2,\), got shape \(3,\)"),
    (torch.ones(2, 3), ValueError, r"one entry per sample, shape \(2,\), got shape \(2, 3\)"),
]


@pytest.mark.parametrize(("weight", "error", "match"), BAD)
def test_bad_weights(weight: Any, error: type[Exception], match: str) -> None:
    scores, loss = torch.zeros(2, 3), RankingLoss(SoftSort())
    for method in (loss, loss.derivatives):
        with pytest.raises(error, match=match):
            method(scores, scores, weight=weight)


@pytest.mark.skipif(DEVICE.type != "cpu", reason="values on a device are not looked at")
@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_values_that_are_no_weights(bad: float) -> None:
    scores, loss = torch.zeros(2, 3), RankingLoss(SoftSort())
    for method in (loss, loss.derivatives):
        with pytest.raises(ValueError, match="weight must be finite and at least 0"):
            method(scores, scores, weight=torch.tensor([1.0, bad]))
