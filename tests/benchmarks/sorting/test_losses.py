"""The probability form against ``F.binary_cross_entropy``: derivatives, NaN and rounding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.sorting.losses import (
    ProbabilityLoss,
    clip_sample_gradients,
    exact_cross_entropy,
    field_cross_entropy,
    permutation_matrix,
)
from tests.settings import DEVICE

CrossEntropy = Callable[[Tensor, Tensor], Tensor]

# From both ends of [0, 1] to its middle, in float32.
ENDS = (0.0, 1e-45, 1e-38, 1e-30, 1e-13, 1e-12, 2e-12, 1e-7, 1e-3, 0.3, 0.5, 0.9, 1 - 6e-8, 1.0)


def softmax_operator(scores: Tensor) -> Tensor:
    ordered = scores.sort(dim=-1).values
    return (-(ordered.unsqueeze(-1) - scores.unsqueeze(-2)).abs() / 0.1).softmax(-1)


def test_permutation_matrix_sorts_and_keeps_the_order_of_ties() -> None:
    labels = torch.tensor([[30.0, 10.0, 20.0], [5.0, 5.0, 1.0]])
    Q = permutation_matrix(labels)
    sorted_labels = (Q @ labels.unsqueeze(-1)).squeeze(-1)
    assert torch.equal(sorted_labels, labels.sort(dim=-1).values)
    assert Q[1].argmax(-1).tolist() == [2, 0, 1]


@given(st.lists(st.sampled_from(ENDS) | st.floats(0, 1, width=32), min_size=1, max_size=8))
def test_value_and_gradient_are_pytorchs_own(entries: list[float]) -> None:
    P = torch.tensor(entries).repeat(2).requires_grad_()
    Q = torch.cat([torch.zeros(len(entries)), torch.ones(len(entries))])
    ours = exact_cross_entropy(P, Q)
    theirs = F.binary_cross_entropy(P, Q, reduction="none")
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-37)
    gradients = [torch.autograd.grad(loss.sum(), P)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-6, atol=0)


@given(st.lists(st.sampled_from(ENDS) | st.floats(0, 1, width=32), min_size=1, max_size=8))
def test_second_derivative_is_that_of_the_gradient(entries: list[float]) -> None:
    P = torch.tensor(entries, dtype=torch.float64).repeat(2).requires_grad_()
    Q = torch.cat([torch.zeros(len(entries)), torch.ones(len(entries))]).double()
    loss = exact_cross_entropy(P, Q).sum()
    (gradient,) = torch.autograd.grad(loss, P, create_graph=True)
    (ours,) = torch.autograd.grad(gradient.sum(), P)
    # The gradient's denominator P (1 - P) is bounded from below by 1e-12; where it is, the
    # gradient is a straight line, elsewhere that of -log P or -log(1 - P).
    target = torch.where(Q == 1, P, 1 - P).detach()
    expected = torch.where(P * (1 - P) > 1e-12, target**-2, 1e12)
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=0)


def test_pytorchs_own_second_derivative_is_wrong_where_ours_is_right() -> None:
    # -log P at P ≈ 1 has the second derivative 1/P² = 1; so has -log(1 - P) at P ≈ 0.
    P = torch.tensor([1 - 6e-8, 6e-8]).requires_grad_()
    Q = torch.tensor([1.0, 0.0])
    second = {}
    for name, entries in (
        ("ours", exact_cross_entropy(P, Q)),
        ("theirs", F.binary_cross_entropy(P, Q, reduction="none")),
    ):
        (gradient,) = torch.autograd.grad(entries.sum(), P, create_graph=True)
        second[name] = torch.autograd.grad(gradient.sum(), P)[0]
    torch.testing.assert_close(second["ours"], torch.ones(2))
    assert not torch.allclose(second["theirs"], torch.ones(2), atol=0.5)


def test_saturated_rows_have_the_fields_gradient() -> None:
    labels = torch.rand(20, 5)
    for spread in (1.0, 10.0, 100.0, 1000.0):
        scores = (torch.randn(20, 5) * spread).requires_grad_()
        loss = ProbabilityLoss(softmax_operator)
        ours, theirs = loss(scores, labels), loss.plain(scores, labels)
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)
        gradients = [torch.autograd.grad(value.mean(), scores)[0] for value in (ours, theirs)]
        torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_hessian_by_torch_func_and_by_double_backward_agree() -> None:
    scores, labels = torch.randn(4, 5).double() * 0.2, torch.rand(4, 5).double()
    loss = ProbabilityLoss(softmax_operator)

    def one(score: Tensor, label: Tensor) -> Tensor:
        return loss(score.unsqueeze(0), label.unsqueeze(0)).sum()

    by_func = torch.func.vmap(torch.func.hessian(one))(scores, labels)
    by_reverse = torch.func.vmap(torch.func.jacrev(torch.func.grad(one)))(scores, labels)
    torch.testing.assert_close(by_func, by_reverse)
    leaf = scores.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(leaf, labels).sum(), leaf, create_graph=True)
    columns = [
        torch.autograd.grad(gradient[:, column].sum(), leaf, retain_graph=True)[0]
        for column in range(5)
    ]
    torch.testing.assert_close(torch.stack(columns, dim=1), by_func)
    step = 1e-6
    for column in range(5):
        move = torch.zeros(5, dtype=torch.float64)
        move[column] = step
        sides = [torch.func.vmap(torch.func.grad(one))(scores + s * move, labels) for s in (1, -1)]
        finite = (sides[0] - sides[1]) / (2 * step)
        torch.testing.assert_close(by_func[:, :, column], finite, rtol=1e-4, atol=1e-4)


CROSS_ENTROPIES = (field_cross_entropy, exact_cross_entropy)


def derivatives(loss: CrossEntropy, P: Tensor, Q: Tensor) -> list[Tensor]:
    """Value, gradient and the diagonal of the Hessian; the entries are independent."""
    leaf = P.clone().requires_grad_()
    value = loss(leaf, Q)
    (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), leaf)
    return [value, gradient, second]


def pytorchs_own(P: Tensor, Q: Tensor) -> Tensor:
    return F.binary_cross_entropy(P, Q, reduction="none")


@given(st.lists(st.sampled_from(ENDS) | st.floats(0, 1, width=32), min_size=1, max_size=8))
def test_the_fields_loss_is_pytorchs_own_bit_for_bit(entries: list[float]) -> None:
    P = torch.tensor(entries).repeat(2)
    Q = torch.cat([torch.zeros(len(entries)), torch.ones(len(entries))])
    ours, theirs = derivatives(field_cross_entropy, P, Q), derivatives(pytorchs_own, P, Q)
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    gradients = [
        torch.func.vmap(torch.func.grad(lambda p, q, loss=loss: loss(p, q).sum()))(P, Q)
        for loss in (field_cross_entropy, pytorchs_own)
    ]
    assert torch.equal(*gradients)


def test_a_nan_is_a_nan_and_leaves_the_others_alone() -> None:
    P, Q = torch.rand(4, 5), torch.rand(4, 5).round()
    spoilt = P.clone()
    spoilt[1, 2] = torch.nan
    known = spoilt.isfinite()
    found, expected = derivatives(field_cross_entropy, spoilt, Q), derivatives(pytorchs_own, P, Q)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours[known], theirs[known])
    value, gradient, _ = found
    assert value[~known].isnan().all()
    assert gradient[~known].isnan().all()
    # This is why: on CUDA the same is an assertion on the device, which ends the process.
    if DEVICE.type == "cpu":
        with pytest.raises(RuntimeError, match="between 0 and 1"):
            pytorchs_own(spoilt, Q)


def test_the_newton_form_of_a_nan_is_a_nan() -> None:
    P, Q = torch.tensor([0.3, torch.nan]), torch.tensor([1.0, 0.0])
    value = exact_cross_entropy(P, Q)
    assert value.isnan().tolist() == [False, True]


@pytest.mark.parametrize("loss", CROSS_ENTROPIES)
def test_rounding_beyond_the_unit_interval_is_cut_off(loss: CrossEntropy) -> None:
    P = torch.tensor([1 + 1e-7, -1e-9, torch.inf, -torch.inf])
    value, gradient, _ = derivatives(loss, P, torch.tensor([1.0, 0.0, 1.0, 0.0]))
    assert value.tolist() == [0.0] * 4
    assert gradient.tolist() == [0.0] * 4


@pytest.mark.parametrize("method", ["plain", "__call__"])
def test_a_sample_that_is_nan_has_the_loss_nan(method: str) -> None:
    scores, labels = torch.randn(3, 5), torch.rand(3, 5)
    scores[1, 0] = torch.nan
    loss = getattr(ProbabilityLoss(softmax_operator), method)
    assert loss(scores, labels).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("norm", [0.1, 1.0, 100.0])
def test_clipping_cuts_each_samples_own_gradient(norm: float) -> None:
    scores = (torch.randn(3, 8, 5) * torch.logspace(-2, 2, 8).view(8, 1)).requires_grad_()
    own = scores.detach()  # The gradient of ½‖y‖², a sample's own loss.
    clipped = clip_sample_gradients(scores, norm)
    assert torch.equal(clipped, scores)
    (0.5 * clipped.square().sum(-1)).mean(1).sum().backward()
    length = own.norm(dim=-1, keepdim=True)
    expected = own * (norm / length).clamp_max(1.0) / 8
    assert scores.grad is not None
    torch.testing.assert_close(scores.grad, expected)
