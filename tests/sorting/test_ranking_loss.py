from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim.sorting import (
    NeuralSort,
    RankingLoss,
    SoftSort,
    SortingNetwork,
    neural_sort,
    soft_sort,
)
from newton_optim.sorting._softmax_derivatives import SMALL
from tests.asserts import as_float64
from tests.settings import DEVICE
from tests.sorting.mp_ranking import mp_ranking
from tests.sorting.softmax_strategies import OPERATORS, Case, cases

# The first forward-mode derivative of a process scripts torch's own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

TINY = float(torch.finfo(torch.float32).tiny)
EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
both = pytest.mark.parametrize("kind", OPERATORS)


def hessian_of(derivatives: LossDerivatives) -> Tensor:
    assert derivatives.hessian is not None
    return derivatives.hessian


def losses(operator: Any, scores: Tensor, labels: Tensor) -> Tensor:
    return RankingLoss(operator, reduction="none")(scores, labels)


def all_derivatives(case: Case, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    operator, scores, labels = case
    given_derivatives = RankingLoss(operator).derivatives(scores.to(dtype), labels)
    return given_derivatives.value, given_derivatives.gradient, hessian_of(given_derivatives)


def transformed(case: Case, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """The same by `torch.func`, sample by sample under vmap."""
    operator, scores, labels = case

    def loss(y: Tensor, t: Tensor) -> Tensor:
        return RankingLoss(operator, reduction="sum")(y, t)

    y, grad = scores.to(dtype), torch.func.grad(loss)
    transforms = (loss, grad, torch.func.jacrev(grad))
    return tuple(torch.func.vmap(f)(y, labels) for f in transforms)


def condition(case: Case) -> float:
    """How far an error of rounding in the logits is amplified: by the logits that count."""
    spread = float((case.scores.amax(-1) - case.scores.amin(-1)).max()) / case.operator.temperature
    n = case.scores.shape[-1]
    return spread * (n if isinstance(case.operator, NeuralSort) else 1.0) + 10.0 * n


def assert_normwise(actual: Tensor, expected: Any, tolerance: float, floor: float = 0.0) -> None:
    """Each sample's error is small against its norm."""
    got, want = as_float64(actual), as_float64(expected)
    assert got.shape == want.shape
    assert np.isfinite(got).all()
    for a, b in zip(got, want, strict=True):
        assert np.linalg.norm(a - b) <= tolerance * np.linalg.norm(b) + floor, (a, b)


def reference(case: Case) -> tuple[Any, ...]:
    pairs = zip(as_float64(case.scores), as_float64(case.labels), strict=True)
    parts = [mp_ranking(case.operator, *pair) for pair in pairs]
    return tuple(np.stack(part) for part in zip(*parts, strict=True))


@both
@pytest.mark.parametrize("spread", [1e3, 1e6])
def test_far_logits_that_are_close_are_told_apart_in_float32(kind: Any, spread: float) -> None:
    # Rows whose other logits are far below the largest and a few units from each other.
    scores = spread * torch.randn(100, 5) + torch.randn(100, 5)
    scores[:, 1], scores[:, 2] = scores[:, 0] + torch.randn(100), scores[:, 0] - torch.rand(100)
    case = Case(kind(temperature=1.0), scores.double(), torch.rand(100, 5))
    narrow, wide = all_derivatives(case, torch.float32), all_derivatives(case)
    for actual, expected in zip(narrow, wide, strict=True):
        assert_normwise(actual, expected, 1e-5, 1e-30)


@settings(max_examples=60)
@given(cases(max_n=5, max_samples=2), st.sampled_from([torch.float32, torch.float64]))
def test_derivatives_are_the_dense_ones_in_many_digits(case: Case, dtype: torch.dtype) -> None:
    # Normwise per sample and relative, however small the loss: the bar is the rounding of logits.
    unit = condition(case) / case.operator.temperature**2
    for actual, expected in zip(all_derivatives(case, dtype), reference(case), strict=True):
        assert_normwise(actual, expected, EPS[dtype] * condition(case), 1e2 * TINY * unit)


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


@given(cases(ties=False, spreads=(0.3, 1.0), max_n=5))
def test_derivatives_are_finite_differences(case: Case) -> None:
    operator, scores, labels = case
    step = 1e-5 * operator.temperature
    eye = step * torch.eye(scores.shape[-1], dtype=scores.dtype)
    twice = labels.unsqueeze(1).expand(-1, len(eye), -1)
    loss = RankingLoss(operator)
    ahead, behind = (loss.derivatives(scores.unsqueeze(1) + s * eye, twice) for s in (1, -1))
    _, gradient, hessian = all_derivatives(case)
    tau = operator.temperature
    differences = (ahead.value - behind.value) / (2 * step)
    torch.testing.assert_close(gradient, differences, rtol=1e-7, atol=1e-8 / tau)
    differences = (ahead.gradient - behind.gradient) / (2 * step)
    torch.testing.assert_close(hessian, differences, rtol=1e-6, atol=1e-7 / tau**2)


@given(cases(spreads=(1.0,), max_n=8), st.sampled_from([1e2, 1e3, 1e6, 1e12, 1e30]))
def test_float32_is_float64_where_scores_spread_wide(case: Case, factor: float) -> None:
    # Gaps that grow keep the logits of a row apart: what is close there is lost in any float32.
    ranks = case.scores.argsort(-1).argsort(-1)
    scores = factor * case.operator.temperature * (3.0**ranks + 0.1 * torch.sin(case.scores))
    case = case._replace(scores=scores.float().double())
    n = scores.shape[-1]
    unit = 1.0 / case.operator.temperature**2
    for narrow, wide in zip(
        all_derivatives(case, torch.float32), all_derivatives(case), strict=True
    ):
        assert_normwise(narrow, wide, EPS[torch.float32] * 50 * n, 1e3 * TINY * unit)
    for part in transformed(case, torch.float32):
        assert part.isfinite().all()


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


@given(cases(spreads=(0.1, 3.0, 1e3), ties=False), st.randoms())
def test_permuting_the_elements_permutes_the_derivatives(case: Case, random: Any) -> None:
    # Without ties: equal labels keep the order given, equal scores the rows in that order.
    n = case.scores.shape[-1]
    order = random.sample(range(n), n)
    case = case._replace(labels=case.labels.argsort(-1).double())
    value, gradient, hessian = all_derivatives(case)
    moved = case._replace(scores=case.scores[:, order], labels=case.labels[:, order])
    expected = (value, gradient[:, order], hessian[:, order][:, :, order])
    for actual, want in zip(all_derivatives(moved), expected, strict=True):
        torch.testing.assert_close(actual, want, rtol=1e-10, atol=1e-11 * n**2 * 400)


@given(cases(spreads=(0.1, 3.0, 1e3)))
def test_hessians_are_symmetric_and_rows_sum_to_zero(case: Case) -> None:
    # Only differences of the scores matter: the trap of translation invariance.
    _, gradient, hessian = all_derivatives(case)
    torch.testing.assert_close(hessian, hessian.mT, rtol=1e-12, atol=1e-13)
    size = 1.0 + float(hessian.abs().max()) + float(gradient.abs().max())
    assert float(hessian.sum(-1).abs().max()) <= 1e-13 * size
    assert float(gradient.sum(-1).abs().max()) <= 1e-13 * size


@given(cases())
def test_the_direction_of_the_operator_plays_no_part(case: Case) -> None:
    turned = type(case.operator)(
        temperature=case.operator.temperature, descending=not case.operator.descending
    )
    for a, b in zip(
        all_derivatives(case), all_derivatives(case._replace(operator=turned)), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@given(cases(spreads=(0.1, 1.0), min_n=2), st.booleans())
def test_the_probability_path_agrees(case: Case, functional: bool) -> None:
    def operator(y: Tensor) -> Tensor:
        return case.operator(y)

    operator.descending = case.operator.descending
    exact = losses(case.operator, case.scores, case.labels)
    torch.testing.assert_close(losses(operator, case.scores, case.labels), exact)
    assert not hasattr(RankingLoss(operator), "derivatives")
    if functional:
        function = neural_sort if isinstance(case.operator, NeuralSort) else soft_sort
        same = partial(function, temperature=case.operator.temperature)
        assert torch.equal(losses(same, case.scores, case.labels), exact)
        assert hasattr(RankingLoss(same), "derivatives")


@both
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_nonfinite_score_spoils_its_own_sample_alone(kind: Any, bad: float, n: int) -> None:
    scores, labels = torch.randn(4, n), torch.randn(4, n)
    spoilt = scores.clone()
    spoilt[1, 0] = bad
    good, loss = [0, 2, 3], RankingLoss(kind())
    clean, derivatives = loss.derivatives(scores, labels), loss.derivatives(spoilt, labels)
    assert not derivatives.value[1].isfinite()
    assert torch.equal(derivatives.value[good], clean.value[good])
    assert torch.equal(derivatives.gradient[good], clean.gradient[good])
    assert torch.equal(hessian_of(derivatives)[good], hessian_of(clean)[good])
    forward = losses(kind(), spoilt, labels)
    assert torch.equal(forward[good], losses(kind(), scores, labels)[good])
    assert not forward[1].isfinite()


@both
def test_one_score_has_no_loss(kind: Any) -> None:
    scores = torch.randn(3, 1, requires_grad=True)
    loss = RankingLoss(kind())
    value = loss(scores, scores.detach())
    value.backward()
    assert value == 0
    assert not scores.grad.any()
    derivatives = loss.derivatives(scores, scores.detach())
    assert derivatives.gradient.shape == (3, 1)
    for part in (derivatives.value, derivatives.gradient, hessian_of(derivatives)):
        assert not part.any()
    assert not transformed(Case(kind(), scores.detach(), scores.detach()))[2].any()


@both
@pytest.mark.parametrize("batch", [(), (3,), (0,), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_shapes_and_dtypes(kind: Any, batch: tuple[int, ...], dtype: torch.dtype) -> None:
    scores, labels = torch.randn(*batch, 4, dtype=dtype), torch.randn(*batch, 4)
    wide = torch.promote_types(dtype, torch.float32)
    derivatives = RankingLoss(kind()).derivatives(scores, labels)
    hessian = hessian_of(derivatives)
    assert derivatives.value.shape == batch
    assert derivatives.gradient.shape == (*batch, 4)
    assert hessian.shape == (*batch, 4, 4)
    assert derivatives.value.dtype == derivatives.gradient.dtype == hessian.dtype == wide
    forward = losses(kind(), scores, labels)
    assert (forward.shape, forward.dtype) == (batch, wide)
    torch.testing.assert_close(forward, derivatives.value)


def test_reductions() -> None:
    scores, labels = torch.randn(3, 4), torch.randn(3, 4)
    each = losses(SoftSort(), scores, labels)
    torch.testing.assert_close(RankingLoss(SoftSort())(scores, labels), each.mean())
    total = RankingLoss(SoftSort(), reduction="sum")(scores, labels)
    torch.testing.assert_close(total, each.sum())


@both
@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.int32, torch.int64, torch.float16, torch.float64]
)
def test_labels_of_any_real_dtype(kind: Any, dtype: torch.dtype) -> None:
    scores = torch.randn(3, 6)
    labels = torch.tensor([0, 1, 1, 0, 1, 0]).expand(3, -1)
    strict = torch.tensor([0, 3, 4, 1, 5, 2]).expand(3, -1)  # Ties keep the order given.
    assert torch.equal(losses(kind(), scores, labels.to(dtype)), losses(kind(), scores, strict))


@both
def test_scores_that_are_a_slice_or_expanded(kind: Any) -> None:
    scores, labels = torch.randn(6, 8)[::2, 1:6], torch.arange(5).expand(3, 5)
    derivatives = RankingLoss(kind()).derivatives(scores, labels)
    clean = RankingLoss(kind()).derivatives(scores.clone(), labels.clone())
    assert torch.equal(derivatives.gradient, clean.gradient)
    assert torch.equal(hessian_of(derivatives), hessian_of(clean))


@both
def test_compiles_in_one_graph_and_under_vmap(kind: Any) -> None:
    loss = RankingLoss(kind(), reduction="none")

    def everything(y: Tensor, t: Tensor) -> tuple[Tensor, ...]:
        d = loss.derivatives(y, t)
        return loss(y, t), d.value, d.gradient, hessian_of(d)

    scores, labels = torch.randn(3, 5), torch.randn(3, 5)
    expected = everything(scores, labels)
    compiled = torch.compile(everything, fullgraph=True, backend="eager")
    for function in (compiled, torch.func.vmap(everything)):
        for a, b in zip(function(scores, labels), expected, strict=True):
            torch.testing.assert_close(a, b)


@both
@pytest.mark.parametrize("n", [SMALL, SMALL + 1, 2 * SMALL])
def test_more_scores_take_matrix_products(kind: Any, n: int) -> None:
    scores = torch.randn(2, n, dtype=torch.float64).mul(2.0).round().div(2.0)  # Some are tied.
    case = Case(kind(), scores, torch.randn(2, n))
    for actual, expected in zip(all_derivatives(case), transformed(case), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


@both
@pytest.mark.parametrize("n", [6, SMALL + 1])
def test_autocast_does_not_lower_the_precision(kind: Any, n: int) -> None:
    scores, labels = torch.randn(8, n), torch.randn(8, n)
    loss = RankingLoss(kind())
    expected = loss.derivatives(scores, labels)
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        value, actual = loss(scores, labels), loss.derivatives(scores, labels)
        hessian = hessian_of(actual)
    torch.testing.assert_close(value, expected.value.mean())
    assert torch.equal(hessian, hessian_of(expected))


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


def test_trap_subtraction_from_one() -> None:
    # All right by 60 temperatures: 1 - P is e^-60, which a subtraction makes 0.
    scores = torch.tensor([[0.0, 6.0, 12.0]])
    case = Case(SoftSort(temperature=0.1), scores.double(), scores.double())
    for actual, want in zip(all_derivatives(case, torch.float32), reference(case), strict=True):
        assert np.abs(want).max() > 0
        assert_normwise(actual, want, 2e-5)


def test_trap_subtraction_from_one_on_the_probability_path() -> None:
    # All wrong by 30 temperatures: 1 - P is e^-30, which a subtraction makes 0.
    scores, labels = torch.tensor([0.0, 3.0, 6.0]), torch.tensor([1, 2, 0])
    exact = torch.func.grad_and_value(RankingLoss(soft_sort))(scores, labels)
    actual = torch.func.grad_and_value(RankingLoss(lambda y: soft_sort(y)))(scores, labels)
    torch.testing.assert_close(actual, exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("gap", [1e2, 1e4, 1e8, 1e30])
def test_trap_clamps_kill_the_gradient(gap: float) -> None:
    # Wrong by far: the loss grows linearly in the gap and its gradient keeps its length.
    scores, labels = torch.tensor([[0.0, gap]]), torch.tensor([[1.0, 0.0]])
    case = Case(SoftSort(temperature=1.0), scores.double(), labels.double())
    value, gradient, _ = all_derivatives(case, torch.float32)
    torch.testing.assert_close(value, torch.tensor([gap]))
    torch.testing.assert_close(gradient, torch.tensor([[-1.0, 1.0]]))
    torch.testing.assert_close(transformed(case, torch.float32)[1], gradient)


def test_trap_clamped_probabilities_have_zero_derivative() -> None:
    # The probability path below the smallest normal number: finite, flat, as documented.
    scores = torch.tensor([[0.0, 1e3]], requires_grad=True)
    loss = RankingLoss(lambda y: soft_sort(y, temperature=1.0))(scores, torch.tensor([[1, 0]]))
    (gradient,) = torch.autograd.grad(loss, scores, create_graph=True)
    (second,) = torch.autograd.grad(gradient[0, 0], scores)
    torch.testing.assert_close(loss.detach(), -torch.tensor(TINY).log())
    assert not gradient.any()
    assert not second.any()


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_diffsort_as_it_is(shape: tuple[int, ...]) -> None:
    diffsort = pytest.importorskip("diffsort")
    peer = diffsort.DiffSortNet("odd_even", 4, steepness=5.0, distribution="cauchy", device=DEVICE)
    own = SortingNetwork(4, steepness=5.0, distribution="cauchy")
    scores, labels = torch.randn(shape), torch.randn(shape)
    loss = RankingLoss(peer, reduction="none")
    expected = RankingLoss(own).derivatives(scores, labels)
    torch.testing.assert_close(loss(scores, labels), expected.value, rtol=1e-4, atol=1e-5)
    assert not hasattr(loss, "derivatives")
    gradient = torch.func.grad(lambda y: loss(y, labels).sum())(scores)
    torch.testing.assert_close(gradient, expected.gradient, rtol=1e-3, atol=1e-4)


def test_networks_are_asked_in_their_own_direction() -> None:
    scores, labels = torch.randn(3, 4), torch.randn(3, 4)
    up, down = (SortingNetwork(4, descending=d) for d in (False, True))
    torch.testing.assert_close(losses(up, scores, labels), losses(down, scores, labels))
    a, b = (RankingLoss(op).derivatives(scores, labels) for op in (up, down))
    torch.testing.assert_close(hessian_of(a), hessian_of(b))


class Doubled(SoftSort):
    """A subclass may compute another P: the logits would not be its own."""

    def forward(self, scores: Tensor) -> Tensor:
        return super().forward(2.0 * scores)


def test_a_subclass_is_taken_at_its_word() -> None:
    scores, labels = torch.randn(3, 4) * 0.1, torch.randn(3, 4)
    assert not hasattr(RankingLoss(Doubled()), "derivatives")
    torch.testing.assert_close(
        losses(Doubled(), scores, labels), losses(SoftSort(), 2.0 * scores, labels)
    )


def call(operator: Any, scores: Any, labels: Any) -> Any:
    return lambda: RankingLoss(operator)(scores, labels)


x = torch.zeros(2, 3, device=DEVICE)
BAD = [
    (lambda: RankingLoss(3), TypeError, "operator must be a callable, got int 3"),
    (lambda: RankingLoss(SoftSort(), reduction="max"), ValueError, "reduction must be one of"),
    (lambda: RankingLoss(SoftSort(), reduction=1), TypeError, "reduction must be one of"),
    (call(SoftSort(), [1.0], x), TypeError, "scores must be a tensor, got list"),
    (call(SoftSort(), x.long(), x), TypeError, "scores must be a floating-point tensor"),
    (call(SoftSort(), x.to(torch.complex64), x), TypeError, "scores must be a floating-point"),
    (call(SoftSort(), x.sum(), x.sum()), ValueError, r"scores must have shape \(\.\.\., n\)"),
    (call(SoftSort(), x[:, :0], x[:, :0]), ValueError, r"got shape \(2, 0\)"),
    (call(SoftSort(), x, [1, 2, 3]), TypeError, "labels must be a real tensor, got list"),
    (call(SoftSort(), x, x.to(torch.complex64)), TypeError, "labels must be a real tensor"),
    (call(SoftSort(), x, x[:1]), ValueError, r"labels must have the shape of scores, \(2, 3\)"),
    (call(SortingNetwork(4), x, x), ValueError, "scores"),
    (call(lambda y: 1, x, x), TypeError, "operator must return a tensor P, got int 1"),
    (call(lambda y: y, x, x), ValueError, r"operator must return P of shape \(2, 3, 3\)"),
]


@pytest.mark.parametrize(("wrong", "error", "match"), BAD)
def test_bad_arguments(wrong: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        wrong()


@pytest.mark.skipif(DEVICE.type != "cpu", reason="values on a device are not looked at")
@pytest.mark.parametrize("operator", [SoftSort(), NeuralSort(), SortingNetwork(3)])
def test_nan_labels_are_refused(operator: Any) -> None:
    labels = torch.tensor([[1.0, float("nan"), 0.0]])
    loss = RankingLoss(operator)
    for method in (loss, loss.derivatives):
        with pytest.raises(ValueError, match="labels must not be NaN"):
            method(torch.zeros(1, 3), labels)


def test_closed_form_is_missing_politely() -> None:
    with pytest.raises(AttributeError, match="no attribute 'derivatives'"):
        _ = RankingLoss(lambda y: y).derivatives
