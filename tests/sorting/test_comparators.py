from __future__ import annotations

import pytest
import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._comparators import comparators
from newton_optim.sorting._distributions import DISTRIBUTIONS, weight
from tests.sorting.dense_network import assert_near, dense_differences, shifts
from tests.sorting.network_strategies import KINDS, cases

Case = tuple[SortingNetwork, Tensor, Tensor]

# At a tie of logistic_phi the last bit of v decides, and the dense network has other last bits.
FIRM = tuple(name for name in DISTRIBUTIONS if name != "logistic_phi")


@given(cases(distributions=FIRM, wide=False) | cases(ties=False, wide=False))
def test_comparators_see_what_the_dense_network_sees(case: Case) -> None:
    network, scores, _ = case
    pairs = comparators(network, scores)
    for s, y in enumerate(scores):
        v = dense_differences(network, y)
        both = weight(network.distribution, torch.stack((v, -v)), network.steepness)
        torch.testing.assert_close(torch.stack((pairs.keep[:, s], pairs.swap[:, s])), both)
        assert_near(pairs.v_slope[:, s], v * pairs.slope[:, s])
        assert_near(
            pairs.product_curvature[:, s], v * pairs.curvature[:, s] + 2 * pairs.slope[:, s]
        )


@pytest.mark.parametrize(("kind", "n"), KINDS)
def test_the_indices_are_those_of_the_wiring(kind: str, n: int) -> None:
    network = SortingNetwork(n, network=kind)
    pairs = comparators(network, torch.randn(2, n, dtype=torch.float64))
    expected = torch.cat([torch.zeros(0, n, dtype=torch.float64), *shifts(network)])
    assert torch.equal(pairs.incidence(n), expected.T)
    wires = torch.arange(n)
    for layer, index in zip(network.wiring.layers, pairs.layers, strict=True):
        assert tuple(wires[index.first].tolist()) == layer.first
        assert tuple(wires[index.second].tolist()) == layer.second
    parts = pairs.by_layer(pairs.keep)
    assert [len(part) for part in parts] == [len(layer.first) for layer in network.wiring.layers]
