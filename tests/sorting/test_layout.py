from __future__ import annotations

import pytest
import torch

from newton_optim.sorting._layout import batch_first, batch_last, inverse_permutation


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_the_inverse_undoes_a_permutation(batch: tuple[int, ...]) -> None:
    order = torch.rand(5, *batch).argsort(dim=0)
    identity = torch.arange(5).reshape(5, *(1 for _ in batch)).expand_as(order)
    assert torch.equal(order.gather(0, inverse_permutation(order)), identity)
    assert torch.equal(inverse_permutation(order).gather(0, order), identity)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_the_batch_goes_last_and_comes_back(batch: tuple[int, ...]) -> None:
    values = torch.rand(*batch, 4)
    last = batch_last(values)
    assert torch.equal(last.movedim(0, -1), values)
    matrix = last.unsqueeze(1) - last.unsqueeze(0)
    assert torch.equal(batch_first(matrix), values.unsqueeze(-1) - values.unsqueeze(-2))
    assert last.is_contiguous()
    assert batch_first(matrix).is_contiguous()
