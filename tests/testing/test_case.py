"""A case at other outputs, with other samples and in another dtype."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import UnusableLossError
from tests.testing.functions import elementwise, half_square
from tests.testing.losses import T, Y, smooth


def test_selected_samples_take_their_arguments_and_mask_along() -> None:
    rest = {"rows": [T], "matrix": torch.eye(3)}
    case = replace(Case.checked(smooth, Y, (T, rest), "mean"), mask=T > 0)
    found = case.select(torch.tensor([2, 0, 2], device=Y.device))
    assert found.y.tolist() == case.y[[2, 0, 2]].tolist()
    assert found.args[0].tolist() == found.args[1]["rows"][0].tolist() == T[[2, 0, 2]].tolist()
    assert torch.equal(found.args[1]["matrix"], case.args[1]["matrix"])
    assert found.mask is not None
    assert found.mask.tolist() == (T > 0)[[2, 0, 2]].tolist()


def test_structures_are_rebuilt_at_other_outputs() -> None:
    outputs = {"a": Y, "b": Y[:, :1].reshape(4, 1, 1)}
    case = Case.checked(smooth, outputs, (), "mean")
    moved = case.at(case.y + 1).structured_outputs
    assert moved["b"].shape == (4, 1, 1)
    assert torch.allclose(moved["a"], (Y + 1).double())


@pytest.mark.parametrize(("reduction", "factor"), [("mean", 4), ("sum", 1)])
def test_the_factor_to_the_per_sample_scale(reduction: str, factor: int) -> None:
    def reduced(y: Tensor, t: Tensor) -> Tensor:
        values = smooth(y, t)
        return values.mean() if reduction == "mean" else values.sum()

    case = Case.checked(reduced, Y, (T,), reduction)
    assert case.batch_factor == factor
    evaluation = case.evaluate()
    per_sample = Case.checked(smooth, Y, (T,), reduction).evaluate()
    assert torch.allclose(evaluation.total, per_sample.total)
    assert torch.allclose(evaluation.gradient, per_sample.gradient)


def test_what_the_loss_raises_is_unusable() -> None:
    def raises(y: Tensor) -> Tensor:
        raise LookupError("no such label")

    with pytest.raises(UnusableLossError, match="the loss raised LookupError: no such label"):
        Case.checked(raises, Y, (), "mean").evaluate()


def test_an_evaluation_is_made_once_and_a_call_is_new() -> None:
    calls = []

    def counted(y: Tensor) -> Tensor:
        calls.append(len(calls))
        return y.square().sum(-1)

    case = Case.checked(counted, Y, (), "mean")
    assert case.evaluation is case.evaluation is case.twice_evaluated
    assert len(calls) == 1
    assert case.evaluate() is not case.evaluate()
    assert len(calls) == 3
    _ = replace(case).evaluation
    assert len(calls) == 4


def test_a_loss_that_hides_its_second_derivative_has_a_first_one() -> None:
    square = elementwise(half_square, lambda y: y, once=True)
    case = Case.checked(lambda y: square(y).sum(-1), Y, (), "mean")
    assert torch.allclose(case.evaluation.gradient, case.y)
    with pytest.raises(UnusableLossError, match="once_differentiable"):
        _ = case.twice_evaluated
