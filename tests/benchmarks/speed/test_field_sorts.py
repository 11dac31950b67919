"""The published operators against the library's."""

from __future__ import annotations

import pytest
import torch

from benchmarks.speed.field_sorts import field_neural_sort, field_soft_sort
from newton_optim.sorting import neural_sort, soft_sort


@pytest.mark.parametrize("name", ["soft", "neural"])
def test_peers_compute_the_same_permutation(name: str) -> None:
    scores = torch.randn(3, 5, dtype=torch.float64)
    ours = {"soft": soft_sort, "neural": neural_sort}[name](scores, temperature=0.5)
    theirs = {"soft": field_soft_sort, "neural": field_neural_sort}[name](scores, 0.5)
    torch.testing.assert_close(ours, theirs)
