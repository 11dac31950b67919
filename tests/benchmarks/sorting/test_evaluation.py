"""EM and EW of fixed sets, counted on the device."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from benchmarks.sorting.digits import Digits
from benchmarks.sorting.evaluation import Evaluation

TWO_SEEDS = {"weight": torch.zeros(2, 1)}


class Oracle:
    """Scores sets as they are asked for: seed 0 right, seed 1 with its first two swapped."""

    shapes: Mapping[str, tuple[int, ...]] = {}
    side_by_side = False

    def __init__(self, evaluation: Evaluation) -> None:
        self.labels = list(evaluation.digits.values(evaluation.sets).split(100))

    def __call__(self, parameters: Mapping[str, Tensor], images: Tensor) -> Tensor:
        scores = self.labels.pop(0).expand(2, -1, -1).clone()
        assert images.shape[:4] == (*scores.shape, 4)
        scores[1, :, [0, 1]] = scores[1, :, [1, 0]]
        return scores


@pytest.mark.parametrize("sets", [7, 100, 230])
def test_em_and_ew_are_the_fields(digits: Mapping[str, Digits], sets: int) -> None:
    evaluation = Evaluation(digits["test"], 5, sets)
    em, ew = evaluation.shares(Oracle(evaluation), TWO_SEEDS)
    # Sets whose first two numbers are equal stay right.
    labels = evaluation.digits.values(evaluation.sets)
    equal = (labels[:, 0] == labels[:, 1]).double().mean().item()
    assert em.tolist() == pytest.approx([1.0, equal])
    assert ew.tolist() == pytest.approx([1.0, 3 / 5 + equal * 2 / 5])
    assert em.dtype == torch.float64


def test_of_a_set_the_first_elements_count(digits: Mapping[str, Digits]) -> None:
    whole = Evaluation(digits["validation"], 9, 30)
    first = Evaluation(digits["validation"], 9, 30, 5)
    assert torch.equal(first.sets, whole.sets[:, :5])
