"""The field's loss in closed form: every bit of autograd's, and the right ones where those are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.sorting.field_derivatives import FieldLoss, NeuralSortLogits
from benchmarks.sorting.losses import permutation_matrix
from newton_optim import Hessian, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort
from tests.asserts import hessian_of
from tests.settings import DEVICE

TEMPERATURES = {"softsort": 0.1, "neuralsort": 1.0}
both = pytest.mark.parametrize("operator", TEMPERATURES)
# The operations are the same; on a GPU their sums may run in another order.
RELATIVE = 0.0 if DEVICE.type == "cpu" else 1e-5


def field_loss(operator: str, scores: Tensor, labels: Tensor) -> Tensor:
    """The loss of each sample as it was published, for autograd."""
    n, temperature = scores.shape[-1], TEMPERATURES[operator]
    if operator == "softsort":
        ordered = scores.sort(dim=-1).values.unsqueeze(-1)
        logits = (scores.unsqueeze(-2) - ordered).abs().neg() / temperature
    else:
        distances = (scores.unsqueeze(-1) - scores.unsqueeze(-2)).abs()
        sums = distances @ torch.ones(n, n, dtype=scores.dtype)
        scaled = scores.unsqueeze(-1) * (2 * torch.arange(1, n + 1, dtype=scores.dtype) - 1 - n)
        logits = (scaled - sums).mT / temperature
    Q = permutation_matrix(labels).to(scores.dtype)
    return F.binary_cross_entropy(logits.softmax(-1), Q, reduction="none").mean((-2, -1))


def by_autograd(loss: Callable[[Tensor], Tensor], scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value, gradient and Hessian, all columns by one batched pass as in a Newton loss.

    (Products of matrices of another size may round differently.)
    """
    y = scores.clone().requires_grad_()
    value = loss(y)
    (gradient,) = torch.autograd.grad(value.sum(), y, create_graph=True)
    basis = torch.eye(y.shape[-1], dtype=y.dtype).unsqueeze(1).expand(-1, *y.shape)
    (columns,) = torch.autograd.grad(gradient, y, basis, is_grads_batched=True)
    return value.detach(), gradient.detach(), columns.movedim(0, -1)


def by_closed_form(operator: str, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same by the module under test."""
    found = FieldLoss(operator, TEMPERATURES[operator]).derivatives(scores, labels)
    return found.value, found.gradient, hessian_of(found)


def assert_same(found: Tensor, expected: Tensor) -> None:
    """Bit for bit on a CPU."""
    torch.testing.assert_close(found, expected, rtol=RELATIVE, atol=0.0)


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [2, 3, 5, 8, 10])
@pytest.mark.parametrize("spread", [0.01, 1.0, 5.0, 30.0, 1e3, 1e6])
def test_every_bit_is_that_of_autograd(
    operator: str, dtype: torch.dtype, n: int, spread: float
) -> None:
    scores, labels = spread * torch.randn(50, n, dtype=dtype), torch.rand(50, n)
    scores[:5] = scores[:5].sort(dim=-1).values  # Some are tied, some in the right order.
    scores[5:10, 0] = scores[5:10, 1]
    labels[:5] = scores[:5].float()
    expected = by_autograd(lambda y: field_loss(operator, y, labels), scores)
    for found, want in zip(by_closed_form(operator, scores, labels), expected, strict=True):
        assert_same(found, want)


@both
def test_in_float64_they_are_those_of_the_exact_loss(operator: str) -> None:
    scores, labels = 0.2 * torch.randn(50, 5, dtype=torch.float64), torch.rand(50, 5)
    exact = RankingLoss({"softsort": SoftSort(), "neuralsort": NeuralSort()}[operator])
    derivatives = exact.derivatives(scores, labels)
    expected = derivatives.value, derivatives.gradient, hessian_of(derivatives)
    for found, want in zip(by_closed_form(operator, scores, labels), expected, strict=True):
        torch.testing.assert_close(found, want, rtol=1e-6, atol=1e-6)


@both
def test_seeds_under_vmap_have_the_newton_losses_of_autograd(operator: str) -> None:
    scores, labels = 3.0 * torch.randn(3, 20, 5), torch.rand(3, 20, 5)
    closed_form = FieldLoss(operator, TEMPERATURES[operator])
    curvature = Hessian(eigenvalues="raw")

    def objective(loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        y = scores.clone().requires_grad_()
        seeds = torch.vmap(lambda s, t: newton_loss(loss, s, t, curvature=curvature, damping=10.0))
        (gradient,) = torch.autograd.grad(seeds(y, labels).sum(), y)
        return gradient

    expected = objective(lambda s, t: field_loss(operator, s, t))
    assert_same(objective(closed_form), expected)


@both
def test_the_value_alone_is_differentiated_by_autograd(operator: str) -> None:
    scores, labels = torch.randn(20, 5), torch.rand(20, 5)
    loss = FieldLoss(operator, TEMPERATURES[operator])
    expected = by_autograd(lambda y: field_loss(operator, y, labels), scores)
    for found, want in zip(by_autograd(lambda y: loss(y, labels), scores), expected, strict=True):
        assert_same(found, want)


@both
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_score_that_is_not_finite_spoils_its_own_sample_alone(operator: str, bad: float) -> None:
    scores, labels = torch.randn(3, 5), torch.rand(3, 5)
    expected = by_closed_form(operator, scores, labels)
    scores[1, 2] = bad
    for found, want in zip(by_closed_form(operator, scores, labels), expected, strict=True):
        assert torch.equal(found[::2], want[::2])
        assert not found[1].isfinite().all()


def test_push_and_pull_are_transposes() -> None:
    scores = torch.randn(4, 6, dtype=torch.float64)
    operator = NeuralSortLogits(scores, 0.7)
    tangent, cotangent = torch.randn(4, 6).double(), torch.randn(4, 6, 6).double()
    torch.testing.assert_close(
        (operator.push(tangent) * cotangent).sum((-2, -1)),
        (operator.pull(cotangent) * tangent).sum(-1),
    )
