"""The loss and its gradient as one node of autograd, against the same loss by plain operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad

from newton_optim.sorting import RankingLoss, SoftSort
from newton_optim.sorting._fused_loss import fused_loss
from newton_optim.sorting._mask import sorting_order, without_padding
from newton_optim.sorting._rank_weights import RankWeights
from newton_optim.sorting._softmax_loss import plain_loss
from tests.settings import DEVICE
from tests.sorting.softmax_strategies import Case, both, cases

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
Form = Callable[[Tensor], Tensor]
padded = pytest.mark.parametrize("masked", [False, True])
ranked = pytest.mark.parametrize("k", [None, 2])


def forms(kind: Any, masked: bool, k: int | None) -> tuple[Form, Form, Tensor]:
    """The fused and the plain loss, summed, and scores for both, two of them tied."""
    operator = kind(temperature=0.7)
    scores = torch.randn(3, 4, dtype=torch.float64)
    scores[0, 1] = scores[0, 3]
    mask = torch.tensor([[True, True, False, True]]).expand(3, 4) if masked else None
    order = sorting_order(torch.rand(3, 4), mask)
    weights = RankWeights(k=k).of_rows(scores, mask, reverse=False)

    def total(form: Any, y: Tensor) -> Tensor:
        loss: Tensor = form(operator, without_padding(y, mask), order, mask, weights)
        return loss.sum()

    return partial(total, fused_loss), partial(total, plain_loss), scores


def derivatives(form: Form, scores: Tensor, vector: Tensor) -> list[Tensor]:
    """Value, gradient, and two more derivatives along a vector, by repeated backward passes."""
    y = scores.clone().requires_grad_()
    found = [form(y)]
    for _ in range(3):
        along = found[-1] if found[-1].ndim == 0 else (found[-1] * vector).sum()
        found.append(torch.autograd.grad(along, y, create_graph=True)[0])
    return found


@both
@padded
@ranked
def test_derivatives_of_any_order_are_those_of_plain_operations(
    kind: Any, masked: bool, k: int | None
) -> None:
    fused, plain, scores = forms(kind, masked, k)
    vector = torch.randn_like(scores)
    for actual, expected in zip(
        derivatives(fused, scores, vector), derivatives(plain, scores, vector), strict=True
    ):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


@both
@padded
@ranked
def test_finite_differences_agree(kind: Any, masked: bool, k: int | None) -> None:
    fused, _, scores = forms(kind, masked, k)
    y = scores + 0.1 * torch.arange(4)  # No ties: the difference would see both sides.
    y.requires_grad_()
    assert torch.autograd.gradcheck(fused, y, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(fused, y)


@both
def test_forward_over_reverse(kind: Any) -> None:
    fused, plain, scores = forms(kind, masked=False, k=None)
    vector = torch.randn_like(scores)
    slope, bend = torch.func.jvp(torch.func.grad(plain), (scores,), (vector,))
    with forward_ad.dual_level():
        y = forward_ad.make_dual(scores.clone().requires_grad_(), vector)
        value = fused(y)
        (gradient,) = torch.autograd.grad(value, y, create_graph=True)
        tangent, second = (forward_ad.unpack_dual(part).tangent for part in (value, gradient))
    torch.testing.assert_close(tangent, (slope * vector).sum())
    torch.testing.assert_close(second, bend)


@settings(max_examples=50)
@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_the_backward_pass_gives_the_closed_form(case: Case, dtype: torch.dtype) -> None:
    operator, scores, labels = case
    y = scores.to(dtype, copy=True).requires_grad_()
    loss = RankingLoss(operator, reduction="sum")
    value = loss(y, labels)
    (gradient,) = torch.autograd.grad(value, y)
    expected = loss.derivatives(y, labels)
    assert torch.equal(gradient, expected.gradient.to(dtype))
    with torch.no_grad():
        assert torch.equal(loss(y, labels), value)


@both
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradients_have_the_dtype_of_the_scores(kind: Any, dtype: torch.dtype) -> None:
    scores = torch.randn(4, 5, dtype=dtype, requires_grad=True)
    loss = RankingLoss(kind())
    loss(scores, torch.rand(4, 5)).backward()
    assert scores.grad.dtype == dtype
    expected = loss.derivatives(scores, torch.rand(4, 5)).gradient.shape
    assert scores.grad.shape == expected


def node_of(loss: Any, scores: Tensor) -> str:
    """The name of what made the loss of single samples."""
    return type(loss(scores, scores.detach()).grad_fn).__name__


def test_transforms_get_plain_operations() -> None:
    """Under forward mode twice over, a custom Function is taken for a constant."""
    loss = RankingLoss(SoftSort(temperature=1.0), reduction="none")
    scores = torch.randn(1, 4, requires_grad=True)
    assert node_of(loss, scores) == "_ValueAndGradientBackward"
    names = []

    def noted(y: Tensor) -> Tensor:
        names.append(node_of(loss, y))
        return loss(y, scores.detach()).sum()

    torch.func.grad(noted)(scores.detach())
    assert "_ValueAndGradientBackward" not in names[0]
    forward = torch.func.jacfwd(torch.func.jacfwd(noted))(scores.detach())
    torch.testing.assert_close(forward, torch.func.hessian(noted)(scores.detach()))
    assert forward.any()


def test_nothing_is_fused_where_nothing_is_differentiated() -> None:
    loss = RankingLoss(SoftSort(), reduction="none")
    scores = torch.randn(2, 4, device=DEVICE)
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            value = loss(scores, scores)
        torch.testing.assert_close(value, loss(scores, scores))


@both
@pytest.mark.parametrize("mask", [False, True])
def test_training_compiles_as_one_graph(kind: Any, mask: bool) -> None:
    torch.compiler.reset()
    loss = RankingLoss(kind())
    scores, labels = torch.randn(3, 5), torch.randn(3, 5)
    given = {"mask": torch.rand(3, 5) < 0.7} if mask else {}
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    gradients = []
    for function in (compiled, loss):
        y = scores.clone().requires_grad_()
        function(y, labels, **given).backward()
        gradients.append(y.grad)
    torch.testing.assert_close(*gradients)
