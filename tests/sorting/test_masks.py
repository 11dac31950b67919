"""Lists of different lengths on odd-even networks: each as if it were alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import DISTRIBUTIONS, FAT_TAILED
from newton_optim.sorting._network_derivatives import network_derivatives
from newton_optim.sorting._network_loss import network_loss
from tests.asserts import EPS, hessian_of
from tests.sorting.network_strategies import lists

Case = tuple[SortingNetwork, Tensor, Tensor, Tensor]
# At a tie of logistic_phi, the last bit of a score decides.
FIRM = tuple(name for name in DISTRIBUTIONS if name != "logistic_phi")


def alone(network: SortingNetwork, m: int) -> SortingNetwork:
    """The network of `m` wires."""
    return SortingNetwork(
        m,
        distribution=network.distribution,
        steepness=network.steepness,
        descending=network.descending,
    )


def embedded(part: Tensor, present: Tensor, n: int) -> Tensor:
    """What belongs to the present elements, `(m,)` or `(m, m)`, among zeros."""
    whole = part.new_zeros((n,) * part.ndim)
    index = (present,) if part.ndim == 1 else (present[:, None], present)
    whole[index] = part
    return whole


def assert_alike(actual: Tensor, expected: Tensor, floor: float = 1e-30) -> None:
    """Equal to rounding (vector and scalar code round differently), relative to the sample."""
    size = float(expected.abs().max()) if expected.numel() else 0.0
    # A score's last bit counts a steepness of 10, a spread of 150 and a slope of as much.
    tolerance = 1e3 * EPS[actual.dtype]
    assert (actual - expected).abs().max() <= tolerance * size + floor


@given(lists())
def test_permutations_are_those_of_the_lists_alone(case: Case) -> None:
    network, scores, _, mask = case
    P = network(scores, mask=mask)
    assert P.dtype == scores.dtype
    for found, y, row in zip(P, scores, mask, strict=True):
        present = row.nonzero().flatten()
        m = len(present)
        expected = torch.zeros_like(found)
        if m > 0:
            expected[:m, present] = alone(network, m)(y[present])
        assert_alike(found, expected)


@settings(max_examples=100)
@given(lists(distributions=FIRM))
def test_derivatives_are_those_of_the_lists_alone(case: Case) -> None:
    network, scores, order, mask = case
    found = network_derivatives(network, scores, order, mask)
    for k, row in enumerate(mask):
        present = row.nonzero().flatten()
        m = len(present)
        if m == 0:
            assert found.value[k] == 0.0
            assert not found.gradient[k].any()
            assert not hessian_of(found)[k].any()
            continue
        places = (order[k, :m, None] == present).long().argmax(-1)
        one = network_derivatives(alone(network, m), scores[k, present], places)
        assert_alike(found.value[k], one.value)
        assert_alike(found.gradient[k], embedded(one.gradient, present, network.n))
        # Of saturated lists the gradient is constant and the Hessian cancels: what is left is less
        # than the last bit of the gradient, as it changes over the width of a swap.
        floor = EPS[scores.dtype] * network.steepness * float(one.gradient.abs().max())
        assert_alike(hessian_of(found)[k], embedded(hessian_of(one), present, network.n), floor)


@given(lists())
def test_the_plain_loss_agrees_with_the_closed_form(case: Case) -> None:
    network, scores, order, mask = case
    y = scores.clone().requires_grad_()
    value = network_loss(network, y, order, mask)
    (gradient,) = torch.autograd.grad(value.sum(), y, create_graph=True)
    rows = [torch.autograd.grad(g.sum(), y, retain_graph=True)[0] for g in gradient.unbind(-1)]
    found = network_derivatives(network, scores, order, mask)
    absent = ~mask
    assert not gradient[absent].any()
    assert not found.gradient[absent].any()
    for part in (value, gradient, *rows):
        assert part.isfinite().all()
    assert_alike(value, found.value)
    for k in range(len(mask)):
        assert not torch.stack(rows, 1)[k][absent[k]].any()
        assert not hessian_of(found)[k][absent[k]].any()
        assert not hessian_of(found)[k][:, absent[k]].any()


@given(lists(distributions=FIRM))
def test_a_full_mask_changes_nothing(case: Case) -> None:
    network, scores, order, _ = case
    scores = scores.nan_to_num(0.0, 0.0, 0.0).clamp(max=100.0)
    full = torch.ones_like(scores, dtype=torch.bool)
    found = network_derivatives(network, scores, order, full)
    plain = network_derivatives(network, scores, order)
    for k in range(len(scores)):
        assert_alike(found.value[k], plain.value[k])
        assert_alike(found.gradient[k], plain.gradient[k])
        assert_alike(hessian_of(found)[k], hessian_of(plain)[k])


@pytest.mark.parametrize("distribution", [FAT_TAILED[0], "logistic"])
def test_a_present_score_that_is_not_finite_spoils_its_own_list(distribution: str) -> None:
    network = SortingNetwork(3, distribution=distribution)
    scores = torch.tensor([[0.0, torch.nan, 1.0], [torch.nan, 0.0, 1.0], [0.0, 1.0, 2.0]])
    mask = torch.tensor([[True, True, False], [False, True, True], [True, True, True]])
    order = torch.tensor([[0, 1, 2], [1, 2, 0], [2, 1, 0]])
    found = network_derivatives(network, scores, order, mask)
    assert found.value.isfinite().tolist() == [False, True, True]
    assert found.gradient[0].isnan().tolist() == [True, True, False]
    assert hessian_of(found)[1:].isfinite().all()
    value = network_loss(network, scores, order, mask)
    torch.testing.assert_close(value, found.value, equal_nan=True)


@pytest.mark.parametrize("distribution", [FAT_TAILED[0], "logistic"])
def test_masks_work_under_vmap(distribution: str) -> None:
    network = SortingNetwork(4, distribution=distribution)
    scores, mask = torch.randn(3, 2, 4), torch.rand(3, 2, 4) < 0.6
    order = torch.rand(3, 2, 4).masked_fill(~mask, torch.inf).argsort(-1)

    def parts(y: Tensor, o: Tensor, present: Tensor) -> list[Tensor]:
        found = network_derivatives(network, y, o, present)
        plain = network_loss(network, y, o, present)
        return [network(y, mask=present), plain, found.value, found.gradient, hessian_of(found)]

    mapped = torch.func.vmap(parts)(scores, order, mask)
    for actual, expected in zip(mapped, parts(scores, order, mask), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


def test_masks_compile_as_one_graph() -> None:
    network = SortingNetwork(3)
    scores, mask = torch.randn(2, 3), torch.tensor([[True, False, True], [True, True, True]])

    def parts(y: Tensor, present: Tensor) -> Tensor:
        order = torch.arange(3).expand(2, 3)
        loss: Tensor = network_loss(network, y, order, present)
        return loss + network(y, mask=present).sum((-2, -1))

    torch._dynamo.reset()
    compiled = torch.compile(parts, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(scores, mask), parts(scores, mask))
