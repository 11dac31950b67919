from __future__ import annotations

import pytest
import torch
from diffsort import DiffSortNet

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._diffsort import diffsort_permutation, is_diffsort
from tests.settings import DEVICE


class Derived(DiffSortNet):
    """A subclass keeps the convention."""


def named_alike() -> object:
    """What has the name, but is of another package."""
    return type("DiffSortNet", (), {"__module__": "diffsorting.networks"})()


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("kind", [DiffSortNet, Derived])
def test_the_axes_are_those_of_this_library(
    kind: type[DiffSortNet], shape: tuple[int, ...]
) -> None:
    peer = kind("odd_even", 4, steepness=5.0, distribution="cauchy", device=DEVICE)
    assert is_diffsort(peer)
    scores = torch.randn(shape)
    P = diffsort_permutation(peer, scores)
    torch.testing.assert_close(P, SortingNetwork(4, steepness=5.0)(scores), rtol=0, atol=3e-6)


def test_others_are_not_of_diffsort() -> None:
    for other in (SortingNetwork(4), named_alike(), torch.sort):
        assert not is_diffsort(other)
