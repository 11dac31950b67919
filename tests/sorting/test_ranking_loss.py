from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork, soft_sort
from tests.asserts import hessian_of
from tests.settings import DEVICE
from tests.sorting.softmax_strategies import both, losses


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


def nearly_uniform(scores: Tensor) -> Tensor:
    """An operator that only `RankingLoss` has to know."""
    return soft_sort(scores, temperature=100.0)


@pytest.mark.parametrize("operator", [SoftSort(), NeuralSort(), SortingNetwork(3), nearly_uniform])
def test_an_empty_batch_is_reduced_as_in_pytorch(operator: Any) -> None:
    scores, labels = torch.zeros(0, 3, requires_grad=True), torch.zeros(0, 3)
    assert RankingLoss(operator)(scores, labels).isnan()
    total = RankingLoss(operator, reduction="sum")(scores, labels)
    assert total == 0.0
    (gradient,) = torch.autograd.grad(total, scores)
    assert gradient.shape == (0, 3)
    assert RankingLoss(operator, reduction="none")(scores, labels).shape == (0,)


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


def test_copies_keep_the_weights_of_ranks() -> None:
    loss = RankingLoss(SoftSort(), k=2, rank_weight=[3.0, 2.0, 1.0, 0.0])
    scores, labels = torch.randn(3, 4), torch.randn(3, 4)
    for copied in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(copied(scores, labels), loss(scores, labels))
    other = NeuralSort()
    loss.operator = other
    expected = RankingLoss(other, k=2, rank_weight=[3.0, 2.0, 1.0, 0.0])(scores, labels)
    assert torch.equal(loss(scores, labels), expected)


OPERATORS = [
    SoftSort(),
    NeuralSort(descending=True),
    SortingNetwork(4, network="bitonic"),
    partial(soft_sort, temperature=0.3),
    nearly_uniform,
]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("twin", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_copies_are_equal_and_independent(operator: Any, twin: Any) -> None:
    loss = RankingLoss(operator)
    scores, labels = torch.randn(3, 4), torch.randn(3, 4)
    value, copied = loss(scores, labels), twin(loss)
    assert torch.equal(copied(scores, labels), value)
    assert hasattr(copied, "derivatives") == hasattr(loss, "derivatives")
    name = "steepness" if isinstance(operator, SortingNetwork) else "temperature"
    if hasattr(copied.operator, name):
        setattr(copied.operator, name, 0.7)
        assert copied(scores, labels) != value
        assert loss(scores, labels) == value


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("first", [nearly_uniform, SortingNetwork(4)])
def test_a_new_operator_is_used_in_its_own_form(first: Any, operator: Any) -> None:
    scores, labels = torch.randn(3, 4), torch.randn(3, 4)
    loss, expected = RankingLoss(first), RankingLoss(operator)
    if isinstance(first, torch.nn.Module) and operator is nearly_uniform:
        with pytest.raises(TypeError, match=r"cannot assign .* as child module 'operator'"):
            loss.operator = operator
        expected = RankingLoss(first)
    else:
        loss.operator = operator
    assert torch.equal(loss(scores, labels), expected(scores, labels))
    assert hasattr(loss, "derivatives") == hasattr(expected, "derivatives")


def test_what_is_no_operator_replaces_none() -> None:
    loss = RankingLoss(nearly_uniform)
    with pytest.raises(TypeError, match="operator must be a callable, got NoneType None"):
        loss.operator = None  # type: ignore[assignment]
    assert loss.operator is nearly_uniform


def test_the_operator_is_a_submodule() -> None:
    network = SortingNetwork(4)
    loss = RankingLoss(network)
    assert dict(loss.named_children()) == {"operator": network}
    assert "(operator): SortingNetwork(4, network='odd_even'" in repr(loss)
    assert "(operator): SoftSort(temperature=0.3" in repr(RankingLoss(OPERATORS[3]))
    scores, labels = torch.randn(3, 4), torch.randn(3, 4)
    value = loss(scores, labels)
    assert torch.equal(loss.double()(scores, labels), value)
    assert {buffer.device.type for buffer in loss.to("meta").buffers()} == {"meta"}


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
    (lambda: RankingLoss(SoftSort())(x, x, mask=x), TypeError, "mask must be a bool tensor"),
    (lambda: RankingLoss(SoftSort())(x, x, mask=x[0] > 0), ValueError, "mask must have the shape"),
    (lambda: RankingLoss(SoftSort()).derivatives(x, x, mask=x), TypeError, "mask must be a bool"),
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


@pytest.mark.parametrize("options", [{}, {"k": 2}])
def test_operators_that_take_no_mask_say_so(options: dict[str, Any]) -> None:
    scores, mask = torch.zeros(2, 4), torch.ones(2, 4, dtype=torch.bool)
    diffsort = pytest.importorskip("diffsort")
    for operator, name in (
        (diffsort.DiffSortNet("odd_even", 4), "DiffSortNet"),
        (nearly_uniform, "function"),
        (Doubled(), "Doubled"),
    ):
        with pytest.raises(TypeError, match=f"mask must be None for an operator .* for {name}"):
            RankingLoss(operator, **options)(scores, scores, mask=mask)


def test_closed_form_is_missing_politely() -> None:
    with pytest.raises(AttributeError, match="no attribute 'derivatives'"):
        _ = RankingLoss(lambda y: y).derivatives
