"""The forward sweep in log space, against the plain operations and dense matrices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import weight, weight_derivatives
from newton_optim.sorting._log_permutation import log_permutation
from newton_optim.sorting._log_sweeps import (
    PairIndex,
    comparators,
    forward_sweep,
    joined,
    pairs_of,
)
from tests.sorting.dense_network import assert_near, dense_differences
from tests.sorting.network_strategies import KINDS, SMOOTH, cases

Case = tuple[SortingNetwork, Tensor, Tensor]
smooth_cases = cases(distributions=SMOOTH, wide=False)


@given(smooth_cases)
def test_the_sweep_is_the_network(case: Case) -> None:
    network, scores, _ = case
    sweep = forward_sweep(network, scores, torch.float64)
    assert_near(sweep.L.transpose(0, 1).exp(), log_permutation(network, scores).exp())
    for s, y in enumerate(scores):
        assert_near(sweep.v[:, s], dense_differences(network, y))


@given(smooth_cases)
def test_shares_are_those_of_the_mixture(case: Case) -> None:
    """Every new entry is its own wire's old one, over its share, times the weight."""
    network, scores, _ = case
    sweep = forward_sweep(network, scores, torch.float64)
    n, N = network.n, len(scores)
    P = torch.eye(n, dtype=torch.float64).unsqueeze(1).repeat(1, N, 1)
    for (wires, members), shares in zip(sweep.layers, sweep.shares, strict=True):
        rows = pairs_of(P, wires).clone()
        keep = sweep.keep[members].exp()[:, None, :, None]
        swap = sweep.swap[members].exp()[:, None, :, None]
        new = keep * rows + swap * rows.flip(1)
        P[wires] = new.flatten(0, 1)
        assert_near(shares.own * new, keep * rows)
        assert_near(shares.other * new, swap * rows.flip(1))
        assert_near(shares.own + shares.other, torch.ones_like(new))


@given(smooth_cases)
def test_comparators_have_the_derivatives_of_the_weights(case: Case) -> None:
    network, scores, _ = case
    sweep = forward_sweep(network, scores, torch.float64)
    found = comparators(network, sweep, torch.float64)
    name, beta, v = network.distribution, network.steepness, sweep.v
    first, second = weight_derivatives(name, v, beta)
    f, other = weight(name, v, beta), weight(name, -v, beta)
    assert_near(found.weight, other)
    assert_near(found.keep * f, first)
    assert_near(found.swap * other, first)
    assert_near((found.keep_curvature + found.keep.square()) * f, second)
    assert_near((found.swap_curvature + found.swap.square()) * other, -second)
    assert_near(found.moved, other - v * first)
    assert_near(beta * found.x_slope, v * first)
    assert_near(beta * found.x_curvature, v * second + 2.0 * first)


def test_idle_comparators_do_nothing() -> None:
    network, lengths = SortingNetwork(5, distribution="logistic"), torch.tensor([5, 3, 0])
    sweep = forward_sweep(network, torch.randn(3, 5), torch.float32, lengths)
    assert sweep.idle is not None
    assert sweep.idle.sum(0).tolist() == [0, 10 - 3, 10]
    found = comparators(network, sweep, torch.float32)
    for part in found:
        assert not part[sweep.idle].any()
        assert part[:, 0].all()


@pytest.mark.parametrize(("kind", "n"), KINDS)
def test_layers_are_those_of_the_wiring(kind: str, n: int) -> None:
    network = SortingNetwork(n, network=kind)
    sweep = forward_sweep(network, torch.randn(2, n), torch.float32)
    wires = torch.arange(n)
    found: list[PairIndex] = sweep.layers
    for layer, index in zip(network.wiring.layers, found, strict=True):
        pairs = pairs_of(wires, index.wires)
        assert pairs.tolist() == [list(pair) for pair in zip(*layer, strict=True)]
        assert torch.equal(joined(*pairs.unbind(1)), wires[index.wires])
        if kind == "odd_even":  # A view, which is written in place.
            assert isinstance(index.wires, slice)
