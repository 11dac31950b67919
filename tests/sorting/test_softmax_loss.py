"""The softmax operators' ranking loss under autograd and `torch.func`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import RankingLoss, SoftSort, soft_sort
from tests.asserts import EPS, TINY, as_float64, assert_normwise
from tests.sorting.mp_ranking import reference
from tests.sorting.softmax_strategies import Case, all_derivatives, cases, condition, transformed

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@settings(max_examples=50)
@given(cases(max_n=5, max_samples=2), st.sampled_from([torch.float32, torch.float64]))
def test_autograd_is_the_dense_reference(case: Case, dtype: torch.dtype) -> None:
    # Autograd adds up what the closed form knows to cancel: right against the size of its parts.
    value, gradient, hessian = transformed(case, dtype)
    expected = reference(case)
    n, tau = case.scores.shape[-1], case.operator.temperature
    eps, c = EPS[dtype], condition(case)
    assert_normwise(value, expected[0], eps * c, 1e2 * TINY)
    assert_normwise(gradient, expected[1], eps * c, eps * n / tau)
    assert_normwise(hessian, expected[2], eps * c, eps * n**2 / tau**2)


@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_double_backward_and_both_modes_agree(case: Case, dtype: torch.dtype) -> None:
    operator, scores, labels = case
    y = scores.to(dtype, copy=True).requires_grad_()
    total = RankingLoss(operator, reduction="sum")
    (gradient,) = torch.autograd.grad(total(y, labels), y, create_graph=True)
    rows = [torch.autograd.grad(g.sum(), y, retain_graph=True)[0] for g in gradient.unbind(-1)]
    forward = torch.func.vmap(torch.func.hessian(total))(y.detach(), labels)
    n, tau = scores.shape[-1], operator.temperature
    _, expected, hessian = all_derivatives(case, dtype)
    floor = EPS[dtype] * n / tau
    assert_normwise(gradient, expected, EPS[dtype] * condition(case), floor)
    for actual in (torch.stack(rows, 1), forward):
        assert_normwise(actual, hessian, EPS[dtype] * condition(case), floor * n / tau)


def test_trap_double_backward_of_binary_cross_entropy() -> None:
    # The Hessian of the field's loss is wrong where P nears 0 and 1; ours is right in float32.
    scores, labels = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    case = Case(SoftSort(temperature=0.1), scores.double(), labels.double())
    want = reference(case)[2]
    target = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])

    def field(y: Tensor) -> Tensor:
        P = soft_sort(y, temperature=0.1)
        return torch.nn.functional.binary_cross_entropy(P, target)

    wrong = as_float64(torch.func.jacrev(torch.func.grad(field))(scores)[0, :, 0])
    assert np.abs(wrong - want[0]).max() > 0.5 * np.abs(want).max()
    assert_normwise(all_derivatives(case, torch.float32)[2], want, 1e-5)
    # Autograd adds parts of the size of 1 / tau^2 that cancel here.
    assert_normwise(transformed(case, torch.float32)[2], want, 1e-5, 1e2 * EPS[torch.float32])


@pytest.mark.parametrize("gap", [1e2, 1e4, 1e8, 1e30])
def test_trap_clamps_kill_the_gradient(gap: float) -> None:
    # Wrong by far: the loss grows linearly in the gap and its gradient keeps its length.
    scores, labels = torch.tensor([[0.0, gap]]), torch.tensor([[1.0, 0.0]])
    case = Case(SoftSort(temperature=1.0), scores.double(), labels.double())
    value, gradient, _ = all_derivatives(case, torch.float32)
    torch.testing.assert_close(value, torch.tensor([gap]))
    torch.testing.assert_close(gradient, torch.tensor([[-1.0, 1.0]]))
    torch.testing.assert_close(transformed(case, torch.float32)[1], gradient)
