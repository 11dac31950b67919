from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._network_derivatives import network_derivatives
from newton_optim.sorting._network_loss import network_loss
from newton_optim.sorting._packing import Packing


@st.composite
def masks(draw: st.DrawFn) -> Tensor:
    n = draw(st.integers(1, 6))
    row = st.lists(st.booleans(), min_size=n, max_size=n)
    return torch.tensor(draw(st.lists(row, min_size=1, max_size=4)))


@given(masks())
def test_present_elements_come_first_in_their_order(mask: Tensor) -> None:
    packing = Packing.of(mask)
    for k, row in enumerate(mask):
        present = row.nonzero().flatten()
        m = len(present)
        assert packing.lengths[k] == m
        assert torch.equal(packing.elements[k, :m], present)
        assert packing.occupied[k].tolist() == [True] * m + [False] * (len(row) - m)
        assert torch.equal(packing.elements[k][packing.wires[k]], torch.arange(len(row)))


@given(masks(), st.sampled_from([torch.nan, torch.inf, 7.0]))
def test_what_is_packed_is_unpacked(mask: Tensor, padding: float) -> None:
    packing, n = Packing.of(mask), mask.shape[-1]
    scores = torch.randn(mask.shape)
    packed = packing.pack(scores.masked_fill(~mask, padding))
    assert torch.equal(packing.unpack(packed), scores * mask)
    matrices = torch.randn(*mask.shape, n)
    by_wire = torch.stack([row[e][:, e] for row, e in zip(matrices, packing.elements, strict=True)])
    both = mask.unsqueeze(-1) & mask.unsqueeze(-2)
    assert torch.equal(packing.unpack_matrix(by_wire), matrices * both)


@given(masks())
def test_the_order_of_wires(mask: Tensor) -> None:
    """Element `order[i]` is on wire `pack_order(order)[i]`; a free wire is at its own rank."""
    packing = Packing.of(mask)
    order = torch.rand(mask.shape).masked_fill(~mask, torch.inf).argsort(-1)
    wires = packing.pack_order(order)
    for k, m in enumerate(packing.lengths.tolist()):
        assert torch.equal(packing.elements[k][wires[k, :m]], order[k, :m])
        assert torch.equal(wires[k, m:], torch.arange(m, mask.shape[-1]))


def test_means_are_over_the_entries_of_the_list() -> None:
    packing = Packing.of(torch.tensor([[True, False, True, False], [False] * 4]))
    assert packing.mean_over_present(torch.tensor([3.0, 0.0])).tolist() == [12.0, 0.0]
    assert packing.mean_over_present(torch.ones(2, 4)).shape == (2, 4)


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([True] * 4, TypeError, r"mask must be a bool tensor, got list"),
        (torch.ones(2, 4), TypeError, r"mask must be a bool tensor, got .* dtype torch.float32"),
        (torch.ones(4, dtype=torch.bool), ValueError, r"mask .* shape of scores, \(2, 4\), got"),
    ],
)
def test_bad_masks(mask: Any, error: type[Exception], message: str) -> None:
    network = SortingNetwork(4)
    scores, order = torch.zeros(2, 4), torch.arange(4).expand(2, 4)
    for call in (
        lambda: network(scores, mask=mask),
        lambda: network_loss(network, scores, order, mask),
        lambda: network_derivatives(network, scores, order, mask),
    ):
        with pytest.raises(error, match=message):
            call()


def test_bitonic_networks_refuse_a_mask() -> None:
    network, mask = SortingNetwork(4, network="bitonic"), torch.ones(2, 4, dtype=torch.bool)
    scores, order = torch.zeros(2, 4), torch.arange(4).expand(2, 4)
    message = "mask needs a network of kind 'odd_even', got 'bitonic'"
    for call in (
        lambda: network(scores, mask=mask),
        lambda: network_loss(network, scores, order, mask),
        lambda: network_derivatives(network, scores, order, mask),
    ):
        with pytest.raises(ValueError, match=message):
            call()
