from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import NeuralSort, neural_sort
from tests.asserts import as_float64
from tests.sorting.softmax_strategies import OPERATORS, Case, cases

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
both = pytest.mark.parametrize("kind", OPERATORS)


def dense(scores: Any, temperature: float, descending: bool) -> Any:
    """P of one sample by loops, as the paper prints it."""
    n = len(scores)
    A = [sum(abs(a - b) for b in scores) for a in scores]
    factors = [(1 if descending else -1) * (n + 1 - 2 * i) for i in range(1, n + 1)]
    z = np.array(
        [[(c * s - a) / temperature for s, a in zip(scores, A, strict=True)] for c in factors]
    )
    weight = np.exp(z - z.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


@given(cases())
def test_value_is_the_dense_one(case: Case) -> None:
    op = NeuralSort(temperature=case.operator.temperature, descending=case.operator.descending)
    P = op(case.scores)
    expected = [dense(s, op.temperature, op.descending) for s in as_float64(case.scores)]
    # The printed form cancels: its logits are right to the rounding of n times the scores.
    spread = 1.0 + float(case.scores.abs().max()) * 10.0 / op.temperature
    np.testing.assert_allclose(as_float64(P), np.stack(expected), rtol=0, atol=1e-14 * spread)
    function = neural_sort(case.scores, temperature=op.temperature, descending=op.descending)
    assert torch.equal(function, P)
    torch.testing.assert_close(op.logits(case.scores).softmax(-1), P, rtol=0, atol=0)


@given(cases(), st.sampled_from([torch.float32, torch.float64]))
def test_rows_sum_to_one(case: Case, dtype: torch.dtype) -> None:
    P = case.operator(case.scores.to(dtype))
    assert P.dtype == dtype
    assert P.shape == (*case.scores.shape, case.scores.shape[-1])
    torch.testing.assert_close(P.sum(-1), torch.ones_like(P[..., 0]))
    assert (P >= 0).all()


@given(cases(ties=False))
def test_the_hard_limit_is_the_permutation_that_sorts(case: Case) -> None:
    cold = type(case.operator)(
        temperature=case.operator.temperature * 1e-6, descending=case.operator.descending
    )
    P = cold(case.scores)
    order = case.scores.argsort(-1, descending=cold.descending)
    hard = torch.nn.functional.one_hot(order, case.scores.shape[-1]).double()
    torch.testing.assert_close(P, hard)
    ordered = case.scores.sort(-1, descending=cold.descending).values
    torch.testing.assert_close((P @ case.scores.unsqueeze(-1)).squeeze(-1), ordered)


@given(cases())
def test_descending_is_reversed(case: Case) -> None:
    turned = type(case.operator)(
        temperature=case.operator.temperature, descending=not case.operator.descending
    )
    torch.testing.assert_close(turned(case.scores), case.operator(case.scores).flip(-2))


@given(cases(), st.randoms())
def test_permuting_the_elements_permutes_the_columns(case: Case, random: Any) -> None:
    order = random.sample(range(case.scores.shape[-1]), case.scores.shape[-1])
    P = case.operator(case.scores)
    torch.testing.assert_close(case.operator(case.scores[:, order]), P[..., order])


@given(cases())
def test_a_shift_changes_nothing(case: Case) -> None:
    torch.testing.assert_close(
        case.operator.logits(case.scores + 8.0),
        case.operator.logits(case.scores),
        atol=1e-9,
        rtol=0,
    )


@both
def test_one_score(kind: Any) -> None:
    scores = torch.tensor([[3.0], [float("-1e30")]], requires_grad=True)
    P = kind()(scores)
    assert torch.equal(P.detach(), torch.ones(2, 1, 1))
    P.sum().backward()
    assert not scores.grad.any()


@both
def test_equal_scores_share_their_ranks(kind: Any) -> None:
    torch.testing.assert_close(kind()(torch.full((4,), 7.0)), torch.full((4, 4), 0.25))


@both
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e38])
def test_nonfinite_and_huge_scores_stay_in_their_sample(kind: Any, bad: float) -> None:
    scores = torch.randn(3, 4)
    P = kind()(scores)
    scores[1, 2] = bad
    assert torch.equal(kind()(scores)[[0, 2]], P[[0, 2]])


@both
def test_half_precision_is_computed_in_float32(kind: Any) -> None:
    scores = torch.randn(5, 6, dtype=torch.bfloat16)
    assert kind().logits(scores).dtype == torch.float32
    assert torch.equal(kind()(scores), kind()(scores.float()).bfloat16())


@both
def test_transforms_compose(kind: Any) -> None:
    op, scores = kind(temperature=0.7), torch.randn(3, 4, dtype=torch.float64)

    def weigh(y: Tensor) -> Tensor:
        return (op(y) * torch.arange(16.0, dtype=y.dtype).reshape(4, 4)).sin().sum()

    jacobian = torch.func.vmap(torch.func.jacrev(op))(scores)
    torch.testing.assert_close(torch.func.vmap(torch.func.jacfwd(op))(scores), jacobian)
    hessian = torch.func.vmap(torch.func.hessian(weigh))(scores)
    other = torch.func.vmap(torch.func.jacrev(torch.func.grad(weigh)))(scores)
    torch.testing.assert_close(hessian, other)
    torch.testing.assert_close(torch.func.vmap(op)(scores), op(scores))
    differentiable = scores.clone().requires_grad_()
    assert torch.autograd.gradcheck(op, differentiable)
    assert torch.autograd.gradgradcheck(weigh, differentiable[0].detach().requires_grad_())


@both
def test_compiles_in_one_graph(kind: Any) -> None:
    op, scores = kind(descending=True), torch.randn(3, 4)
    compiled = torch.compile(op, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(scores), op(scores))
    function = torch.compile(
        lambda y: neural_sort(y, temperature=0.5), fullgraph=True, backend="eager"
    )
    torch.testing.assert_close(function(scores), neural_sort(scores, temperature=0.5))


def test_close_scores_are_told_apart_beside_far_ones() -> None:
    # Sums over all scores would drown the difference of 1 in the rounding of 1e8.
    z = NeuralSort().logits(torch.tensor([0.0, 1.0, 1e8]))
    torch.testing.assert_close(z[0, 1], torch.tensor(-1.0))
    torch.testing.assert_close(z[1, 0], torch.tensor(-1.0))


def test_defaults_and_repr() -> None:
    scores = torch.randn(4)
    assert torch.equal(NeuralSort()(scores), neural_sort(scores, temperature=1.0))
    assert repr(NeuralSort(descending=True)) == "NeuralSort(temperature=1.0, descending=True)"


def test_bad_arguments_name_themselves() -> None:
    with pytest.raises(ValueError, match=r"temperature must be above 0, got -1\.0"):
        NeuralSort(temperature=-1)
    with pytest.raises(TypeError, match="temperature must be a real number, got bool True"):
        neural_sort(torch.zeros(2), temperature=True)
    with pytest.raises(TypeError, match="descending must be a bool, got str 'no'"):
        neural_sort(torch.zeros(2), descending="no")
    with pytest.raises(TypeError, match="scores must be a floating-point tensor"):
        neural_sort(torch.zeros(2, dtype=torch.complex64))
    for scores in (torch.zeros(()), torch.zeros(2, 0)):
        with pytest.raises(ValueError, match=r"scores must have shape \(\.\.\., n\)"):
            neural_sort(scores)
